package keyringtest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// It does not save after each change. KeePassXC 2.7.4 saves in a thread of its own what the
// next request changes at the same time, and ends by a segmentation fault there
// (QUuid::toRfc4122, called by the writer of its database): 9 of 90 runs of the contract did
// on two busy processors, and none of 240 with this line.
const keepassxcConfig = `[General]
ConfigVersion=2
UpdateCheckMessageShown=true
AutoSaveAfterEveryChange=false
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ShowNotification=false
ConfirmDeleteItem=false
ConfirmAccessItem=false
UnlockBeforeSearch=false
`

// keepassxcDatabase is a database whose one group, of this UUID in base64 and in hex, is
// shown as a collection.
const keepassxcDatabase = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<KeePassFile><Meta><Generator>x</Generator><DatabaseName>db</DatabaseName><CustomData><Item>
<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{%[2]s}</Value></Item></CustomData></Meta>
<Root><Group><UUID>%[1]s</UUID><Name>Root</Name><IconID>48</IconID></Group></Root></KeePassFile>
`

// KeePassXC starts KeePassXC as the Secret Service on a bus of its own, without a display,
// with an open database. Where it is not installed the test is skipped, or fails if
// AUTH_TEST_REQUIRE lists "keepassxc".
func KeePassXC(t testing.TB) *Service {
	t.Helper()
	testenv.Program(t, "keepassxc", "keepassxc")
	testenv.Program(t, "dbus-daemon", "dbus")
	s := &Service{t: t, dir: shortTempDir(t)}
	s.startBus()
	// One KeePassXC runs for a temporary folder and user: a second one hands its database to
	// the first, which may be the desktop's own.
	s.Env = append(s.Env, "QT_QPA_PLATFORM=offscreen", "TMPDIR="+s.dir)
	s.configure(filepath.Join("keepassxc", "keepassxc.ini"), keepassxcConfig)

	group := []byte("sixteen bytes...")
	uuid := hex.EncodeToString(group)
	uuid = uuid[:8] + "-" + uuid[8:12] + "-" + uuid[12:16] + "-" + uuid[16:20] + "-" + uuid[20:]
	xml, db := filepath.Join(s.dir, "db.xml"), filepath.Join(s.dir, "db.kdbx")
	text := fmt.Sprintf(keepassxcDatabase, base64.StdEncoding.EncodeToString(group), uuid)
	if err := os.WriteFile(xml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	make := exec.Command("keepassxc-cli", "import", "-p", xml, db)
	make.Env = append(os.Environ(), s.Env...)
	make.Stdin = strings.NewReader("pw\npw\n")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("keepassxc-cli import: %v\n%s", err, out)
	}
	open := func() bool {
		const collection = "/org/freedesktop/secrets/aliases/default"
		locked, err := s.conn.Object(secretService, collection).GetProperty("org.freedesktop.Secret.Collection.Locked")
		return err == nil && locked.Value() == false
	}
	for range 2 { // KeePassXC 2.7 was seen to end while it started, once in many runs
		s.daemon = exec.Command("keepassxc", "--pw-stdin", db)
		s.daemon.Stdin = strings.NewReader("pw\n")
		s.start(s.daemon)
		if s.waits(time.Minute, open) {
			return s
		}
		end(s.daemon)
	}
	t.Fatal("KeePassXC does not show its database, twice")
	return nil
}

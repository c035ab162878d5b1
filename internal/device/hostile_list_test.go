package device_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

// lists puts a backup into the folder that is signed with the thief's key, holds what a device
// holds, and lists sealed keys of the thief's choice.
func (x thief) lists(m *machine, at time.Time, sealed ...backup.SealedKey) {
	x.t.Helper()
	content := backup.Content{
		Device: "feedfeedfeedfeed", Generation: 99, Created: at, State: m.read().Clone(), Sealed: sealed,
	}
	payload, err := x.key.Encode(content)
	if err != nil {
		x.t.Fatal(err)
	}
	plant(x.t, x.dir, x.key, content, payload)
}

// Attack: a thief's old laptop still holds the key, and signs a backup that lists sealed keys
// under names that auth gives none, or for which no file can be read. Every command that gets
// rid of the thief goes on as if they were not listed.
func TestListedSealedKeysOfOtherNames(t *testing.T) {
	t.Parallel()
	const hash = "0123456789abcdef0123456789abcdef"
	for _, name := range []string{
		"", ".", "..", "/etc/hostname", "../../x", "recovery-../x-1.age", "recovery-0123456789abcdef-../../../x.age",
		"recovery-0123456789abcdef-01234567" + strings.Repeat("x", 300) + ".age", "recovery-0123456789abcdef-01234567\x00.age",
		"recovery-0123456789abcdef-folder01.age", "recovery-0123456789abcdef-01234567.age",
	} {
		t.Run(fmt.Sprintf("%.45q", name), func(t *testing.T) {
			t.Parallel()
			a, b, dir := twelve(t)
			a.sync()
			// A folder in the place of the last of them.
			if err := os.Mkdir(filepath.Join(dir, "recovery-0123456789abcdef-01234567.age"), 0o700); err != nil {
				t.Fatal(err)
			}
			x := thief{t, dir, a.key()}
			x.lists(b, noon.Add(time.Minute), backup.SealedKey{Name: name, Hash: hash}, backup.SealedKey{Name: sealedKeys(t, dir)[0], Hash: "short"})
			newMachine(t).restore(device.RestoreOptions{From: dir})
			a.later(2 * time.Minute).sync()
			a.person.passphrases[device.NewForLocation] = next
			a.person.says(device.LoseDevice, true)
			if lost, err := a.open().Lose(t.Context(), b.id(), time.Time{}, device.EnableOptions{}); err != nil || a.key().ID() == x.key.ID() {
				t.Errorf("the thief is not got rid of: %v, %+v", err, lost)
			}
			if r := a.add("later"); r.Stale != nil {
				t.Error(r.Stale)
			}
			a.current()
		})
	}
}

// Attack: the thief lists the user's own files, the newest backup among them, as retired sealed
// keys, which a device removes. It removes what auth itself names that way, and nothing else.
func TestRetiredNamesOfOtherFiles(t *testing.T) {
	t.Parallel()
	a, b, dir := twelve(t)
	a.sync()
	own := sealedKeys(t, dir)[0]
	// Others of the folder are not named by auth, or only almost.
	for _, name := range []string{
		"thesis.docx", "recovery-plan.age", "recovery-0123456789abcdef-01234567 (1).age", "recovery-0123456789ABCDEF-01234567.age",
	} {
		write(t, filepath.Join(dir, name), "mine")
	}
	before := files(t, dir, "")
	var retired []backup.SealedKey
	for _, name := range before {
		if name != own {
			retired = append(retired, backup.SealedKey{Name: name, Hash: "0123456789abcdef0123456789abcdef", Retired: true})
		}
	}
	thief{t, dir, a.key()}.lists(b, noon.Add(time.Minute), retired...)
	a.later(2 * time.Minute).sync()
	a.add("later")
	if _, err := a.open().Verify(t.Context()); err != nil {
		t.Error(err)
	}
	after := files(t, dir, "")
	for _, name := range before {
		if !slices.Contains(after, name) {
			t.Errorf("%s was removed", name)
		}
	}
}

// Attack: the thief lists hundreds of sealed keys in use, which would make the enrolment larger
// than an item of Windows' keyring, so that this device could never rotate again.
func TestListedSealedKeysAreBounded(t *testing.T) {
	t.Parallel()
	const windowsItem = 2500
	a, b, dir := twelve(t)
	a.sync()
	var many []backup.SealedKey
	for i := range 1000 {
		many = append(many, backup.SealedKey{Name: fmt.Sprintf("recovery-%016x-%08x.age", i, i), Hash: fmt.Sprintf("%032x", i)})
	}
	own := sealedKeys(t, dir)[0]
	thief{t, dir, a.key()}.lists(b, noon.Add(time.Minute), many...)
	a.later(2 * time.Minute).sync()
	size := func() int {
		t.Helper()
		text, err := a.keyring.Get(t.Context(), vault.EnrolmentItem.String())
		if err != nil {
			t.Fatal(err)
		}
		return len(text)
	}
	if n := size(); n > windowsItem {
		t.Errorf("the enrolment has %d bytes, more than %d", n, windowsItem)
	}
	key, err := a.open().Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(key.Sealed, func(k backup.SealedKey) bool { return k.Name == own && !k.Retired }) {
		t.Error("this device no longer knows its own sealed key")
	}
	a.person.passphrases[device.NewForLocation] = next
	a.rotate()
	if n := size(); n > windowsItem {
		t.Errorf("after a rotation the enrolment has %d bytes, more than %d", n, windowsItem)
	}
	a.current()
}

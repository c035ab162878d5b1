package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// Bad input and bad days, one test each: what the program says, how it ends, and that
// nothing is lost. This file has those of the files; others of the place and the clock.

// recoveryKey returns the recovery key of a device's location.
func (d *device) recoveryKey() backup.RecoveryKey {
	d.t.Helper()
	sheet := filepath.Join(d.t.TempDir(), "sheet")
	d.must("", "backup", "key", "--sheet", sheet)
	key, err := backup.ParseRecoveryKey(string(read(d.t, sheet)))
	if err != nil {
		d.t.Fatal(err)
	}
	return key
}

// payload opens a backup.
func payload(t testing.TB, key backup.RecoveryKey, path string) []byte {
	t.Helper()
	data, err := backup.Unseal(read(t, path), key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// forge seals a payload for a location, as anybody can who knows its recipient.
func forge(t testing.TB, key backup.RecoveryKey, data []byte) []byte {
	t.Helper()
	to, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := backup.Seal(data, backup.SealTo(to))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// A passphrase that is wrong is told, by restore and by enable, and nothing happens.
func TestBadWrongPassphrase(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	wrong := writeTemp(t, "battery staple correct horse")
	empty := newDevice(t, nil)
	words := []string{"wrong passphrase or key", "hint: try the passphrase again"}
	d.untouched(loc, func() {
		empty.fails(7, words, "restore", loc, "--passphrase-file", wrong)
		empty.add("own")
		empty.fails(7, words, "backup", "enable", loc, "--passphrase-file", wrong)
		other := writeTemp(t, backupKey(t).Text())
		empty.fails(7, nil, "restore", loc, "--identity", other)
	})
	empty.has("own")
	if code, b := empty.status(); code != 0 || b.On {
		t.Errorf("after a wrong passphrase backup is %+v", b)
	}
}

func backupKey(t testing.TB) backup.RecoveryKey {
	t.Helper()
	key, err := backup.NewRecoveryKey(false)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A file that is not ours: named by itself it is refused, in a location it is skipped
// and named, and the rest is used. It is never touched.
func TestBadForeignFile(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	foreign := map[string][]byte{
		"notes.age":   []byte("no age file at all"),
		"empty.age":   nil,
		"photos.age":  forge(t, backupKey(t), []byte("a picture")),
		"for-us.age":  forge(t, key, []byte("not a backup")),
		"object.age":  forge(t, key, []byte(`{"format":"something else","version":1}`)),
		"nothing.age": forge(t, key, nil),
	}
	for name, data := range foreign {
		write(t, filepath.Join(loc, name), data)
	}
	before := contents(t, loc)
	empty := newDevice(t, nil)
	r := empty.restore(5, loc)
	for name := range foreign {
		r.says(t, name)
	}
	empty.right("first")
	d.add("second")
	d.run("", "sync").says(t, "notes.age", "not a backup of auth", "photos.age")
	kept(t, loc, before)
	identity := writeTemp(t, key.Text())
	for name := range foreign {
		empty.fails(7, nil, "restore", filepath.Join(loc, name), "--identity", identity)
	}
	empty.has("first")
}

// A backup from another location is of no use here, and is named.
func TestBadOtherLocation(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	_, other := newLocation(t)
	stray := newest(t, other)
	copyFile(t, stray, filepath.Join(loc, filepath.Base(stray)))
	d.untouched(loc, func() {
		if r := d.run("", "sync"); r.code != 5 {
			t.Errorf("sync: exit code %d", r.code)
		} else {
			r.says(t, filepath.Base(stray), "wrong passphrase or key")
		}
	})
	empty := newDevice(t, nil)
	empty.restore(5, loc).says(t, filepath.Base(stray))
	empty.has("first")
}

// A backup of a later version is not guessed at: update, it says.
func TestBadNewerFormat(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	data := payload(t, key, newest(t, loc))
	later := []byte(strings.Replace(string(data), `"format":"auth-backup","version":1`, `"format":"auth-backup","version":2`, 1))
	name := filepath.Join(loc, "later.age")
	write(t, name, forge(t, key, later))
	empty := newDevice(t, nil)
	empty.restore(5, loc).says(t, "later.age", "later version of auth")
	empty.has("first")
	empty.fails(7, []string{"later version", "install the later version"}, "restore", name, "--identity", writeTemp(t, key.Text()))
	empty.has("first")
}

// Cut or flipped at any byte: exit 7, no panic, no part of it is used. The bytes are
// sampled, and every one of them in the long run.
func TestBadCutOrFlippedBackup(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t, "--x25519")
	data, key := read(t, newest(t, loc)), d.recoveryKey()
	damaged := t.TempDir()
	step := len(data)/60 + 1
	if testenv.Long() {
		step = 1
	}
	n := 0
	for at := 0; at < len(data); at += step {
		flipped := append([]byte(nil), data...)
		flipped[at] ^= 1 << (at % 8)
		for _, bad := range [][]byte{data[:at], flipped} {
			if _, err := backup.Open(bad, key.Identity()); err == nil {
				t.Fatalf("damaged at byte %d it opens", at)
			}
			write(t, filepath.Join(damaged, fmt.Sprintf("%016x-20260102T030405Z-%d-%016x.age", at, n, n)), bad)
			n++
		}
	}
	for _, name := range sealedKeys(t, loc) {
		copyFile(t, filepath.Join(loc, name), filepath.Join(damaged, name))
	}
	empty := newDevice(t, nil)
	empty.add("own")
	empty.untouched(damaged, func() {
		r := empty.restore(7, damaged)
		r.says(t, "no backup there can be used")
		if got := strings.Count(r.stderr, "warning: skipped"); got != n || strings.Contains(r.stderr, "panic") {
			t.Errorf("%d of %d files were named\n%.2000s", got, n, r.stderr)
		}
		identity := writeTemp(t, key.Text())
		for _, name := range backups(t, damaged)[:8] {
			empty.fails(7, nil, "restore", filepath.Join(damaged, name), "--identity", identity)
		}
	})
}

// The same for the sealed key: never another key, never a panic.
func TestBadCutOrFlippedSealedKey(t *testing.T) {
	t.Parallel()
	_, loc := newLocation(t, "--x25519")
	path := filepath.Join(loc, sealedKeys(t, loc)[0])
	data := read(t, path)
	id, err := backup.PassphraseIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	empty := newDevice(t, nil)
	sampled := max(len(data)/8, 1)
	for at := range data {
		flipped := append([]byte(nil), data...)
		flipped[at] ^= 1 << (at % 8)
		for _, bad := range [][]byte{data[:at], flipped} {
			// A flipped digit of the work factor may ask for up to four seconds of scrypt; see the bomb.
			if under, err := backup.UnderPassphrase(bad); err != nil || !under || strings.Contains(string(bad[:60]), " 4\n") {
				if _, err := backup.UnsealKey(bad, id); err == nil {
					t.Fatalf("damaged at byte %d it opens", at)
				}
			}
		}
		if at%sampled == 0 {
			write(t, path, data[:at])
			empty.restore(7, loc)
			write(t, path, flipped)
			empty.restore(7, loc)
		}
	}
	write(t, path, data)
	empty.restore(0, loc)
	empty.right("first")
}

// forged returns a backup that looks like a device's newest and brings an account in,
// by somebody who has the recipient and not the key.
func forged(t testing.TB, d *device, key backup.RecoveryKey, loc string) []byte {
	t.Helper()
	content, err := backup.Decode(payload(t, key, newest(t, loc)))
	if err != nil {
		t.Fatal(err)
	}
	evil, err := backup.Encode(backup.Content{
		Device: content.Device, DeviceName: content.DeviceName, Generation: content.Generation + 100, Created: time.Now(),
		State: evilState(t, content.State), Supersedes: []string{backup.HashOf(read(t, newest(t, loc)))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return forge(t, key, evil)
}

// evilState renames every account, by stamps that are newer than all that a device has set.
func evilState(t testing.TB, state *vault.State) *vault.State {
	t.Helper()
	tx := vault.Tx{State: state.Clone(), Now: time.Now().Add(time.Hour), Device: "feedfeedfeedfeed"}
	for _, a := range tx.Accounts() {
		if err := tx.SetLabel(a.ID, "", "evil "+a.Name); err != nil {
			t.Fatal(err)
		}
	}
	return tx.State
}

// Without a valid signature a file is never merged, never counts, and is named; only a
// user who says so gets what is in it.
func TestBadUnsigned(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	name := filepath.Base(newest(t, loc))
	evil := regexp.MustCompile(`-\d+-[0-9a-f]{16}\.age$`).ReplaceAllString(name, "-101-0123456789abcdef.age")
	write(t, filepath.Join(loc, evil), forged(t, d, key, loc))

	if r := d.run("", "sync"); r.code != 5 {
		t.Errorf("sync: exit code %d", r.code)
	} else {
		r.says(t, evil, "no valid signature")
	}
	d.has("first")
	d.fails(7, []string{evil, "no valid signature"}, "backup", "verify")
	if out := d.must("", "backup", "list"); !strings.Contains(out, "unsigned") {
		t.Errorf("backup list says\n%s", out)
	}
	empty := newDevice(t, nil)
	empty.restore(5, loc).says(t, evil, "no valid signature")
	empty.has("first")
	accepting := newDevice(t, nil)
	accepting.restore(0, loc, "--accept-unsigned")
	accepting.has("evil first")
	// Nor does it push a real backup out, or make this device believe that it was cloned.
	for i := range 12 {
		d.add(fmt.Sprintf("a%d", i))
	}
	if _, err := os.Stat(filepath.Join(loc, evil)); err != nil {
		t.Errorf("the file of another was touched: %v", err)
	}
	d.current()
}

// A signature is over every byte: one that is moved to another payload, cut off, in
// upper case or of another key is none.
func TestBadSignature(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	data := string(payload(t, key, newest(t, loc)))
	if !key.Signed([]byte(data)) {
		t.Fatal("the backup is not signed")
	}
	line, rest, _ := strings.Cut(data, "\n")
	for what, bad := range map[string]string{
		"other payload": line + "\n" + strings.Replace(rest, `"first"`, `"evils"`, 1),
		"padding":       line + "\n" + strings.Replace(rest, `  "}`, ` 0"}`, 1),
		"upper case":    strings.ToUpper(line[:20]) + data[20:],
		"moved":         "{" + rest[:20] + line + rest[20:],
		"cut":           line[:40] + line[41:] + "\n" + rest,
		"zeros":         `{"mac":"` + strings.Repeat("0", 64) + "\",\n" + rest,
		"none":          "{\n" + rest,
		"more":          data + " ",
	} {
		if key.Signed([]byte(bad)) {
			t.Errorf("%s: the signature is taken for valid", what)
		}
	}
	if backupKey(t).Signed([]byte(data)) {
		t.Error("another key finds the signature valid")
	}
}

// A sealed key that is deleted or swapped is put back and reported; one that was
// retired stays away.
func TestBadSealedKey(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	name := sealedKeys(t, loc)[0]
	path := filepath.Join(loc, name)
	whole := string(read(t, path))
	for _, bad := range []func(){
		func() { remove(t, path) },
		func() { write(t, path, []byte("swapped")) },
		func() {
			_, other := newLocation(t)
			copyFile(t, filepath.Join(other, sealedKeys(t, other)[0]), path)
		},
	} {
		bad()
		d.run("", "backup").says(t, name, "put back")
		if string(read(t, path)) != whole {
			t.Error("the sealed key was not put back")
		}
	}
	remove(t, path)
	d.run("", "backup", "verify").says(t, name, "put back")
	if string(read(t, path)) != whole {
		t.Error("verify did not put the sealed key back")
	}
	d.must("another horse battery staple", "backup", "passphrase", "--passphrase-file", "-")
	d.add("second")
	if got := sealedKeys(t, loc); len(got) != 1 || got[0] == name {
		t.Errorf("after a new passphrase the sealed keys are %q", got)
	}
	empty := newDevice(t, nil)
	empty.fails(7, []string{"wrong passphrase"}, "restore", loc, "--passphrase-file", writeTemp(t, passphrase))
	empty.must("another horse battery staple", "restore", loc, "--passphrase-file", "-")
	empty.right("second")
}

// A sealed key that was swapped before a new machine came is not taken for the right
// one there, and the first device puts it back.
func TestBadSwappedSealedKeyIsNotLearned(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	d.must("", "backup", "key", "--add", backupKey(t).Recipient())
	sealed := sealedKeys(t, loc)
	var further string
	for _, name := range sealed {
		if under, err := backup.UnderPassphrase(read(t, filepath.Join(loc, name))); err == nil && !under {
			further = name
		}
	}
	whole := read(t, filepath.Join(loc, further))
	write(t, filepath.Join(loc, further), forge(t, backupKey(t), []byte("of another")))
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	empty.add("from the new machine")
	d.run("", "backup").says(t, further, "put back")
	empty.add("another")
	if string(read(t, filepath.Join(loc, further))) != string(whole) {
		t.Error("the swapped sealed key came back")
	}
}

// README.txt is put back where it was altered; one that was there before us is left
// alone, and ours lies beside it.
func TestBadReadme(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	path := filepath.Join(loc, "README.txt")
	whole := string(read(t, path))
	write(t, path, []byte(strings.Replace(whole, "never delete them", "delete them", 1)))
	d.run("", "backup").says(t, "README.txt", "put back")
	if string(read(t, path)) != whole {
		t.Error("README.txt was not put back")
	}
	remove(t, path)
	d.add("second")
	if string(read(t, path)) != whole {
		t.Error("README.txt was not put back")
	}
	write(t, path, []byte(strings.ReplaceAll(whole, "\n", "\r\n"))) // an editor of Windows
	if r := d.run("", "backup"); strings.Contains(r.stderr, "README") {
		t.Errorf("ends of lines are an alteration: %s", r.stderr)
	}

	shared := t.TempDir()
	write(t, filepath.Join(shared, "README.txt"), []byte("the user's own\n"))
	other := newDevice(t, nil)
	other.add("first")
	other.enable(shared)
	other.add("second")
	if got := string(read(t, filepath.Join(shared, "README.txt"))); got != "the user's own\n" {
		t.Errorf("the user's own README.txt is now\n%s", got)
	}
	if all := files(t, shared, "README*"); len(all) != 2 || !strings.Contains(string(read(t, filepath.Join(shared, all[0]))), "age -d") {
		t.Errorf("beside it lie %q", all)
	}
}

// A forged file may ask for hours of scrypt: it is refused at once, and does not keep
// the right sealed key from being used.
func TestBadWorkFactorBomb(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	bomb := []byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	name := sealedKeys(t, loc)[0]
	id := strings.Split(name, "-")[1]
	write(t, filepath.Join(loc, "recovery-"+id+"-00000000.age"), bomb)
	write(t, filepath.Join(loc, "bomb.age"), bomb)
	empty := newDevice(t, nil)
	empty.restore(5, loc).says(t, "bomb.age")
	empty.right("first")
	for _, name := range sealedKeys(t, loc) {
		write(t, filepath.Join(loc, name), bomb)
	}
	newDevice(t, nil).restore(7, loc).says(t, "unreasonably long")
	d.add("second")
	d.current()
}

// A hostile file that opens but is nonsense inside: no panic, in a location nor named.
func TestBadContent(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	data := string(payload(t, key, newest(t, loc)))
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(data), &object); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, field := range []string{
		"version", "device", "device_name", "generation", "created", "accounts", "name_only", "vault", "removed", "order", "ordered",
		"supersedes", "sealed", "old_keys", "old_files",
	} {
		for _, value := range []string{"null", "[null]", `[{}]`, `{"":null}`, `"x"`, "-1", "[[]]", `[{"record":null}]`, `[{"record":{"id":""}}]`, `{"version":1,"vault":"x","accounts":[null]}`, `{"version":1,"vault":"x","accounts":[{"id":"a"}],"trash":[null]}`} {
			object := mapsWith(object, field, value)
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			n++
			write(t, filepath.Join(loc, fmt.Sprintf("bad-%03d.age", n)), forge(t, key, text))
		}
	}
	empty := newDevice(t, nil)
	r := empty.restore(5, loc)
	if strings.Contains(r.stderr, "panic") {
		t.Fatalf("%.2000s", r.stderr)
	}
	empty.has("first")
	accepting := newDevice(t, nil)
	if r := accepting.run(passphrase, "restore", loc, "--passphrase-file", "-", "--accept-unsigned"); strings.Contains(r.stderr, "panic") || r.code != 5 && r.code != 0 {
		t.Errorf("exit code %d: %.2000s", r.code, r.stderr)
	}
}

func mapsWith(object map[string]json.RawMessage, field, value string) map[string]json.RawMessage {
	changed := map[string]json.RawMessage{}
	maps.Copy(changed, object)
	changed[field] = json.RawMessage(value)
	return changed
}

// A cloud's placeholder, whose content is not here yet: it is named, the rest is used,
// and nothing takes it for gone.
func TestBadNotDownloaded(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	other := newDevice(t, nil)
	other.restore(0, loc)
	other.add("theirs")
	name := filepath.Base(newest(t, loc))
	data := read(t, filepath.Join(loc, name))
	remove(t, filepath.Join(loc, name))
	stub := filepath.Join(loc, "."+name+".icloud") // as older versions of iCloud Drive leave them
	write(t, stub, []byte("bplist00"))
	if r := d.run("", "sync"); r.code != 5 {
		t.Errorf("sync: exit code %d: %s", r.code, r.stderr)
	} else {
		r.says(t, name, "not downloaded")
	}
	newDevice(t, nil).restore(5, loc).says(t, name, "not downloaded")
	sealed := filepath.Join(loc, sealedKeys(t, loc)[0])
	key := read(t, sealed)
	remove(t, sealed)
	write(t, filepath.Join(loc, "."+filepath.Base(sealed)+".icloud"), []byte("bplist00"))
	newDevice(t, nil).fails(1, []string{"not downloaded"}, "restore", loc, "--passphrase-file", writeTemp(t, passphrase))
	remove(t, filepath.Join(loc, "."+filepath.Base(sealed)+".icloud"))
	write(t, sealed, key)
	remove(t, stub)
	write(t, filepath.Join(loc, name), data)
	d.must("", "sync")
	d.right("theirs")
}

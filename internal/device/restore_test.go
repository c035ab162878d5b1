package device_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	generated "github.com/authcli/auth/internal/passphrase"
	"github.com/authcli/auth/internal/vault"
)

// portable writes one backup file of a machine, under the passphrase of the tests or to recipients.
func portable(t testing.TB, m *machine, recipients ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.age")
	m.person.passphrases[device.NewForBackupFile] = passphrase
	if _, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Path: path, Recipients: recipients}); err != nil {
		t.Fatal(err)
	}
	return path
}

// outcomes returns what became of each account, by its label.
func outcomes(r device.Restored) map[string]backup.Outcome {
	all := map[string]backup.Outcome{}
	for _, step := range r.Steps {
		all[step.Account.Label()] = step.Outcome
	}
	return all
}

// wantOutcomes checks what became of the accounts: label, outcome, label, outcome…
func wantOutcomes(t testing.TB, r device.Restored, want ...any) {
	t.Helper()
	got := outcomes(r)
	if len(got) != len(want)/2 {
		t.Errorf("restored %v, want %v", got, want)
	}
	for i := 0; i < len(want); i += 2 {
		if got[want[i].(string)] != want[i+1].(backup.Outcome) {
			t.Errorf("%s is %q, want %q", want[i], got[want[i].(string)], want[i+1])
		}
	}
}

// A new machine and the passphrase: accounts, order and settings are back, in one step; whose backups were read is said, and
// backup stays on.
func TestRestoreLocation(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	old.options.Name = "old"
	old.later(time.Hour).change(func(tx *vault.Tx) error {
		tx.Set("code.min-valid", "3s")
		bound := totp("bound", "stays here")
		bound.DeviceBound = true
		_, err := tx.Add(bound)
		return errors.Join(err, adding("last", "12345678901234567890")(tx))
	})
	old.change(on("last", func(tx *vault.Tx, id string) error { tx.Move([]string{id}); return nil }))
	m := newMachine(t)
	m.now = old.now
	r := m.restore(device.RestoreOptions{From: dir})
	wantOutcomes(t, r, "last", backup.Restored, "first", backup.Restored, "bound", backup.Unverified)
	if r.From != dir || r.BackupTo != dir || r.Stale != nil || r.File == "" || !r.Created.IsZero() || len(r.Skipped) > 0 {
		t.Errorf("restored: %+v", r)
	}
	if len(r.Devices) != 1 || r.Devices[0].Name != "old" || r.Devices[0].ID != old.id() || !r.Devices[0].Created.Equal(old.now) {
		t.Errorf("read from %+v", r.Devices)
	}
	var got, want []string
	for _, a := range m.read().Accounts() {
		got = append(got, a.Shown)
	}
	for _, a := range old.read().Accounts() {
		want = append(want, a.Shown)
	}
	if !slices.Equal(got, want) || m.secret("first") != "12345678901234567890" || m.secret("bound") != "" {
		t.Errorf("accounts %q, want %q", got, want)
	}
	if value := m.read().Settings["code.min-valid"].Value; value != "3s" {
		t.Errorf("the setting is %q", value)
	}
	m.current()
	m.add("later")
	m.current()
	again := m.restore(device.RestoreOptions{From: dir})
	wantOutcomes(t, again, "last", backup.AlreadyHere, "first", backup.AlreadyHere, "bound", backup.AlreadyHere, "later", backup.AlreadyHere)
}

// A file is opened by its passphrase or by a key, and says when it was written. Backup is not turned on by it.
func TestRestoreFile(t *testing.T) {
	t.Parallel()
	old, key := newMachine(t), newKey(t)
	old.add("first")
	old.add("second")
	for path, identities := range map[string][]device.IdentityFile{
		portable(t, old): nil,
		portable(t, old, newKey(t).Recipient(), key.Recipient()): {keyFile(newKey(t)), keyFile(key)},
	} {
		m := newMachine(t)
		m.person.passphrases[device.OpenBackupFile] = passphrase
		r := m.restore(device.RestoreOptions{From: path, KeySource: with(identities...)})
		wantOutcomes(t, r, "first", backup.Restored, "second", backup.Restored)
		if r.From != "" || r.BackupTo != "" || !r.Created.Equal(noon) || len(r.Devices) > 0 {
			t.Errorf("restored: %+v", r)
		}
		m.has("first", "second")
		if m.status().Backup.On {
			t.Error("backup is on")
		}
	}
	// Where backup is on, what a file brings is backed up as any change is.
	m, dir := enrolled(t)
	m.person.passphrases[device.OpenBackupFile] = passphrase
	if r := m.restore(device.RestoreOptions{From: portable(t, old)}); r.File == "" {
		t.Errorf("restored: %+v", r)
	}
	m.current()
	joined(t, dir).has("first", "second")
}

// A file below the home folder can be named with ~, as in quotes no shell replaces it.
func TestRestoreFromHome(t *testing.T) {
	t.Parallel()
	old, m := newMachine(t), newMachine(t)
	old.add("first")
	rename(t, portable(t, old), filepath.Join(m.options.Home, "vault.age"))
	m.person.passphrases[device.OpenBackupFile] = passphrase
	m.restore(device.RestoreOptions{From: "~/vault.age"})
	m.has("first")
}

// What cannot be opened is told apart, named, and changes nothing.
func TestRestoreRefused(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	file, forKey, folder := portable(t, old), portable(t, old, newKey(t).Recipient()), t.TempDir()
	notes, cut := filepath.Join(folder, "notes"), filepath.Join(folder, "cut.age")
	write(t, notes, "notes")
	whole := readFile(t, file)
	write(t, cut, whole[:len(whole)-1])
	empty := t.TempDir()
	stray := []device.IdentityFile{keyFile(newKey(t))}
	for _, c := range []struct {
		what       string
		o          device.RestoreOptions
		passphrase string
		want       error
	}{
		{"nothing", device.RestoreOptions{}, "", device.ErrNoSource},
		{"no such file", device.RestoreOptions{From: filepath.Join(folder, "nowhere.age")}, "", fs.ErrNotExist},
		{"no backup", device.RestoreOptions{From: notes}, "", backup.ErrForeign},
		{"a cut one", device.RestoreOptions{From: cut}, passphrase, backup.ErrDamaged},
		{"a wrong passphrase", device.RestoreOptions{From: file}, next, backup.ErrWrongKey},
		{"one for a key, without any", device.RestoreOptions{From: forKey}, "", backup.ErrNeedsKey},
		{"one for a key, with another", device.RestoreOptions{From: forKey, KeySource: with(stray...)}, "", backup.ErrWrongKey},
		{"one under a passphrase, with a key", device.RestoreOptions{From: file, KeySource: with(stray...)}, "", device.ErrUnderPassphrase},
		{"no key", device.RestoreOptions{From: forKey, KeySource: with(device.IdentityFile{Name: "notes"})}, "", backup.ErrIdentityFile},
		{"a file at a time", device.RestoreOptions{From: file, At: noon}, passphrase, device.ErrAtFile},
		{"the trash at a time", device.RestoreOptions{At: noon, Options: backup.Options{Deleted: true}}, "", device.ErrAtFile},
		{"an empty folder", device.RestoreOptions{From: empty}, "", device.ErrNoBackups},
		{"a location with a wrong passphrase", device.RestoreOptions{From: dir}, next, backup.ErrWrongKey},
		{"a location with a stray key", device.RestoreOptions{From: dir, KeySource: with(stray...)}, "", device.ErrNothingUsable},
		{"a location before it was one", device.RestoreOptions{From: dir, At: noon.Add(-time.Hour)}, passphrase, device.ErrNothingThatOld},
		{"an account that it has not", device.RestoreOptions{From: dir, Options: backup.Options{Accounts: []string{"nobody"}}}, passphrase, vault.ErrNotFound},
		{"a connection string", device.RestoreOptions{From: "rclone::local:x"}, "", device.ErrLocationInvalid},
		{"no rclone", device.RestoreOptions{From: "rclone:cloud:auth"}, "", device.ErrRcloneMissing},
	} {
		m := newMachine(t)
		m.person.passphrases = map[device.PurposeKind]string{}
		if c.passphrase != "" {
			m.person.passphrases[device.OpenBackupFile], m.person.passphrases[device.OpenLocation] = c.passphrase, c.passphrase
		}
		r, err := m.open().Restore(t.Context(), c.o)
		if !errors.Is(err, c.want) || len(r.Steps) > 0 {
			t.Errorf("%s: the error is %v, want %v", c.what, err, c.want)
		}
		if len(m.read().Accounts()) > 0 || m.status().Backup.On {
			t.Errorf("%s: something was restored", c.what)
		}
	}
	m := newMachine(t)
	m.person.passphrases = nil
	for _, from := range []string{file, dir} {
		_, err := m.open().Restore(t.Context(), device.RestoreOptions{From: from})
		wantErr(t, err, errNobody)
	}
}

// A file of keys that is under a passphrase is asked for its own, once, and named.
func TestRestoreWithLockedKey(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	locked := device.IdentityFile{Name: "locked.age", Data: []byte(readFile(t, filepath.Join(dir, sealedKeys(t, dir)[0])))}
	file := portable(t, old, old.key().Recipient())
	for _, from := range []string{file, dir} {
		m := newMachine(t)
		m.person.passphrases = map[device.PurposeKind]string{device.OpenIdentity: passphrase}
		m.restore(device.RestoreOptions{From: from, KeySource: with(locked)})
		m.has("first")
		if !slices.Equal(m.person.asked, []device.PurposeKind{device.OpenIdentity}) {
			t.Errorf("asked for %v", m.person.asked)
		}
		var input *device.InputError
		m.person.passphrases[device.OpenIdentity] = next
		_, err := m.open().Restore(t.Context(), device.RestoreOptions{From: from, KeySource: with(locked)})
		if !errors.Is(err, backup.ErrIdentityPassphrase) || !errors.As(err, &input) || input.Name != "locked.age" {
			t.Errorf("the error is %v", err)
		}
	}
}

// A device reads the location that it takes part in with the key that it has; a passphrase that is named is tried
// nevertheless.
func TestRestoreOwnLocation(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.add("second")
	m.person.passphrases = map[device.PurposeKind]string{device.OpenLocation: next}
	m.person.asked = nil
	wantOutcomes(t, m.restore(device.RestoreOptions{From: dir}), "first", backup.AlreadyHere, "second", backup.AlreadyHere)
	wantOutcomes(t, m.restore(device.RestoreOptions{}), "first", backup.AlreadyHere, "second", backup.AlreadyHere)
	if len(m.person.asked) > 0 {
		t.Errorf("asked for %v", m.person.asked)
	}
	_, err := m.open().Restore(t.Context(), device.RestoreOptions{From: dir, Fresh: true})
	wantErr(t, err, backup.ErrWrongKey)
}

// A dry run shows what the restore then does, and changes nothing.
func TestRestoreDryRun(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	old.add("second")
	m := newMachine(t)
	m.change(adding("first", "another secret"))
	m.person.says(device.StayOn, true)
	before := contents(t, dir)
	dry := m.restore(device.RestoreOptions{From: dir, DryRun: true})
	wantOutcomes(t, dry, "first", backup.Kept, "second", backup.Restored)
	m.has("first")
	if m.status().Backup.On || dry.BackupTo != "" || len(contents(t, dir)) != len(before) {
		t.Errorf("a dry run did something: %+v", dry)
	}
	wantOutcomes(t, m.restore(device.RestoreOptions{From: dir}), "first", backup.Kept, "second", backup.Restored)
	if got := m.secret("first"); got != "another secret" {
		t.Errorf("what was here is %q now", got)
	}
}

// One that is here with another secret is taken from the backup where it is named, and goes to the trash; from there it
// comes back the same way.
func TestRestoreReplace(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	old.add("second")
	m := newMachine(t)
	m.change(adding("first", "another secret"))
	m.person.says(device.StayOn, true)
	wantOutcomes(t, m.restore(device.RestoreOptions{From: dir, Options: backup.Options{Replace: []string{"first"}}}),
		"first", backup.Replaced, "second", backup.Restored)
	if got := m.secret("first"); got != "12345678901234567890" {
		t.Errorf("the secret is %q", got)
	}
	m.change(removing("second"))
	wantOutcomes(t, m.restore(device.RestoreOptions{Options: backup.Options{Deleted: true, Replace: []string{"first"}}}), "first", backup.Replaced)
	if got := m.secret("first"); got != "another secret" {
		t.Errorf("the secret is %q", got)
	}
	m.has("first")
	old.person.says(device.MergeMany, true)
	old.sync()
	if got := old.secret("first"); got != "another secret" {
		t.Errorf("on the other device it is %q", got)
	}
}

// What is removed comes back only where that is asked for: from the trash here, or from the one in the backup.
func TestRestoreDeleted(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.add("second")
	m.add("third")
	m.change(removing("first"))
	m.later(time.Hour).change(removing("second"))
	other := joined(t, dir)
	other.has("third")
	wantOutcomes(t, m.restore(device.RestoreOptions{From: dir}), "third", backup.AlreadyHere)
	wantOutcomes(t, m.restore(device.RestoreOptions{Options: backup.Options{Deleted: true, Accounts: []string{"first"}}}), "first", backup.Restored)
	m.has("first", "third")
	m.current()
	other.restore(device.RestoreOptions{From: dir, Options: backup.Options{Deleted: true}})
	other.has("first", "second", "third")
}

// A location can be read as it was, up to an instant; what is brought back by that is not taken away again by the next sync.
func TestRestoreAt(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	m.later(time.Hour).add("second")
	m.later(time.Hour).change(on("second", func(tx *vault.Tx, id string) error { return tx.Remove(id, true) }))
	m.later(time.Hour).add("third")
	at := newMachine(t)
	at.now = m.now
	at.restore(device.RestoreOptions{From: dir, At: noon.Add(time.Hour)})
	at.has("first", "second")
	at.sync()
	at.has("first", "second", "third")
	other.now = m.now
	other.restore(device.RestoreOptions{From: dir, At: noon.Add(90 * time.Minute), Options: backup.Options{Deleted: true, Accounts: []string{"second"}}})
	other.sync()
	other.account("second")
	early := newMachine(t)
	early.restore(device.RestoreOptions{From: dir, At: noon})
	early.has("first")
}

// Without a signature a file of a location counts only for whoever accepts that, and is named.
func TestRestoreUnsigned(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	key := old.key()
	content, err := backup.Open([]byte(readFile(t, filepath.Join(dir, backupsIn(t, dir)[0]))), key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	if err := adding("by nobody", "secret")(&vault.Tx{State: content.State, Now: noon, Device: content.Device}); err != nil {
		t.Fatal(err)
	}
	content.Generation++
	payload, err := backup.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := plant(t, dir, key, content, payload)
	m := newMachine(t)
	r := m.restore(device.RestoreOptions{From: dir})
	m.has("first")
	if len(r.Skipped) != 1 || r.Skipped[0].Name != unsigned || r.Skipped[0].State != backup.Unsigned || !errors.Is(r.Skipped[0].Err, backup.ErrUnsigned) {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	m = newMachine(t)
	if r := m.restore(device.RestoreOptions{From: dir, AcceptUnsigned: true}); len(r.Skipped) > 0 {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	m.has("first", "by nobody")
	old.sync()
	if slices.Contains(m.person.asked, device.OpenIdentity) {
		t.Error("a key was asked for")
	}
}

// Where the newest backup of a device is damaged the one before is used, and the damaged one is named. Where none can be
// used that is said, with the files.
func TestRestoreDamaged(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	old.later(time.Hour).add("second")
	last := old.later(time.Hour).add("third").File
	damage := func(name string) {
		whole := readFile(t, filepath.Join(dir, name))
		write(t, filepath.Join(dir, name), whole[:len(whole)-20])
	}
	damage(last)
	m := newMachine(t)
	if r := m.restore(device.RestoreOptions{From: dir}); len(r.Skipped) != 1 || r.Skipped[0].Name != last {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	m.has("first", "second")
	for _, name := range backupsIn(t, dir) {
		damage(name)
	}
	n := newMachine(t)
	r, err := n.open().Restore(t.Context(), device.RestoreOptions{From: dir})
	if wantErr(t, err, device.ErrNothingUsable); len(r.Skipped) != len(backupsIn(t, dir)) {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	n.has()
}

// A device that takes part in another location goes on with that, and what was restored is backed up there.
func TestRestoreFromAnotherLocation(t *testing.T) {
	t.Parallel()
	_, theirs := enrolled(t)
	m := newMachine(t)
	m.add("own")
	own := filepath.Join(t.TempDir(), "own")
	m.enable(own)
	before := contents(t, theirs)
	r := m.restore(device.RestoreOptions{From: theirs})
	if r.From != theirs || r.BackupTo != own || r.File == "" {
		t.Errorf("restored: %+v", r)
	}
	m.current()
	if got := m.open().Location(); got != own || len(contents(t, theirs)) != len(before) {
		t.Errorf("backups go to %s, and theirs holds %q", got, files(t, theirs, ""))
	}
	joined(t, own).has("own", "first")
}

// A vault that is lost comes back from where the marker says that backups are, as a new device above the generation that was
// last seen. So does one whose keyring is damaged.
func TestRestoreLostVault(t *testing.T) {
	t.Parallel()
	for what, lose := range map[string]func(m *machine){
		"wiped":   func(m *machine) { m.keyring = new(keyringtest.Memory) },
		"damaged": func(m *machine) { nonsense := "nonsense"; m.keyring.Replace("head", &nonsense) },
	} {
		m, dir := enrolled(t)
		m.add("second")
		generation, id := m.read().Generation, m.id()
		lose(m)
		_, err := m.open().Read(t.Context())
		if err == nil {
			t.Fatalf("%s: the vault is there", what)
		}
		from := ""
		if !device.Gone(err) {
			t.Errorf("%s: it is not gone: %v", what, err)
		}
		want := backup.Restored
		if what == "the marker" {
			want = backup.AlreadyHere
		}
		wantOutcomes(t, m.restore(device.RestoreOptions{From: from, DryRun: true}), "first", want, "second", want)
		r := m.restore(device.RestoreOptions{From: from})
		if wantOutcomes(t, r, "first", want, "second", want); r.From != dir || r.BackupTo != dir {
			t.Errorf("%s: restored %+v", what, r)
		}
		m.has("first", "second")
		m.add("third")
		m.current()
		if what == "the marker" {
			continue
		}
		if got := m.read().Generation; got <= generation || m.id() == id {
			t.Errorf("%s: generation %d after %d, and device %s after %s", what, got, generation, m.id(), id)
		}
	}
}

// A restore whose first backup cannot be made has restored everything; the backup is stale.
func TestRestoreWithoutBackup(t *testing.T) {
	t.Parallel()
	_, dir := enrolled(t)
	m := newMachine(t)
	full := m.failing(func(c call) error {
		if c.verb == "create" {
			return location.ErrFull
		}
		return nil
	})
	r := full.restore(device.RestoreOptions{From: dir})
	if wantErr(t, r.Stale, location.ErrFull); r.BackupTo != dir {
		t.Errorf("restored: %+v", r)
	}
	m.has("first")
	m.stale(device.NotMade)
	m.add("second")
	m.current()
}

// A folder that does not answer is an error, and not taken for a file.
func TestRestoreFromALocationThatHangs(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	hanging := m.through(place{before: func(context.Context, call) error { return location.ErrTimeout }})
	_, err := hanging.open().Restore(t.Context(), device.RestoreOptions{From: t.TempDir()})
	wantErr(t, err, location.ErrTimeout)
}

// A device whose location's key was changed takes part again by restoring with the new passphrase; what it wrote under the
// old key is good again.
func TestRestoreAfterRotation(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.later(time.Minute).add("theirs")
	m.later(time.Hour).rotate()
	wantErr(t, other.later(2*time.Hour).add("since").Stale, device.ErrRotated)
	other.person.passphrases[device.OpenLocation] = next
	if r := other.restore(device.RestoreOptions{From: dir, Fresh: true}); r.BackupTo != dir || r.Stale != nil || len(r.Skipped) > 0 {
		t.Errorf("restored: %+v", r)
	}
	other.current()
	if other.key().ID() != m.key().ID() {
		t.Error("it goes on under another key")
	}
	m.sync()
	m.has("first", "theirs", "since")
	for name, state := range m.states() {
		if state != backup.Good {
			t.Errorf("%s is %q", name, state)
		}
	}
}

// Counters come back as they stood, and nothing of it is done twice.
func TestRestoreCounter(t *testing.T) {
	t.Parallel()
	old, dir := enrolled(t)
	c := account.Default(account.HOTP)
	c.Secret = account.NewSecret([]byte("12345678901234567890"))
	old.change(func(tx *vault.Tx) error {
		_, err := tx.Add(account.Account{Name: "counted", Credential: c, Counter: 41})
		return err
	})
	id := old.account("counted").ID
	if _, _, err := old.open().Advance(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	old.add("afterwards")
	m := newMachine(t)
	r := m.restore(device.RestoreOptions{From: dir})
	if list := backup.Counters(r.Steps); len(list) != 1 || list[0].Counter != 42 {
		t.Errorf("counters: %+v", list)
	}
}

// The ten words that auth made are taken with spaces and capitals, too: they are written
// down on paper and typed by hand.
func TestGeneratedPassphraseIsForgiving(t *testing.T) {
	t.Parallel()
	made := generated.New()
	m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	m.person.passphrases[device.NewForLocation] = made
	m.person.passphrases[device.NewForBackupFile] = made
	m.add("first")
	m.enable(dir)
	file := filepath.Join(t.TempDir(), "vault.age")
	if _, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Path: file}); err != nil {
		t.Fatal(err)
	}
	typed := strings.ToUpper(strings.ReplaceAll(made, "-", "  ")) + " "
	for _, from := range []string{dir, file} {
		back := newMachine(t)
		back.person.passphrases[device.OpenLocation] = typed
		back.person.passphrases[device.OpenBackupFile] = typed
		back.restore(device.RestoreOptions{From: from})
		back.has("first")
	}
}

// Two devices give one alias to two accounts. Whatever syncs and restores then, both accounts keep it on every machine:
// one that had it here too, one that is new, and one that goes back to an earlier state.
func TestSharedAlias(t *testing.T) {
	t.Parallel()
	aliased := func(label string) func(*vault.Tx) error {
		return func(tx *vault.Tx) error {
			a := totp(label, "secret of "+label)
			a.Alias = "x"
			_, err := tx.Add(a)
			return err
		}
	}
	m, dir := enrolled(t)
	other := joined(t, dir)
	m.later(time.Hour).change(aliased("ours"))
	other.later(2 * time.Hour).change(aliased("theirs"))
	m.later(3 * time.Hour).sync()
	other.sync()
	machines := map[string]*machine{"ours": m, "theirs": other, "new": newMachine(t), "with the alias": newMachine(t)}
	wantAlias := func(when string) {
		t.Helper()
		for name, m := range machines {
			for _, label := range []string{"ours", "theirs"} {
				if alias := m.account(label).Alias; alias != "x" {
					t.Errorf("%s, %s: the alias of %s is %q", when, name, label, alias)
				}
			}
			if _, err := m.read().Find("x", true); !errors.As(err, new(*vault.AmbiguousError)) {
				t.Errorf("%s, %s: x is %v", when, name, err)
			}
		}
	}
	machines["with the alias"].change(aliased("mine"))
	for _, name := range []string{"new", "with the alias"} {
		n := machines[name]
		n.now = m.now
		n.person.says(device.StayOn, true)
		n.restore(device.RestoreOptions{From: dir})
	}
	for _, m := range machines {
		m.person.says(device.MergeMany, true)
	}
	everywhere := func() {
		for range 2 {
			for _, m := range machines {
				m.later(time.Minute).sync()
			}
		}
	}
	wantAlias("restored")
	everywhere()
	wantAlias("synced")
	if alias := m.account("mine").Alias; alias != "x" {
		t.Errorf("the alias of mine is %q", alias)
	}

	m.later(time.Hour).change(removing("ours"))
	m.restore(device.RestoreOptions{Options: backup.Options{Deleted: true, Accounts: []string{"ours"}}})
	wantAlias("from the trash")
	everywhere()
	wantAlias("from the trash and synced")

	earlier := m.now
	m.later(time.Hour).change(removing("ours"))
	everywhere()
	m.restore(device.RestoreOptions{From: dir, At: earlier, Options: backup.Options{Deleted: true}})
	everywhere()
	wantAlias("as it was")
}

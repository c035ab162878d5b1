package device_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
)

// keyFile is a file that holds a recovery key.
func keyFile(key backup.RecoveryKey) device.IdentityFile {
	return device.IdentityFile{Name: "key.txt", Data: []byte("# for paper\n" + key.Text() + "\n")}
}

// with is what opens a location: files of keys.
func with(files ...device.IdentityFile) device.KeySource { return device.KeySource{Identities: files} }

func newKey(t testing.TB) backup.RecoveryKey {
	t.Helper()
	key, err := backup.NewRecoveryKey(true)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A new location gets a recovery key, one sealed key that the passphrase opens, a README, and the first backup.
func TestEnableNewLocation(t *testing.T) {
	t.Parallel()
	for _, x25519 := range []bool{false, true} {
		m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
		m.add("first")
		e, err := m.open().Enable(t.Context(), dir, device.EnableOptions{X25519: x25519})
		if err != nil {
			t.Fatal(err)
		}
		if e.Joined || !e.Local || e.Location != dir || e.Quantum == x25519 || len(e.Sealed) != 1 || e.Sealed[0].Retired {
			t.Errorf("enabled: %+v", e)
		}
		here := contents(t, dir)
		if len(here) != 3 || here["README.txt"] == "" || here[e.File] == "" {
			t.Errorf("the folder holds %q", files(t, dir, ""))
		}
		id, err := backup.PassphraseIdentity(passphrase)
		if err != nil {
			t.Fatal(err)
		}
		key, err := backup.UnsealKey([]byte(here[e.Sealed[0].Name]), id)
		if err != nil {
			t.Fatal(err)
		}
		if key.ID() != e.ID || key.Recipient() != e.Recipient || key.Text() != m.key().Text() {
			t.Errorf("the passphrase opens the key %s, want %s", key.ID(), e.ID)
		}
		if strings.Contains(readFile(t, filepath.Join(m.options.State, "backup.json")), "SECRET") {
			t.Error("the state folder holds the key")
		}
		m.current()
	}
}

// What cannot be enabled leaves backup off and the folder alone.
func TestEnableRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cloud")
	m := newMachine(t)
	m.add("first")
	for _, c := range []struct {
		what, dir, passphrase string
		options               device.EnableOptions
		want                  error
	}{
		{"a weak passphrase", dir, "secret", device.EnableOptions{}, device.ErrWeak},
		{"a key for a place without backups", dir, passphrase, device.EnableOptions{KeySource: with(keyFile(newKey(t)))}, device.ErrNewLocation},
		{"no folder above", filepath.Join(dir, "a", "b"), passphrase, device.EnableOptions{}, location.ErrGone},
		{"a connection string", "rclone:cloud,option=x:", passphrase, device.EnableOptions{}, device.ErrLocationInvalid},
		{"no rclone", "rclone:cloud:auth", passphrase, device.EnableOptions{}, device.ErrRcloneMissing},
	} {
		m.person.passphrases[device.NewForLocation] = c.passphrase
		_, err := m.open().Enable(t.Context(), c.dir, c.options)
		if wantErr(t, err, c.want); m.status().Backup.On {
			t.Errorf("%s: backup is on", c.what)
		}
	}
	delete(m.person.passphrases, device.NewForLocation)
	_, err := m.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, errNobody)
	if got := files(t, dir, ""); len(got) > 0 {
		t.Errorf("the folder holds %q", got)
	}
	m.person.passphrases[device.NewForLocation] = "secret"
	if _, err := m.open().Enable(t.Context(), dir, device.EnableOptions{Weak: true}); err != nil {
		t.Errorf("a weak passphrase that will do: %v", err)
	}
	m.current()
}

// A location that has backups is joined with its passphrase, with its recovery key on paper, or with a further key; both
// devices then write for the one key, and have what the other has.
func TestEnableJoins(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	further := newKey(t)
	if _, err := m.open().AddRecipients(t.Context(), []string{further.Recipient()}); err != nil {
		t.Fatal(err)
	}
	for label, identities := range map[string][]device.IdentityFile{
		"by passphrase":    nil,
		"by paper":         {keyFile(m.key())},
		"by a further key": {keyFile(further)},
	} {
		other := newMachine(t)
		other.add(label)
		if len(identities) > 0 {
			delete(other.person.passphrases, device.OpenLocation)
		}
		other.person.says(device.AdoptKey, true) // as for a further key is asked
		e, err := other.open().Enable(t.Context(), dir, device.EnableOptions{KeySource: with(identities...)})
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		if !e.Joined || e.ID != m.key().ID() || len(e.Sealed) != 2 {
			t.Errorf("%s: %+v", label, e)
		}
		other.current()
		other.has(label) // joining merges nothing
		m.sync()
		m.account(label)
		other.sync()
		other.account("first")
	}
}

// Whoever joins keeps copies of the sealed keys, so that each device can put them back.
func TestJoinedDevicePutsBack(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := newMachine(t)
	other.add("other")
	other.enable(dir)
	sealed := filepath.Join(dir, sealedKeys(t, dir)[0])
	was := readFile(t, sealed)
	remove(t, sealed)
	remove(t, m.options.State) // the first device is gone
	if r := other.add("more"); len(noticed(r, device.PutBack)) != 1 || readFile(t, sealed) != was {
		t.Errorf("the report is %+v", r)
	}
}

// A key that opens nothing there joins nothing: backup stays off, and the location as it is.
func TestEnableWithWrongKey(t *testing.T) {
	t.Parallel()
	_, dir := enrolled(t)
	other, _ := enrolled(t)
	before := contents(t, dir)
	locked := device.IdentityFile{Name: "locked.age", Data: []byte(readFile(t, filepath.Join(dir, sealedKeys(t, dir)[0])))}
	var input *device.InputError
	for _, c := range []struct {
		what       string
		identities []device.IdentityFile
		passphrase string
		want       error
		input      string
	}{
		{"wrong passphrase", nil, next, backup.ErrWrongKey, ""},
		{"empty passphrase", nil, "", nil, ""},
		{"a stray key", []device.IdentityFile{keyFile(newKey(t))}, "", device.ErrForeignKey, ""},
		{"the key of another location", []device.IdentityFile{keyFile(other.key())}, "", device.ErrForeignKey, ""},
		{"no key", []device.IdentityFile{{Name: "notes.txt", Data: []byte("no key")}}, "", backup.ErrIdentityFile, "notes.txt"},
		{"a locked file, and nobody to ask", []device.IdentityFile{locked}, "", errNobody, ""},
	} {
		m := newMachine(t)
		m.add("own")
		m.person.passphrases[device.OpenLocation] = c.passphrase
		_, err := m.open().Enable(t.Context(), dir, device.EnableOptions{KeySource: with(c.identities...)})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: the error is %v, want %v", c.what, err, c.want)
		}
		if c.input != "" && (!errors.As(err, &input) || input.Name != c.input) {
			t.Errorf("%s: the error does not name the file: %v", c.what, err)
		}
		if m.status().Backup.On {
			t.Errorf("%s: backup is on", c.what)
		}
	}
	m := newMachine(t)
	m.add("own")
	m.person.passphrases[device.OpenIdentity] = next
	_, err := m.open().Enable(t.Context(), dir, device.EnableOptions{KeySource: with(locked)})
	if wantErr(t, err, backup.ErrIdentityPassphrase); !errors.As(err, &input) || input.Name != "locked.age" {
		t.Errorf("the error does not name the file: %v", err)
	}
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
}

// Where the sealed keys are gone, or cannot be read, that is said: no passphrase is asked for that could not be right.
func TestEnableWithoutSealedKeys(t *testing.T) {
	t.Parallel()
	first, dir := enrolled(t)
	name := sealedKeys(t, dir)[0]
	sealed := filepath.Join(dir, name)
	whole := readFile(t, sealed)
	m := newMachine(t)
	m.add("own")
	enable := func(o device.EnableOptions) error {
		_, err := m.open().Enable(t.Context(), dir, o)
		return err
	}
	remove(t, sealed)
	wantErr(t, enable(device.EnableOptions{}), device.ErrNoSealedKeys)
	if slices.Contains(m.person.asked, device.OpenLocation) {
		t.Error("a passphrase was asked for")
	}
	write(t, filepath.Join(dir, "."+name+".icloud"), "a placeholder of the cloud's")
	wantErr(t, enable(device.EnableOptions{}), location.ErrNotDownloaded)
	remove(t, filepath.Join(dir, "."+name+".icloud"))
	write(t, sealed, whole[:len(whole)-10])
	wantErr(t, enable(device.EnableOptions{}), backup.ErrDamaged)
	// One that is damaged is not in the way of one that is whole.
	write(t, filepath.Join(dir, "recovery-"+first.key().ID()+"-00000000.age"), whole[:len(whole)-10])
	write(t, sealed, whole)
	if err := enable(device.EnableOptions{}); err != nil {
		t.Error(err)
	}
	m.current()
}

// A first backup that cannot be made is said; backup is on nevertheless, and stale.
func TestEnableWithoutFirstBackup(t *testing.T) {
	t.Parallel()
	_, dir := enrolled(t)
	m := newMachine(t)
	m.add("own")
	m.change(removing("own")) // an empty vault replaces no accounts
	e, err := m.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantStale(t, err, backup.ErrEmpty)
	if !e.Joined || e.Location != dir {
		t.Errorf("enabled: %+v", e)
	}
	m.stale(device.NotMade)
	m.sync()
	m.has("first")
	m.current()
}

// Turned off, nothing is written and nothing deleted; turned on again it goes on, under the same key and without a question.
func TestDisable(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if where, err := m.open().Disable(t.Context()); err != nil || where != "" {
		t.Errorf("it was off, and is off at %q: %v", where, err)
	}
	m, dir := enrolled(t)
	before, key := contents(t, dir), m.key().ID()
	if where, err := m.open().Disable(t.Context()); err != nil || where != dir {
		t.Errorf("off at %q: %v", where, err)
	}
	if r := m.add("while it was off"); r.File != "" || r.Stale != nil {
		t.Errorf("the report is %+v", r)
	}
	if b := m.status().Backup; b.On || b.Stale {
		t.Errorf("the backup is %+v", b)
	}
	_, err := m.open().BackUp(t.Context())
	wantErr(t, err, device.ErrBackupOff)
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	m.person.passphrases = nil
	if e := m.enable(dir); e.ID != key {
		t.Errorf("the key is %s, want %s", e.ID, key)
	}
	m.current()
	joined(t, dir).has("first", "while it was off")
}

// Backup can be turned on to another place: a new key there, and what lies at the old one stays.
func TestEnableElsewhere(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	before, key := contents(t, dir), m.key().ID()
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if e := m.enable(elsewhere); e.Joined || e.ID == key {
		t.Errorf("enabled: %+v", e)
	}
	m.add("second")
	m.current()
	if got := m.open().Location(); got != elsewhere {
		t.Errorf("backups go to %q", got)
	}
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the first folder holds %q", files(t, dir, ""))
	}
	joined(t, elsewhere).has("first", "second")
}

// Two devices turned backup on before the folder had come through: the location has two keys. Each says so, and whoever
// enables it again with the passphrase of the other brings both together. What was written under the own key stays good.
func TestTwoKeys(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	early, folder := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	early.person.passphrases[device.NewForLocation] = next
	early.add("early")
	early.enable(folder)
	carry(t, folder, dir)
	old := backupsIn(t, dir)
	m.add("second")
	if b := m.stale(device.OtherKeysLie); b.OtherKeys != 1 {
		t.Errorf("%d other keys", b.OtherKeys)
	}
	if s := m.sync(); len(s.Skipped) != 1 || s.Skipped[0].State != backup.OtherKey {
		t.Errorf("skipped: %+v", s.Skipped)
	}
	if r := newMachine(t).restore(device.RestoreOptions{From: dir}); len(r.Skipped) != 1 || r.Skipped[0].State != backup.OtherKey {
		t.Errorf("a new machine skips %+v", r.Skipped)
	}
	_, err := m.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, backup.ErrWrongKey)
	before := contents(t, dir)
	defer func() { kept(t, dir, before) }()
	m.person.passphrases[device.OpenLocation] = next
	if e := m.enable(dir); !e.Joined || e.ID != early.key().ID() {
		t.Errorf("enabled: %+v", e)
	}
	m.sync()
	m.has("first", "second", "early")
	m.current()
	states := m.states()
	for _, name := range old {
		if states[name] != backup.Good {
			t.Errorf("%s is %q", name, states[name])
		}
	}
	carry(t, dir, folder)
	early.sync()
	early.has("first", "second", "early")
	early.add("both")
	early.current()
	carry(t, folder, dir)
	m.sync()
	m.account("both")
	n := newMachine(t)
	n.person.passphrases[device.OpenLocation] = next
	if r := n.restore(device.RestoreOptions{From: dir}); len(r.Skipped) > 0 {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	n.has("first", "second", "early", "both")
}

// Where backup never was on, nothing is done that needs it.
func TestBackupOff(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.add("first")
	ctx, d := t.Context(), m.open()
	for what, act := range map[string]func() error{
		"back up": func() error { _, err := d.BackUp(ctx); return err },
		"list":    func() error { _, err := d.Backups(ctx); return err },
		"verify":  func() error { _, err := d.Verify(ctx); return err },
		"sync":    func() error { _, err := d.Sync(ctx); return err },
		"key":     func() error { _, err := d.Key(ctx); return err },
		"sheet":   func() error { _, _, err := d.KeyText(ctx); return err },
		"reseal":  func() error { _, err := d.Reseal(ctx, false); return err },
		"add":     func() error { _, err := d.AddRecipients(ctx, []string{"age1"}); return err },
		"rotate":  func() error { _, err := d.Rotate(ctx, device.EnableOptions{}); return err },
		"forget":  func() error { _, err := d.Forget(ctx, "other"); return err },
	} {
		if err := act(); !errors.Is(err, device.ErrBackupOff) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What the keyring holds about backups decides where they go. An item that is damaged is an error, and no reason to believe
// the location instead.
func TestDamagedEnrolment(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	before := contents(t, dir)
	nonsense := "nonsense"
	m.keyring.Replace("backup", &nonsense)
	wantErr(t, m.add("second").Stale, backup.ErrEnrolment)
	m.stale(device.NotMade)
	_, err := m.open().Key(t.Context())
	wantErr(t, err, backup.ErrEnrolment)
	_, err = m.open().Disable(t.Context())
	wantErr(t, err, backup.ErrEnrolment)
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	// Whoever knows the passphrase joins it again.
	m.person.passphrases[device.OpenLocation] = next
	_, err = m.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, backup.ErrWrongKey)
	m.person.passphrases[device.OpenLocation] = passphrase
	if e := m.enable(dir); !e.Joined {
		t.Errorf("enabled: %+v", e)
	}
	m.current()
	joined(t, dir).has("first", "second")
}

// The state folder can be lost: the keyring knows where backups go, and that they do. So it is said again by the first
// command that reads or changes the vault, and the next change is backed up.
func TestLostStateFolder(t *testing.T) {
	t.Parallel()
	for _, read := range []bool{true, false} {
		m, dir := enrolled(t)
		remove(t, m.options.State)
		if read {
			m.has("first")
			if b := m.stale(device.Changed); b.Location != dir { // nobody knows what was backed up
				t.Errorf("the backup is %+v", b)
			}
		}
		if r := m.add("second"); r.File == "" || r.Stale != nil {
			t.Errorf("the report is %+v", r)
		}
		m.current()
		joined(t, dir).has("first", "second")
		if _, err := m.open().Disable(t.Context()); err != nil {
			t.Fatal(err)
		}
		remove(t, m.options.State)
		m.has("first", "second")
		if m.status().Backup.On {
			t.Error("backup is on, although it was turned off")
		}
	}
}

// A location that fails on the way fails the act, which leaves the key as it was.
func TestEnableAtABadMoment(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	key := m.key().ID()
	for _, verb := range []string{"list", "create"} {
		bad := m.failing(func(c call) error {
			if c.verb == verb {
				return location.ErrFull
			}
			return nil
		})
		bad.person.passphrases[device.NewForLocation] = next
		if _, err := bad.open().Rotate(t.Context(), device.EnableOptions{}); err == nil {
			t.Errorf("rotated, although the location could not %s", verb)
		}
		if got := m.key().ID(); got != key {
			t.Fatalf("after a failure to %s the key is %s, want %s", verb, got, key)
		}
	}
	m.add("second")
	m.current()
	joined(t, dir).has("first", "second")
}

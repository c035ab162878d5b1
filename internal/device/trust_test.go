package device_test

import (
	"errors"
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

// A thief is somebody who can write to a folder, and what they make up.
type thief struct {
	t   testing.TB
	dir string
	key backup.RecoveryKey // their own
}

// seal puts the thief's key into the folder for somebody's public key, under a name that
// sorts first.
func (x thief) seal(recipient string) {
	x.t.Helper()
	r, err := backup.ParseRecipient(recipient)
	if err != nil {
		x.t.Fatal(err)
	}
	_, data, err := x.key.Seal(backup.SealTo(r))
	if err != nil {
		x.t.Fatal(err)
	}
	write(x.t, filepath.Join(x.dir, "recovery-"+x.key.ID()+"-00000000.age"), string(data))
}

// backup puts a backup under a key into the folder, signed, with one account.
func (x thief) backup(key backup.RecoveryKey, label string, at time.Time) string {
	x.t.Helper()
	state := &vault.State{ID: "feedfeedfeedfeed"}
	if err := adding(label, "evil-secret-12345678")(&vault.Tx{State: state, Now: at, Device: "feedfeedfeedfeed"}); err != nil {
		x.t.Fatal(err)
	}
	content := backup.Content{Device: "feedfeedfeedfeed", Generation: 1, Created: at, State: state}
	payload, err := key.Encode(content)
	if err != nil {
		x.t.Fatal(err)
	}
	return plant(x.t, x.dir, key, content, payload)
}

// Attack: whoever can write the folder and knows a public key of the victim's seals a
// recovery key of their own to it. A new device adopts it only by its id, said by the
// user; an enrolled device is not moved by it at all.
func TestSwappedRecoveryKey(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	further := newKey(t) // stands for an SSH key: its public half is known
	if _, err := m.open().AddRecipients(t.Context(), []string{further.Recipient()}); err != nil {
		t.Fatal(err)
	}
	x := thief{t, dir, newKey(t)}
	x.seal(further.Recipient())
	x.backup(x.key, "evil", noon.Add(time.Hour))

	source := device.KeySource{Identities: []device.IdentityFile{keyFile(further)}}
	victim := newMachine(t)
	_, err := victim.open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: source})
	var several *device.SeveralKeysError
	if !errors.As(err, &several) || !slices.Contains(several.IDs, m.key().ID()) || !slices.Contains(several.IDs, x.key.ID()) {
		t.Errorf("the error is %v, want one that lists both keys", err)
	}
	victim.has()
	source.KeyID = m.key().ID()
	victim.restore(device.RestoreOptions{From: dir, KeySource: source})
	victim.has("first")
	if got := victim.key().ID(); got != m.key().ID() {
		t.Errorf("the new device is enrolled on the key %s", got)
	}

	m.add("second")
	if got := m.key().ID(); got != source.KeyID {
		t.Errorf("the enrolled device moved to the key %s", got)
	}
	source.KeyID = ""
	if _, err := m.open().Enable(t.Context(), dir, device.EnableOptions{KeySource: source}); err == nil {
		t.Error("the enrolled device takes the other key unasked")
	}
	// Even where the thief removes every sealed key and backup but their own, the id is asked for.
	for _, name := range files(t, dir, "") {
		if n, ok := backup.ParseFileName(name); name != "recovery-"+x.key.ID()+"-00000000.age" && (!ok || n.Device != "feedfeedfeedfeed") {
			remove(t, filepath.Join(dir, name))
		}
	}
	alone := newMachine(t)
	_, err = alone.open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: source})
	wantErr(t, err, errNobody)
	if q := alone.person.questions; len(q) != 1 || q[0].Kind != device.AdoptKey || q[0].Name != x.key.ID() {
		t.Errorf("asked %+v", q)
	}
	alone.has()
}

// Attack: a location that somebody shares. A vault with accounts of its own, or one that
// takes a single account, is not enrolled in it unasked, also where backup was disabled.
func TestSomebodysFolder(t *testing.T) {
	t.Parallel()
	_, shared := enrolled(t)
	own := newMachine(t)
	own.add("mine")
	if r := own.restore(device.RestoreOptions{From: shared, Options: backup.Options{Accounts: []string{"first"}}}); r.BackupTo != "" {
		t.Errorf("backup is on to %s", r.BackupTo)
	}
	single := newMachine(t)
	single.restore(device.RestoreOptions{From: shared, Options: backup.Options{Accounts: []string{"first"}}})
	disabled, _ := enrolled(t)
	if _, err := disabled.open().Disable(t.Context()); err != nil {
		t.Fatal(err)
	}
	disabled.person.says(device.StayOn, false)
	disabled.restore(device.RestoreOptions{From: shared})
	for _, m := range []*machine{own, single, disabled} {
		if m.status().Backup.On {
			t.Error("backup is on")
		}
	}
	if n := len(backupsIn(t, shared)); n != 1 {
		t.Errorf("%d backups lie in the shared folder", n)
	}
	own.restore(device.RestoreOptions{From: shared, StayOn: true})
	own.current()
}

// twelve returns a machine with twelve accounts, and one more that was restored from it.
func twelve(t *testing.T) (m, other *machine, dir string) {
	t.Helper()
	m, dir = newMachine(t), filepath.Join(t.TempDir(), "cloud")
	for label := range strings.FieldsSeq("a b c d e f g h i j k l") {
		m.add(label)
	}
	m.enable(dir)
	return m, joined(t, dir), dir
}

// Attack: a stolen laptop erases twelve accounts. Rotating and forgetting ask as sync
// does, and erase nothing: what was erased on the laptop is in the trash here.
func TestThiefsRemovals(t *testing.T) {
	t.Parallel()
	for what, act := range map[string]func(m, laptop *machine) error{
		"rotate": func(m, _ *machine) error {
			_, err := m.open().Rotate(t.Context(), device.EnableOptions{})
			return err
		},
		"forget": func(m, laptop *machine) error {
			_, err := m.open().Forget(t.Context(), laptop.id())
			return err
		},
	} {
		m, laptop, _ := twelve(t)
		for _, a := range laptop.read().Accounts() {
			laptop.change(func(tx *vault.Tx) error { return tx.Remove(a.ID, true) })
		}
		m.person.says(device.ForgetDevice, true)
		if err := act(m, laptop); !errors.Is(err, errNobody) {
			t.Errorf("%s: %v, want a question that nobody answers", what, err)
		}
		if n := len(m.read().Accounts()); n != 12 {
			t.Errorf("%s: %d accounts are left", what, n)
		}
		m.person.says(device.MergeMany, true)
		if err := act(m, laptop); err != nil && !errors.Is(err, backup.ErrEmpty) {
			t.Errorf("%s: %v", what, err)
		}
		// The last removal was not backed up on the laptop: an empty vault replaces nothing.
		if live, trash := len(m.read().Accounts()), len(m.read().TrashOf()); live != 1 || trash != 11 {
			t.Errorf("%s: %d accounts live, and %d secrets are in the trash", what, live, trash)
		}
	}
}

// Attack: all secrets replaced on another device. Sync asks, as it does for removals.
func TestSyncAsksAboutReplacedSecrets(t *testing.T) {
	t.Parallel()
	m, other, _ := twelve(t)
	other.later(time.Hour)
	for _, a := range other.read().Accounts() {
		c := a.Credential
		c.Secret = totp("", "evil-secret-12345678").Secret
		other.change(func(tx *vault.Tx) error { return tx.SetCredential(a.ID, c, 0) })
	}
	_, err := m.open().Sync(t.Context())
	wantErr(t, err, errNobody)
	if q := m.person.questions; len(q) != 1 || q[0].Replaced != 12 || q[0].Removed != 0 || q[0].Accounts != 12 {
		t.Errorf("asked %+v", q)
	}
	if got := m.secret("a"); got != "12345678901234567890" {
		t.Errorf("the secret is %q", got)
	}
}

// Attack: the newest backup is deleted, or all of them, or altered. Nothing calls that
// whole, and the next act writes it again and says so.
func TestNewestBackupGone(t *testing.T) {
	t.Parallel()
	acts := map[string]func(*machine) device.Report{
		"sync":   func(m *machine) device.Report { return m.sync().Report },
		"verify": func(m *machine) device.Report { return m.verify().Report },
		"change": func(m *machine) device.Report { return m.add("third") },
		"backup": func(m *machine) device.Report {
			r, err := m.open().BackUp(t.Context())
			if err != nil {
				t.Error(err)
			}
			return r
		},
	}
	for what, act := range acts {
		for _, all := range []bool{false, true} {
			m, dir := enrolled(t)
			m.later(time.Minute).add("second")
			for _, name := range backupsIn(t, dir) {
				if all || name == m.status().Backup.File {
					remove(t, filepath.Join(dir, name))
				}
			}
			m.stale(device.LastGone)
			if x := m.open().Examine(t.Context()); !x.Backup.Stale {
				t.Error("doctor calls it whole")
			}
			if last := m.status().Backup.File; m.backups().Gone != last {
				t.Error("list calls it whole")
			}
			if r := act(m.later(time.Minute)); len(noticed(r, device.WrittenAgain)) != 1 {
				t.Errorf("%s: %+v", what, r)
			}
			m.current()
			if gone := m.backups().Gone; gone != "" {
				t.Errorf("%s: list says that %s is gone", what, gone)
			}
			if r := joined(t, dir).read(); len(r.Accounts()) < 2 {
				t.Errorf("%s: a new machine gets %d accounts", what, len(r.Accounts()))
			}
		}
	}
	m, dir := enrolled(t)
	last := filepath.Join(dir, m.status().Backup.File)
	data := []byte(readFile(t, last))
	data[len(data)/2] ^= 1
	write(t, last, string(data))
	if gone := m.backups().Gone; gone != filepath.Base(last) {
		t.Errorf("an altered one: list says that %q is gone", gone)
	}
	if r := m.later(time.Minute).sync(); len(noticed(r.Report, device.WrittenAgain)) != 1 {
		t.Errorf("an altered one: %+v", r.Report)
	}
	joined(t, dir).has("first")
}

// Attack: an empty file named as a sealed key, and the real one removed. This device puts
// its own back and goes on backing up; the made-up one counts for nothing.
func TestMadeUpSealedKey(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	sealed := sealedKeys(t, dir)[0]
	remove(t, filepath.Join(dir, sealed))
	write(t, filepath.Join(dir, "recovery-0-0.age"), "")
	write(t, filepath.Join(dir, "recovery-0000000000000000-00000000.age"), "")
	if r := m.add("second"); r.Stale != nil || len(noticed(r, device.PutBack)) != 1 {
		t.Errorf("%+v", r)
	}
	m.current()
	if !slices.Contains(sealedKeys(t, dir), sealed) {
		t.Error("the sealed key was not put back")
	}
	joined(t, dir).has("first", "second")
}

// Attack: dozens of planted sealed keys. A restore tries a bounded number, and the id of
// the key that is meant finds the right one among them.
func TestManySealedKeys(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	for range 20 {
		key := newKey(t)
		_, data, err := key.Seal(backup.Sealing{Passphrase: next, WorkFactor: 4})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "recovery-0000000000000000-"+key.ID()[:8]+".age"), string(data))
	}
	victim := newMachine(t)
	_, err := victim.open().Restore(t.Context(), device.RestoreOptions{From: dir})
	wantErr(t, err, device.ErrManySealedKeys)
	victim.restore(device.RestoreOptions{From: dir, KeySource: device.KeySource{KeyID: m.key().ID()}})
	victim.has("first")
	_, err = newMachine(t).open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: device.KeySource{KeyID: "0123456789abcdef"}})
	wantErr(t, err, device.ErrOtherKeyID)
}

// A file of this device that it pruned, and that a sync client brings back, is no clone.
func TestPrunedFileReplayed(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	first := m.status().Backup.File
	data, id := readFile(t, filepath.Join(dir, first)), m.id()
	for range 60 {
		m.later(time.Minute).change(note("first", m.now.String()))
	}
	if _, err := os.Stat(filepath.Join(dir, first)); err == nil {
		t.Skip("the first backup is kept")
	}
	write(t, filepath.Join(dir, first), data)
	if r := m.later(time.Minute).add("second"); len(noticed(r, device.NewDeviceID)) != 0 || m.id() != id {
		t.Errorf("the device took another id: %+v", r)
	}
}

// Two accounts of one label both come back, from a location and from a file.
func TestTwinsComeBack(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.change(func(tx *vault.Tx) error {
		for _, secret := range []string{"twin-one-0123456789", "twin-two-0123456789"} {
			if _, err := tx.AddBeside(totp("twin", secret)); err != nil {
				return err
			}
		}
		return nil
	})
	m.person.passphrases[device.NewForBackupFile] = passphrase
	file := filepath.Join(t.TempDir(), "vault.age")
	if _, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Path: file}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{dir, file} {
		back := newMachine(t)
		back.person.passphrases[device.OpenBackupFile] = passphrase
		if r := back.restore(device.RestoreOptions{From: from}); backup.Conflicts(r.Steps) {
			t.Errorf("from %s: %+v", from, r.Steps)
		}
		back.has("first", "twin (1)", "twin (2)")
	}
}

// Nobody is ever enrolled on a key that has a successor: not by the old sheet, and not by
// the old passphrase where a sync client has brought its sealed key back.
func TestOldKeyEnrolsNobody(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	old, sealed := m.key(), sealedKeys(t, dir)[0]
	data := readFile(t, filepath.Join(dir, sealed))
	m.later(time.Minute).rotate()
	m.add("second")
	for what, source := range map[string]device.KeySource{
		"the old sheet":      {Identities: []device.IdentityFile{keyFile(old)}},
		"the old passphrase": {},
	} {
		write(t, filepath.Join(dir, sealed), data)
		late := newMachine(t)
		if r := late.restore(device.RestoreOptions{From: dir, KeySource: source}); !r.Superseded || r.BackupTo != "" {
			t.Errorf("%s: %+v", what, r)
		}
		if late.status().Backup.On {
			t.Errorf("%s: backup is on", what)
		}
		_, err := late.open().Enable(t.Context(), dir, device.EnableOptions{KeySource: source})
		wantErr(t, err, backup.ErrSuperseded)
	}
	// With the newest passphrase everything is there.
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.restore(device.RestoreOptions{From: dir})
	fresh.has("first", "second")
	fresh.current()
}

// Two rotations that did not see each other end as one: the newer is the location's, the
// device that made the other joins it by its passphrase, and then everything is merged.
func TestTwoRotationsAtOnce(t *testing.T) {
	t.Parallel()
	a, dir := enrolled(t)
	b := joined(t, dir)
	third := joined(t, dir)
	a.sync()
	b.sync()
	// The cloud brings neither rotation to the other device before both are made.
	aDir, bDir := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	carry(t, dir, aDir)
	carry(t, dir, bDir)
	a.later(time.Hour)
	b.later(time.Minute)
	a.add("on a")
	b.add("on b")
	carry(t, dir, aDir)
	carry(t, dir, bDir)
	a.later(time.Minute).seeing(dir, aDir).change(note("first", "not brought to b"))
	b.later(2 * time.Hour) // its rotation is the newer one, though of an older change
	const last = "one more horse, one more staple"
	a.person.passphrases[device.NewForLocation] = next
	if _, err := a.seeing(dir, aDir).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	b.person.passphrases[device.NewForLocation] = last
	if _, err := b.seeing(dir, bDir).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	carry(t, aDir, dir)
	carry(t, bDir, dir)

	// The device whose key lost goes on backing up, and is told to join.
	if r := a.later(2 * time.Hour).change(note("first", "changed on a")); !errors.Is(r.Stale, device.ErrTwoRotations) {
		t.Errorf("a: %+v", r)
	}
	a.stale(device.KeyRotated)
	if r := b.later(2 * time.Hour).add("later on b"); r.Stale != nil {
		t.Errorf("b: %v", r.Stale)
	}
	b.current()
	_, err := a.open().Enable(t.Context(), dir, device.EnableOptions{}) // with the first passphrase
	if err == nil {
		t.Error("a joined with a passphrase that opens neither")
	}
	a.person.passphrases[device.OpenLocation] = last
	a.enable(dir)
	a.sync()
	b.sync()
	a.sync()
	want := []string{"first", "later on b", "on a", "on b"}
	a.has(want...)
	b.has(want...)
	if a.key().ID() != b.key().ID() {
		t.Error("they are under two keys still")
	}
	a.current()
	b.current()

	// A device that saw neither is refused the key that lost, and joins the other.
	third.person.passphrases[device.OpenLocation] = next
	_, err = third.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, backup.ErrSuperseded)
	third.person.passphrases[device.OpenLocation] = last
	third.enable(dir)
	third.sync()
	third.has(want...)
}

// A rotation that was cut short and made again with the same passphrase leaves a sealed
// key without backups, which is in nobody's way.
func TestRotationCutShort(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.person.passphrases[device.NewForLocation] = next
	creates := 0
	cut := m.failing(func(c call) error {
		if c.verb == "create" {
			if creates++; creates > 1 {
				return errors.New("killed")
			}
		}
		return nil
	})
	for range 3 {
		creates = 0
		if _, err := cut.open().Rotate(t.Context(), device.EnableOptions{}); err == nil {
			t.Error("the rotation was not cut short")
		}
	}
	m.later(time.Minute).rotate()
	for range 4 {
		fresh := newMachine(t)
		fresh.person.passphrases[device.OpenLocation] = next
		fresh.restore(device.RestoreOptions{From: dir})
		fresh.has("first")
		if fresh.key().ID() != m.key().ID() {
			t.Errorf("a new machine is under the key %s", fresh.key().ID())
		}
	}
}

// Two devices that turned backup on apart, with one passphrase: a new machine gets both.
func TestTwoKeysOnePassphrase(t *testing.T) {
	t.Parallel()
	a, dir := enrolled(t)
	b, other, later := newMachine(t), filepath.Join(t.TempDir(), "cloud"), filepath.Join(t.TempDir(), "later")
	b.later(time.Hour).add("second")
	b.enable(other)
	carry(t, other, dir)
	carry(t, dir, later)
	fresh := newMachine(t)
	fresh.later(2 * time.Hour).restore(device.RestoreOptions{From: dir})
	fresh.has("first", "second")
	fresh.current()
	if fresh.key().ID() != b.key().ID() {
		t.Error("it backs up under the key that was used less lately")
	}
	// As the folder was, but for a later backup of the first device.
	a.later(3*time.Hour).seeing(dir, later).add("third")
	fresh = newMachine(t)
	fresh.later(4 * time.Hour).restore(device.RestoreOptions{From: later})
	fresh.has("first", "second", "third")
	if fresh.key().ID() != a.key().ID() {
		t.Error("it backs up under the key that was used less lately, after a backup of the other")
	}
}

// Who names the key that is meant gets no other one, though it opens the location.
func TestOtherKeyThanNamed(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	fresh := newMachine(t)
	from := device.KeySource{Identities: []device.IdentityFile{keyFile(m.key())}, KeyID: newKey(t).ID()}
	_, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: from})
	wantErr(t, err, device.ErrOtherKeyID)
	fresh.has()
	from.KeyID = m.key().ID()
	fresh.restore(device.RestoreOptions{From: dir, KeySource: from})
	fresh.has("first")
}

// A recovery key that a further key and paper open is vouched for by the paper, whichever comes first.
func TestKeyOpenedTwice(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	further := newKey(t)
	if _, err := m.open().AddRecipients(t.Context(), []string{further.Recipient()}); err != nil {
		t.Fatal(err)
	}
	both := []device.IdentityFile{keyFile(further), keyFile(m.key())}
	for range both {
		slices.Reverse(both)
		fresh := newMachine(t)
		fresh.restore(device.RestoreOptions{From: dir, KeySource: device.KeySource{Identities: both}})
		if fresh.has("first"); len(fresh.person.questions) > 0 {
			t.Errorf("asked %+v", fresh.person.questions)
		}
	}
	// A file of several keys is no recovery key, though one of them opens it.
	several := device.IdentityFile{Name: "keys.txt", Data: []byte(newKey(t).Text() + "\n" + further.Text() + "\n")}
	fresh := newMachine(t)
	fresh.person.says(device.AdoptKey, true)
	fresh.restore(device.RestoreOptions{From: dir, KeySource: device.KeySource{Identities: []device.IdentityFile{several}}})
	if fresh.has("first"); len(fresh.person.questions) != 1 {
		t.Errorf("asked %+v", fresh.person.questions)
	}
}

// apart returns two machines that turned backup on before their folders had synced, each
// with an account, a passphrase and a folder of its own, which have synced since.
func apart(t *testing.T, aPassphrase, bPassphrase string) (a, b *machine, aDir, bDir string) {
	t.Helper()
	a, aDir = newMachine(t), filepath.Join(t.TempDir(), "cloud")
	b, bDir = newMachine(t), filepath.Join(t.TempDir(), "cloud")
	a.person.passphrases[device.NewForLocation] = aPassphrase
	b.person.passphrases[device.NewForLocation] = bPassphrase
	a.add("first")
	a.enable(aDir)
	b.later(time.Hour).add("second")
	b.enable(bDir)
	carry(t, aDir, bDir)
	carry(t, bDir, aDir)
	return a, b, aDir, bDir
}

// Two devices turned backup on apart, and each joins the other's key before it has seen
// the other do so. They end on one key, and nobody is asked for a passphrase again.
func TestEachJoinsTheOther(t *testing.T) {
	t.Parallel()
	a, b, aDir, bDir := apart(t, passphrase, next)
	first := a.key().ID()
	a.person.passphrases[device.OpenLocation] = next
	b.person.passphrases[device.OpenLocation] = passphrase
	a.later(2 * time.Hour).enable(aDir)
	b.later(2 * time.Hour).enable(bDir)
	if a.key().ID() == first || b.key().ID() != first {
		t.Fatal("they have not joined each other's keys")
	}
	carry(t, aDir, bDir)
	carry(t, bDir, aDir)
	// The device that joined later did the newer act: its key is the one to use.
	b.sync()
	_, err := a.open().Sync(t.Context())
	wantErr(t, err, device.ErrRotated)
	a.stale(device.KeyRotated)
	delete(a.person.passphrases, device.OpenLocation)
	a.later(2 * time.Hour).enable(aDir)
	for range 2 {
		carry(t, aDir, bDir)
		b.later(time.Hour).sync()
		carry(t, bDir, aDir)
		a.later(time.Hour).sync()
	}
	for _, m := range []*machine{a, b} {
		m.has("first", "second")
		m.current()
		if m.key().ID() != first {
			t.Errorf("the key is %s, want %s", m.key().ID(), first)
		}
	}
	fresh := joined(t, aDir)
	fresh.has("first", "second")
	fresh.current()
}

// Two devices turned backup on apart, and one joins the other's key. Its own key is a key
// before: who still has it is told so, and nobody is enrolled on it any more.
func TestJoinedKeyEnrolsNobody(t *testing.T) {
	t.Parallel()
	a, b, aDir, bDir := apart(t, passphrase, next)
	other := joined(t, aDir) // on a's key, with nothing of b's
	a.person.passphrases[device.OpenLocation] = next
	a.later(2 * time.Hour).enable(aDir)
	_, err := other.later(3 * time.Hour).open().Sync(t.Context())
	wantErr(t, err, device.ErrRotated)
	late := newMachine(t)
	if r := late.restore(device.RestoreOptions{From: aDir}); !r.Superseded || r.BackupTo != "" {
		t.Errorf("restored %+v", r)
	}
	other.person.passphrases[device.OpenLocation] = next
	other.enable(aDir)
	carry(t, aDir, bDir)
	b.sync()
	for _, m := range []*machine{a, b, other} {
		m.sync()
		m.has("first", "second")
		m.current()
		if m.key().ID() != b.key().ID() {
			t.Errorf("the key is %s, want %s", m.key().ID(), b.key().ID())
		}
	}
}

// Two devices turned backup on apart, with one passphrase. A new machine makes one
// location of theirs, whose key both are told to use.
func TestTwoKeysOnePassphraseEndAsOne(t *testing.T) {
	t.Parallel()
	a, b, dir, bDir := apart(t, passphrase, passphrase)
	fresh := newMachine(t)
	fresh.later(2 * time.Hour).restore(device.RestoreOptions{From: dir})
	carry(t, dir, bDir)
	for m, dir := range map[*machine]string{a: dir, b: bDir} {
		_, err := m.later(3 * time.Hour).open().Sync(t.Context())
		if m.key().ID() != fresh.key().ID() {
			wantErr(t, err, device.ErrRotated)
			m.enable(dir)
		}
		m.sync()
		m.has("first", "second")
		m.current()
		if m.key().ID() != fresh.key().ID() {
			t.Errorf("the key is %s, want %s", m.key().ID(), fresh.key().ID())
		}
	}
}

// A sync says that the key was changed, also where there is nothing to back up.
func TestSyncSaysThatTheKeyWasChanged(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.sync()
	m.later(time.Minute).rotate()
	_, err := other.open().Sync(t.Context())
	wantStale(t, err, device.ErrRotated)
	other.stale(device.KeyRotated)
}

// Copies of sealed keys that a sync client made are tried once, and keys that are in use
// before those that were replaced: a new machine finds the one that it has a passphrase of.
func TestCopiesOfSealedKeys(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	old := sealedKeys(t, dir)[0]
	data, oldKey := readFile(t, filepath.Join(dir, old)), m.key()
	m.later(time.Minute).rotate()
	for n := range 20 {
		write(t, filepath.Join(dir, strings.Replace(old, ".age", fmt.Sprintf(" (copy %d).age", n), 1)), data)
	}
	for n := range 9 { // under the old key, and never the same
		_, data, err := oldKey.Seal(backup.Sealing{Passphrase: passphrase, WorkFactor: 4})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, strings.Replace(old, ".age", fmt.Sprintf("-%d.age", n), 1)), string(data))
	}
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.restore(device.RestoreOptions{From: dir})
	fresh.has("first")
	fresh.current()
}

// Of two rotations at once, the newer one's device is gone before its sealed key has
// arrived. The other key is what there is to join, until it does.
func TestNewerRotationNeverArrives(t *testing.T) {
	t.Parallel()
	a, dir := enrolled(t)
	b, bDir := joined(t, dir), filepath.Join(t.TempDir(), "b")
	carry(t, dir, bDir)
	a.later(time.Minute).rotate()
	b.person.passphrases[device.NewForLocation] = "one more horse, one more staple"
	if _, err := b.later(time.Hour).seeing(dir, bDir).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, bDir, "successor-") {
		write(t, filepath.Join(dir, name), readFile(t, filepath.Join(bDir, name)))
	}
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.restore(device.RestoreOptions{From: dir})
	fresh.has("first")
	if got := fresh.key().ID(); got != a.key().ID() {
		t.Errorf("the key is %s", got)
	}
	carry(t, bDir, dir)
	late := newMachine(t)
	late.person.passphrases[device.OpenLocation] = next
	if r := late.restore(device.RestoreOptions{From: dir}); !r.Superseded {
		t.Errorf("restored %+v", r)
	}
	_, err := fresh.later(2 * time.Hour).open().Sync(t.Context())
	wantErr(t, err, device.ErrTwoRotations)
}

// The device of the older one of two rotations is gone. What it wrote is history that
// counts for whoever knows its passphrase.
func TestOlderRotationsFilesCount(t *testing.T) {
	t.Parallel()
	a, dir := enrolled(t)
	b, bDir := joined(t, dir), filepath.Join(t.TempDir(), "b")
	carry(t, dir, bDir)
	gone := b.seeing(dir, bDir)
	for range 2 { // of the second one a knows nothing
		gone.later(time.Minute).rotate()
	}
	gone.add("second")
	a.person.passphrases[device.NewForLocation] = "one more horse, one more staple"
	if _, err := a.later(time.Hour).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	carry(t, bDir, dir)
	a.later(time.Hour).add("third")
	a.stale(device.OtherKeysLie)
	own := a.key().ID()
	a.person.passphrases[device.OpenLocation] = next
	a.enable(dir)
	a.sync()
	a.has("first", "second", "third")
	a.current()
	if a.key().ID() != own {
		t.Error("the device is on the key that lost")
	}
}

// A device rotates the key and is gone before its sealed key has arrived: nobody can join
// the new key. Another rotation is the way out, and all others join that one.
func TestRotationThatNeverArrives(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other, third := joined(t, dir), joined(t, dir)
	m.later(time.Minute).rotate()
	between, sealed := sealedKeys(t, dir)[0], readFile(t, filepath.Join(dir, sealedKeys(t, dir)[0]))
	m.later(time.Minute).rotate()
	for _, name := range sealedKeys(t, dir) {
		remove(t, filepath.Join(dir, name))
	}
	_, err := other.open().Sync(t.Context())
	wantErr(t, err, device.ErrRotated)
	_, err = other.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, device.ErrNoSealedKeys)
	write(t, filepath.Join(dir, between), sealed) // that of the rotation between is no way in either
	other.person.passphrases[device.OpenLocation] = next
	_, err = other.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, backup.ErrSuperseded)
	other.rotate()                         // although its clock is behind
	remove(t, filepath.Join(dir, between)) // it is under the same passphrase
	other.add("second")
	other.current()
	_, err = third.open().Rotate(t.Context(), device.EnableOptions{})
	wantErr(t, err, device.ErrRotated) // it can join
	third.rejoin(dir)
	third.sync()
	third.has("first", "second")
	third.current()
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.restore(device.RestoreOptions{From: dir})
	fresh.has("first", "second")
	fresh.current()
}

// A location has a second key whose device rotated it away and is gone before the new one
// arrived. Nobody can join that, and it is not for ever a reason to call the backup stale:
// the key is held to name what lies under it, which is not merged.
func TestOtherKeyThatWasRotatedAway(t *testing.T) {
	t.Parallel()
	a, b, aDir, bDir := apart(t, passphrase, next)
	b.person.passphrases[device.NewForLocation] = "one more horse, one more staple"
	if _, err := b.later(2*time.Hour).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, bDir, "successor-") {
		write(t, filepath.Join(aDir, name), readFile(t, filepath.Join(bDir, name)))
	}
	own := a.key().ID()
	a.later(3 * time.Hour).add("third")
	a.stale(device.OtherKeysLie)
	a.person.passphrases[device.OpenLocation] = next
	a.enable(aDir)
	if a.key().ID() != own {
		t.Error("the device is enrolled on a key that has a successor")
	}
	if s := a.sync(); len(s.Skipped) != 1 || s.Skipped[0].State != backup.OldKey {
		t.Errorf("skipped %+v", s.Skipped)
	}
	a.has("first", "third")
	a.current()
	// The new key arrives after all, and is joined.
	carry(t, bDir, aDir)
	a.later(time.Hour).add("fourth")
	a.stale(device.OtherKeysLie)
	a.person.passphrases[device.OpenLocation] = "one more horse, one more staple"
	a.enable(aDir)
	a.sync()
	a.has("first", "second", "third", "fourth")
	a.current()
	if a.key().ID() != b.key().ID() {
		t.Error("they are on two keys")
	}
}

// What a rotation that was cut short has left is in nobody's way: backup is turned off and
// on again, and nobody is asked. That is so too where a key lies there that is to be joined;
// the device is told of it then.
func TestTurnedOnAgain(t *testing.T) {
	t.Parallel()
	a, _, aDir, _ := apart(t, passphrase, next)
	single, dir := enrolled(t)
	for _, dir := range []string{aDir, dir} {
		_, data, err := newKey(t).Seal(backup.Sealing{Passphrase: "one more horse, one more staple", WorkFactor: 4})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "recovery-0123456789abcdef-01234567.age"), string(data))
	}
	for m, dir := range map[*machine]string{a: aDir, single: dir} {
		own := m.key().ID()
		delete(m.person.passphrases, device.OpenLocation)
		if _, err := m.open().Disable(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := m.enable(dir); e.ID != own {
			t.Errorf("enabled %+v", e)
		}
		m.later(time.Minute).change(note("first", "changed"))
	}
	single.enable(dir)
	single.current()
	a.stale(device.OtherKeysLie)
	a.person.passphrases[device.OpenLocation] = next
	a.enable(aDir)
	a.sync()
	a.has("first", "second")
}

// What an act that was cut short has left is not joined: no backup lies under that key.
func TestKeyWithoutBackupsIsNotJoined(t *testing.T) {
	t.Parallel()
	a, b, aDir, _ := apart(t, passphrase, next)
	const third = "one more horse, one more staple"
	_, data, err := newKey(t).Seal(backup.Sealing{Passphrase: third, WorkFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(aDir, "recovery-0123456789abcdef-01234567.age"), string(data))
	a.person.passphrases[device.OpenLocation] = third
	_, err = a.open().Enable(t.Context(), aDir, device.EnableOptions{})
	wantErr(t, err, device.ErrForeignKey)
	a.person.passphrases[device.OpenLocation] = next
	a.enable(aDir)
	a.sync()
	a.has("first", "second")
	if a.key().ID() != b.key().ID() {
		t.Error("they are on two keys")
	}
}

// An empty vault makes no backup, so the others would never be told of a new key: nothing
// is changed.
func TestEmptyVaultDoesNotRotate(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	key, before := m.key().ID(), contents(t, dir)
	m.later(time.Minute).change(removing("first"))
	m.person.passphrases[device.NewForLocation] = next
	_, err := m.open().Rotate(t.Context(), device.EnableOptions{})
	wantErr(t, err, backup.ErrEmpty)
	if now := contents(t, dir); len(now) != len(before) || m.key().ID() != key {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	m.add("second")
	m.rotate()
	m.current()
}

// Attack: a stolen laptop knows two keys that were rotated away since, and can write the
// folder. It makes the older one the successor of the other. Nobody goes back to that key,
// whatever passphrase is typed, and another rotation ends the alarm.
func TestForgedReturn(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	oldest := m.key()
	m.later(time.Minute).rotate()
	stolen := m.key()
	m.person.passphrases[device.NewForLocation] = "one more horse, one more staple"
	if _, err := m.later(time.Minute).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	own := m.key().ID()
	for _, name := range files(t, dir, "successor-"+oldest.ID()) {
		remove(t, filepath.Join(dir, name))
	}
	s := backup.Succession{Old: stolen.ID(), New: oldest.ID(), Stamp: noon.Add(1000 * time.Hour).UnixMilli(), Joined: true}
	data, err := stolen.Succeed(s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, s.Name()), string(data))
	_, sealed, err := oldest.Seal(backup.Sealing{Passphrase: passphrase, WorkFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "recovery-"+oldest.ID()+"-01234567.age"), string(sealed))
	for _, typed := range []string{passphrase, next, "one more horse, one more staple"} {
		m.person.passphrases[device.OpenLocation] = typed
		_, _ = m.open().Enable(t.Context(), dir, device.EnableOptions{})
		_, _ = m.open().Sync(t.Context())
		if m.key().ID() != own {
			t.Fatal("the device went back to a key that was rotated away")
		}
	}
	m.later(time.Minute).rotate()
	m.add("second")
	m.current()
}

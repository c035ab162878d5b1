package device_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// Machines in memory: folders, a keyring, a clock and a person for each, and no process. Each act opens the device anew,
// as each command does; two that are open at once are two processes.

// passphrase opens the locations of the tests, next is the one after it.
const (
	passphrase = "correct horse battery staple"
	next       = "another horse, another staple"
)

// noon is when the tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// errNobody is what a person answers who is not there.
var errNobody = errors.New("nobody answers")

// A machine is one device.
type machine struct {
	t       testing.TB
	keyring *keyringtest.Memory // stands in for the system's
	person  *person
	now     time.Time
	options device.Options
}

// newMachine returns a machine whose person knows the passphrase of the tests and confirms nothing.
func newMachine(t testing.TB) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, keyring: new(keyringtest.Memory), now: noon}
	m.person = &person{passphrases: map[device.PurposeKind]string{
		device.OpenLocation: passphrase, device.NewForLocation: passphrase,
	}}
	m.options = device.Options{
		Config: filepath.Join(dir, "config"), State: filepath.Join(dir, "state"), Data: filepath.Join(dir, "data"),
		Service: "auth-test", Dir: dir, Home: dir, Name: "machine", Holder: "auth test",
		WorkFactor: 4, Asker: m.person, Now: func() time.Time { return m.now },
		Getenv:   func(string) string { return "" },
		LookPath: func(string) (string, error) { return "", errors.New("no programs here") },
		ReadFile: func(_ context.Context, path string, _ int64) ([]byte, error) { return os.ReadFile(path) },
		OpenKeyring: func(kind string) keyring.Keyring {
			if kind == device.SystemKeyring {
				return m.keyring
			}
			return nil
		},
	}
	return m
}

// enrolled returns a machine with the account "first" that backs up to a new folder.
func enrolled(t testing.TB) (*machine, string) {
	t.Helper()
	m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	m.add("first")
	m.enable(dir)
	return m, dir
}

// joined returns one more machine that was restored from a location.
func joined(t testing.TB, dir string) *machine {
	t.Helper()
	m := newMachine(t)
	m.restore(device.RestoreOptions{From: dir})
	return m
}

// open opens the device, as a new process does.
func (m *machine) open() *device.Device {
	m.t.Helper()
	d, err := device.Open(m.options)
	if err != nil {
		m.t.Fatal(err)
	}
	return d
}

// another returns this machine for a process of its own, with other options.
func (m *machine) another(change func(*device.Options)) *machine {
	other := *m
	other.options.Now = func() time.Time { return other.now }
	change(&other.options)
	return &other
}

// later moves the clock on.
func (m *machine) later(d time.Duration) *machine {
	m.now = m.now.Add(d)
	return m
}

// change changes the vault, which has to go well.
func (m *machine) change(f func(*vault.Tx) error) device.Report {
	m.t.Helper()
	r, err := m.open().Change(m.t.Context(), f)
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

// add adds an account.
func (m *machine) add(label string) device.Report {
	m.t.Helper()
	return m.change(adding(label, "12345678901234567890"))
}

// adding adds an account with a secret.
func adding(label, secret string) func(*vault.Tx) error {
	return func(tx *vault.Tx) error {
		_, err := tx.Add(totp(label, secret))
		return err
	}
}

func totp(label, secret string) account.Account {
	c := account.Default(account.TOTP)
	c.Secret = account.NewSecret([]byte(secret))
	return account.Account{Name: label, Credential: c}
}

// on does something to the account of a label.
func on(label string, f func(tx *vault.Tx, id string) error) func(*vault.Tx) error {
	return func(tx *vault.Tx) error {
		a, err := tx.Find(label, true)
		if err != nil {
			return err
		}
		return f(tx, a.ID)
	}
}

// note changes an account by its note.
func note(label, text string) func(*vault.Tx) error {
	return on(label, func(tx *vault.Tx, id string) error { return tx.SetNote(id, text) })
}

func removing(label string) func(*vault.Tx) error {
	return on(label, func(tx *vault.Tx, id string) error { return tx.Remove(id, false) })
}

// read reads the vault.
func (m *machine) read() *vault.State {
	m.t.Helper()
	state, err := m.open().Read(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return state
}

// has checks the labels of the vault, in whatever order.
func (m *machine) has(labels ...string) {
	m.t.Helper()
	var got []string
	for _, a := range m.read().Accounts() {
		got = append(got, a.Shown)
	}
	slices.Sort(got)
	slices.Sort(labels)
	if !slices.Equal(got, labels) {
		m.t.Errorf("accounts %q, want %q", got, labels)
	}
}

// secret returns the secret of an account.
func (m *machine) secret(label string) string {
	m.t.Helper()
	return string(m.account(label).Secret.Reveal())
}

func (m *machine) account(label string) vault.Account {
	m.t.Helper()
	a, err := m.read().Find(label, true)
	if err != nil {
		m.t.Fatal(err)
	}
	return a
}

// enable turns backup on, which has to go well.
func (m *machine) enable(dir string) device.Enabled {
	m.t.Helper()
	e, err := m.open().Enable(m.t.Context(), dir, device.EnableOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	return e
}

// restore restores, which has to go well.
func (m *machine) restore(o device.RestoreOptions) device.Restored {
	m.t.Helper()
	r, err := m.open().Restore(m.t.Context(), o)
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

// sync brings what other devices wrote, which has to go well.
func (m *machine) sync() device.Synced {
	m.t.Helper()
	s, err := m.open().Sync(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// rotate makes a new recovery key, under the passphrase [next].
func (m *machine) rotate() device.Rekeyed {
	m.t.Helper()
	m.person.passphrases[device.NewForLocation] = next
	r, err := m.open().Rotate(m.t.Context(), device.EnableOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

// rejoin joins the location under its new key.
func (m *machine) rejoin(dir string) {
	m.t.Helper()
	m.person.passphrases[device.OpenLocation] = next
	if e := m.enable(dir); !e.Joined {
		m.t.Errorf("joined: %+v", e)
	}
}

// backups reads every backup at the location.
func (m *machine) backups() device.Backups {
	m.t.Helper()
	b, err := m.open().Backups(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// verify reads every backup back, which has to go well.
func (m *machine) verify() device.Backups {
	m.t.Helper()
	b, err := m.open().Verify(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// states returns what each backup at the location is, by its name.
func (m *machine) states() map[string]backup.FileState {
	m.t.Helper()
	states := map[string]backup.FileState{}
	for _, f := range m.backups().Files {
		states[f.Name] = f.State
	}
	return states
}

func (m *machine) status() device.Status {
	m.t.Helper()
	s, err := m.open().Status(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// current checks that backup is on, and that the vault as it is now is backed up.
func (m *machine) current() {
	m.t.Helper()
	s := m.status()
	if b := s.Backup; !b.On || b.Stale || b.Generation != s.State.Generation {
		m.t.Errorf("the vault is generation %d, and its backup %+v", s.State.Generation, b)
	}
}

// stale checks why the backup is stale.
func (m *machine) stale(reason device.StaleReason) device.BackupStatus {
	m.t.Helper()
	b := m.status().Backup
	if !b.On || !b.Stale || b.Reason != reason {
		m.t.Errorf("the backup is %+v, want it stale for the reason %d", b, reason)
	}
	return b
}

// key returns the recovery key of the machine's location.
func (m *machine) key() backup.RecoveryKey {
	m.t.Helper()
	_, text, err := m.open().KeyText(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return parseKey(m.t, text)
}

func parseKey(t testing.TB, text string) backup.RecoveryKey {
	t.Helper()
	key, err := backup.ParseRecoveryKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// id returns the id under which the machine writes backups.
func (m *machine) id() string {
	m.t.Helper()
	n, ok := backup.ParseFileName(m.status().Backup.File)
	if !ok {
		m.t.Fatal("the machine has written no backup")
	}
	return n.Device
}

// A person answers what was written down for them, and nothing else.
type person struct {
	mu          sync.Mutex
	passphrases map[device.PurposeKind]string
	yes         map[device.QuestionKind]bool
	asked       []device.PurposeKind
	questions   []device.Question
}

var _ device.Asker = (*person)(nil)

// Passphrase implements [device.Asker].
func (p *person) Passphrase(_ context.Context, purpose device.Purpose) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if purpose.Wrong > 0 {
		return "", device.ErrNoOther
	}
	p.asked = append(p.asked, purpose.Kind)
	text, known := p.passphrases[purpose.Kind]
	if !known {
		return "", errNobody
	}
	return text, nil
}

// Confirm implements [device.Asker].
func (p *person) Confirm(_ context.Context, q device.Question) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.questions = append(p.questions, q)
	yes, known := p.yes[q.Kind]
	if !known && q.Kind != device.StayOn && q.Kind != device.OfferFileKeyring {
		return false, errNobody
	}
	return yes, nil
}

// says has the person answer a question from now on.
func (p *person) says(kind device.QuestionKind, yes bool) {
	if p.yes == nil {
		p.yes = map[device.QuestionKind]bool{}
	}
	p.yes[kind] = yes
}

// A call is what a location is asked to do.
type call struct{ verb, name string }

// A place is a location in the hands of a test, which may let a call wait or fail.
type place struct {
	location.Location

	remote bool
	wait   time.Duration
	before func(context.Context, call) error
	// opening is called when a device has looked up where its location is; it may be nil.
	opening func()
}

func (p place) Local() bool { return !p.remote && p.Location.Local() }

func (p place) Wait() time.Duration {
	if p.wait > 0 {
		return p.wait
	}
	return p.Location.Wait()
}

func (p place) List(ctx context.Context) ([]location.Entry, error) {
	if err := p.before(ctx, call{"list", ""}); err != nil {
		return nil, err
	}
	return p.Location.List(ctx)
}

func (p place) Read(ctx context.Context, name string) ([]byte, error) {
	if err := p.before(ctx, call{"read", name}); err != nil {
		return nil, err
	}
	return p.Location.Read(ctx, name)
}

func (p place) Create(ctx context.Context, name string, data []byte) error {
	if err := p.before(ctx, call{"create", name}); err != nil {
		return err
	}
	return p.Location.Create(ctx, name, data)
}

func (p place) Replace(ctx context.Context, name string, data []byte) error {
	if err := p.before(ctx, call{"replace", name}); err != nil {
		return err
	}
	return p.Location.Replace(ctx, name, data)
}

func (p place) Remove(ctx context.Context, name string) error {
	if err := p.before(ctx, call{"remove", name}); err != nil {
		return err
	}
	return p.Location.Remove(ctx, name)
}

// through returns this machine for a process whose location is a place.
func (m *machine) through(p place) *machine {
	return m.another(func(o *device.Options) {
		open, options := o.OpenLocation, location.Options{Dir: o.Dir, Home: o.Home, Wait: o.LocationWait}
		o.OpenLocation = func(name string) (_ location.Location, err error) {
			p := p
			if p.opening != nil {
				p.opening()
			}
			if open != nil {
				p.Location, err = open(name)
			} else {
				p.Location, err = location.Parse(name, options)
			}
			return p, err
		}
	})
}

// A moved location is one that another folder has taken the place of.
type moved struct {
	location.Location

	name string
}

func (m moved) String() string { return m.name }

// copied returns a machine as it is now, with a copy of its location in another folder.
func (m *machine) copied(dir string) (*machine, string) {
	m.t.Helper()
	c, to := newMachine(m.t), filepath.Join(m.t.TempDir(), "cloud")
	carry(m.t, dir, to)
	testenv.CopyFolder(m.t, c.options.State, m.options.State)
	c.keyring, c.now = m.keyring.Clone(), m.now
	c.options.OpenLocation = func(name string) (location.Location, error) {
		loc, err := location.Parse(to, location.Options{Dir: c.options.Dir})
		return moved{loc, name}, err
	}
	return c, to
}

// seeing returns this machine as it sees its location in another folder, which a sync
// client keeps.
func (m *machine) seeing(name, folder string) *machine {
	return m.another(func(o *device.Options) {
		dir := o.Dir
		o.OpenLocation = func(string) (location.Location, error) {
			loc, err := location.Parse(folder, location.Options{Dir: dir})
			return moved{loc, name}, err
		}
	})
}

// failing returns this machine for a process for which those calls fail that fail says.
func (m *machine) failing(fail func(call) error) *machine {
	return m.through(place{before: func(_ context.Context, c call) error { return fail(c) }})
}

// files returns the names of a folder's files, sorted; with a beginning those with that.
func files(t testing.TB, dir, beginning string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), beginning) {
			names = append(names, e.Name())
		}
	}
	return names
}

// backupsIn returns the names of the backups in a folder.
func backupsIn(t testing.TB, dir string) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, dir, ""), func(name string) bool {
		_, ok := backup.ParseFileName(name)
		return !ok
	})
}

// sealedKeys returns the names of the sealed keys in a folder.
func sealedKeys(t testing.TB, dir string) []string {
	t.Helper()
	return files(t, dir, "recovery-")
}

// contents returns every file of a folder.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range files(t, dir, "") {
		all[name] = readFile(t, filepath.Join(dir, name))
	}
	return all
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// plant puts a backup into a folder, as anybody can who knows the recipient of its key. It returns the file's name.
func plant(t testing.TB, dir string, key backup.RecoveryKey, content backup.Content, payload []byte) string {
	t.Helper()
	to, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	data, err := backup.Seal(payload, backup.SealTo(to))
	if err != nil {
		t.Fatal(err)
	}
	name := backup.FileName{Device: content.Device, Time: content.Created, Generation: content.Generation, Hash: backup.HashOf(data)[:16]}.String()
	write(t, filepath.Join(dir, name), string(data))
	return name
}

// carry is a sync client: it brings the files of one folder that another has not.
func carry(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range contents(t, from) {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			write(t, filepath.Join(to, name), text)
		}
	}
}

// noticed returns the notices of a kind.
func noticed(r device.Report, kind device.NoticeKind) []device.Notice {
	return slices.DeleteFunc(slices.Clone(r.Notices), func(n device.Notice) bool { return n.Kind != kind })
}

// wantErr checks that an error is another.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, want %v", err, want)
	}
}

// wantStale checks that an error is a *device.StaleError for a reason.
func wantStale(t testing.TB, err, reason error) {
	t.Helper()
	var stale *device.StaleError
	if !errors.As(err, &stale) || !errors.Is(err, reason) {
		t.Errorf("the error is %v, want a stale backup: %v", err, reason)
	}
}

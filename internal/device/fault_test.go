package device_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// Faults: each operation on the keyring, the state folder and the location goes wrong, one after the other, in the middle of
// each act of a device. What is left then is the state before the act or the one after it, and what the act said of itself
// is true. The acts are in fault_acts_test.go, and fault_table_test.go keeps docs/reliability.md as it is found here.

// A fault is what goes wrong at one operation, or from that one on.
type fault struct {
	name string
	// Of these one is set.
	keyring []keyringtest.Fault
	place   []placeFault
	folder  []folderFault
	forever bool // and also from that operation on, until the end of the act
}

// A placeFault is what goes wrong with a call of a location.
type placeFault int

const (
	placeFails   placeFault = iota + 1 // ErrGone, and nothing is done
	placeIsFull                        // ErrFull, and nothing is done
	placeRefuses                       // ErrReadOnly, and nothing is done
	placeHangs                         // no answer, and nothing is done
	placeIsLate                        // done, and no answer
	placeLoses                         // done, and what was written is gone at once
	placeIsEmpty                       // a list without files, a file without bytes
)

// A folderFault is what goes wrong with the folders of the device's own files.
type folderFault int

const (
	folderFails  folderFault = iota + 1 // neither read nor written
	folderIsFull                        // read, and not written
)

// A kind is what fails, with the faults that it has: a table.
type kind struct {
	name string
	of   []fault
}

var faults = []kind{
	{"keyring", []fault{
		{name: "fails", keyring: []keyringtest.Fault{keyringtest.Fail}, forever: true},
		{name: "hangs", keyring: []keyringtest.Fault{keyringtest.Hang}, forever: true},
		{name: "answers too late", keyring: []keyringtest.Fault{keyringtest.Late}},
		{name: "lies", keyring: []keyringtest.Fault{keyringtest.Lie}, forever: true},
		{name: "answers nothing", keyring: []keyringtest.Fault{keyringtest.Empty}},
	}},
	{"location", []fault{
		{name: "fails", place: []placeFault{placeFails, placeIsFull, placeRefuses}, forever: true},
		{name: "hangs", place: []placeFault{placeHangs}, forever: true},
		{name: "answers too late", place: []placeFault{placeIsLate}},
		{name: "loses what is written", place: []placeFault{placeLoses}},
		{name: "answers nothing", place: []placeFault{placeIsEmpty}},
	}},
	{"state folder", []fault{
		{name: "fails", folder: []folderFault{folderFails}, forever: true},
		{name: "has no space", folder: []folderFault{folderIsFull}, forever: true},
	}},
}

// A hand counts the operations of an act, and strikes at one, or from that one on.
type hand struct {
	mu      sync.Mutex
	n       int
	at      int // 0 is before the first, -1 never
	forever bool
	struck  bool
	moment  func(strikes bool) // called before each operation; may be nil
}

// strikes reports whether the next operation is to go wrong.
func (h *hand) strikes() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	yes := h.at >= 0 && (h.n == h.at || h.forever && h.n > h.at)
	h.struck = h.struck || yes
	if h.moment != nil {
		h.moment(yes)
	}
	return yes
}

// A struckPlace is a location whose calls go wrong.
type struckPlace struct {
	location.Location

	name  string
	hand  *hand
	fault placeFault
	lift  func(func()) // runs a call of the folder, which the fault of another leaves alone
}

// do runs one call. lost undoes what it wrote, and blank makes its answer an empty one.
func (p struckPlace) do(ctx context.Context, call func() error, lost, blank func()) (err error) {
	fault := p.fault
	if !p.hand.strikes() {
		fault = 0
	}
	late := func() error {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", location.ErrTimeout, ctx.Err())
	}
	switch fault {
	case placeFails:
		return location.ErrGone
	case placeIsFull:
		return location.ErrFull
	case placeRefuses:
		return location.ErrReadOnly
	case placeHangs:
		return late()
	}
	p.lift(func() { err = call() })
	switch fault {
	case placeIsLate:
		return late()
	case placeLoses:
		lost()
	case placeIsEmpty:
		blank()
	}
	return err
}

func (p struckPlace) String() string { return p.name }

func (p struckPlace) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, p.Wait())
}

func (p struckPlace) List(ctx context.Context) (entries []location.Entry, err error) {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	err = p.do(ctx, func() error { entries, err = p.Location.List(ctx); return err }, func() {}, func() { entries = nil })
	return entries, err
}

func (p struckPlace) Read(ctx context.Context, name string) (data []byte, err error) {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	time.Sleep(turn(name))
	err = p.do(ctx, func() error { data, err = p.Location.Read(ctx, name); return err }, func() {}, func() { data = nil })
	return data, err
}

// turn puts files that are read at once into an order, the same for each trial of a cell: the operation that goes wrong is
// another one each time then, and none is left out. What ends a backup's name is by chance, and does not count.
func turn(name string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name[:max(0, strings.LastIndex(name, "-"))]))
	return time.Duration(h.Sum32() % 1e6) // less than a millisecond
}

func (p struckPlace) Create(ctx context.Context, name string, data []byte) error {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	return p.do(ctx, func() error { return p.Location.Create(ctx, name, data) }, func() { p.lose(name) }, func() {})
}

func (p struckPlace) Replace(ctx context.Context, name string, data []byte) error {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	return p.do(ctx, func() error { return p.Location.Replace(ctx, name, data) }, func() { p.lose(name) }, func() {})
}

func (p struckPlace) Remove(ctx context.Context, name string) error {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	return p.do(ctx, func() error { return p.Location.Remove(ctx, name) }, func() {}, func() {})
}

func (p struckPlace) Prepare(ctx context.Context) error {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	return p.do(ctx, func() error { return location.Prepare(ctx, p.Location) }, func() {}, func() {})
}

// lose removes what was just written, as a sync client can.
func (p struckPlace) lose(name string) { _ = p.Location.Remove(context.Background(), name) }

// A struckPerson answers at a moment of its own.
type struckPerson struct {
	device.Asker

	hand *hand
}

func (p struckPerson) Passphrase(ctx context.Context, purpose device.Purpose) (string, error) {
	p.hand.strikes()
	return p.Asker.Passphrase(ctx, purpose)
}

func (p struckPerson) Confirm(ctx context.Context, q device.Question) (bool, error) {
	p.hand.strikes()
	return p.Asker.Confirm(ctx, q)
}

// A fileKeyring is a keyring in memory that stands in for the file keyring.
type fileKeyring struct{ *keyringtest.Memory }

func (fileKeyring) Kind() string { return device.FileKeyring }

// A world is a machine in the state before an act, with what lies around it.
type world struct {
	*machine

	name   string // of the location
	folder string // where it is
	second *keyringtest.Memory
	real   bool // the file keyring is one in files
}

// clone returns a copy of a world in a folder of its own.
func (w world) clone(t testing.TB, dir string) world {
	t.Helper()
	m := *w.machine
	c := world{machine: &m, name: w.name, folder: filepath.Join(dir, "cloud"), second: w.second.Clone(), real: w.real}
	m.t, m.keyring = t, w.keyring.Clone()
	m.person = &person{passphrases: maps.Clone(w.person.passphrases), yes: maps.Clone(w.person.yes)}
	o := &m.options
	for _, folder := range []*string{&o.State, &o.Data, &o.Config} {
		to := filepath.Join(dir, filepath.Base(*folder))
		copyFolder(t, *folder, to)
		*folder = to
	}
	copyFolder(t, w.folder, c.folder)
	o.Asker, o.Now, o.Dir = m.person, func() time.Time { return m.now }, dir
	c.connect(&m, nil, 0, func(f func()) { f() })
	return c
}

// connect gives a machine the keyrings and the location of its world, with the hand on the location.
func (w world) connect(m *machine, h *hand, fault placeFault, lift func(func())) {
	m.options.OpenKeyring = func(kind string) keyring.Keyring {
		switch {
		case kind == device.SystemKeyring:
			return m.keyring
		case w.real:
			return nil
		default:
			return fileKeyring{w.second}
		}
	}
	dir := m.options.Dir
	m.options.OpenLocation = func(name string) (location.Location, error) {
		folder := name
		if name == w.name {
			folder = w.folder
		}
		loc, err := location.Parse(folder, location.Options{Dir: dir})
		if err != nil || name != w.name {
			return loc, err
		}
		if h == nil {
			h = &hand{at: -1}
		}
		return struckPlace{loc, name, h, fault, lift}, nil
	}
}

func copyFolder(t testing.TB, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); err != nil {
		return
	}
	testenv.CopyFolder(t, to, from)
}

// A trial is one act with one fault.
type trial struct {
	act   act
	kind  string // of faults
	fault fault
	// Which of the fault's kinds it is.
	variant int
	at      int
	forever bool
}

func (x trial) String() string {
	on := ""
	if x.forever {
		on = " on"
	}
	return fmt.Sprintf("%s, %s %s (%d), from operation %d%s", x.act.name, x.kind, x.fault.name, x.variant, x.at, on)
}

// run runs the act in a copy of the world, and returns that copy as it is when nothing goes wrong any more, what the act
// said, and whether the fault struck.
func (x trial) run(t testing.TB, w world, dir string) (after world, told answer, struck bool) {
	t.Helper()
	after = w.clone(t, dir)
	h := &hand{at: x.at, forever: x.forever}
	m := *after.machine
	var place placeFault
	healthy := func() {}
	lift := func(f func()) { f() }
	switch x.kind {
	case "keyring":
		what := x.fault.keyring[x.variant]
		f := func(keyringtest.Op) keyringtest.Fault {
			if h.strikes() {
				return what
			}
			return keyringtest.None
		}
		m.keyring.Fault, after.second.Fault = f, f
	case "location":
		place = x.fault.place[x.variant]
	case "state folder":
		f := newStruckFolders(t, x.fault.folder[x.variant], m.options.State, m.options.Data)
		healthy, lift, h.moment = f.heal, f.without, f.set
		count := func(keyringtest.Op) keyringtest.Fault { h.strikes(); return keyringtest.None }
		m.keyring.Fault, after.second.Fault = count, count
		m.options.Asker = struckPerson{m.person, h}
		if h.at == 0 {
			h.struck = true
			f.set(true)
		}
	}
	hands := h
	if x.kind == "keyring" {
		hands = nil
	}
	after.connect(&m, hands, place, lift)
	told = x.act.answer(t.Context(), &m, w)
	healthy()
	for _, k := range []*keyringtest.Memory{after.keyring, after.second} {
		k.Land()
		k.Fault = nil
	}
	after.now = m.now
	return after, told, h.struck
}

// An answer is what an act said of itself.
type answer struct {
	err      error // nil where it said that all was done
	part     bool  // it said what was done before the error
	unmended bool  // it said that something at the location could not be put in order
}

func (a answer) String() string {
	switch {
	case a.err == nil && a.unmended:
		return "done, and that something is not in order at the location"
	case a.err == nil:
		return "done"
	case a.part:
		return a.err.Error() + ", and what was done before"
	default:
		return a.err.Error()
	}
}

// answer has a machine do the act.
func (a act) answer(ctx context.Context, m *machine, w world) answer {
	d, err := device.Open(m.options)
	if err != nil {
		return answer{err: err}
	}
	done, err := a.do(ctx, d, w)
	if err == nil && done.Stale != nil {
		err = &device.StaleError{Err: done.Stale}
	}
	done.part = done.part || len(noticed(done.Report, device.NotMerged)) > 0
	return answer{err, done.part, len(noticed(done.Report, device.NotMended)) > 0}
}

// A look is what somebody finds who looks at a world: by the name of a part what it says.
type look map[string]string

// The parts of a look that are the location's.
var placeParts = []string{"backup", "key", "other devices", passphrase, next}

// look looks at a world in which nothing goes wrong any more. before is the world as it was.
func (w world) look(before world) look {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	l := look{}
	d, err := device.Open(w.options)
	if err != nil {
		t.Fatal(err)
	}
	l["keyring"] = d.KeyringKind()
	status, err := d.Status(ctx)
	switch {
	case errors.Is(err, vault.ErrLost):
		l["accounts"] = "lost"
	case err != nil:
		l["accounts"] = "damaged"
	default:
		l["accounts"], l["trash"] = accountsOf(status.State)
		for _, a := range status.State.Accounts() {
			l["exposed: "+a.Shown], _ = status.State.Exposed(a)
		}
	}
	if b := status.Backup; err == nil {
		l["backup"] = fmt.Sprint("on ", b.On)
		l["stale"] = fmt.Sprint(b.Stale)
	}
	if d, err := device.Open(w.options); err == nil {
		if k, err := d.Key(ctx); err == nil {
			old, oldErr := before.open().Key(ctx)
			l["key"] = fmt.Sprint("as before: ", oldErr == nil && k.ID == old.ID)
		}
	}
	keys := w.keys(before)
	others := slices.DeleteFunc(before.checkBackups(keys), func(id string) bool {
		device, err := vault.ReadDevice(t.Context(), before.keyring)
		return err == nil && id == device.ID
	})
	left := w.checkBackups(keys)
	others = slices.DeleteFunc(others, func(id string) bool { return !slices.Contains(left, id) })
	l["other devices"] = strings.Join(others, ", ")
	for _, p := range []string{passphrase, next} {
		l[p] = w.restorable(p)
	}
	if w.real {
		for _, p := range []string{"", vaultPassphrase} {
			m := w.person
			m.passphrases[device.OpenVault] = p
			_, err := w.open().Read(ctx)
			l["opens by "+p] = fmt.Sprint(err == nil)
		}
		w.person.passphrases[device.OpenVault] = before.person.passphrases[device.OpenVault]
	}
	return l
}

// accountsOf returns the accounts in their order, with all that an act changes, and the trash.
func accountsOf(s *vault.State) (accounts, trash string) {
	var live, gone []string
	for _, a := range s.Accounts() {
		live = append(live, fmt.Sprintf("%s %s %s %d", a.Shown, a.Secret.Reveal(), a.Note, a.Counter))
	}
	for _, d := range s.Trash {
		gone = append(gone, fmt.Sprintf("%s %s", d.Label.Name, d.Credential.Secret.Reveal()))
	}
	slices.Sort(gone)
	return strings.Join(live, ", "), strings.Join(gone, ", ")
}

// keys returns every recovery key of the location that this machine holds, held, or that a passphrase opens.
func (w world) keys(before world) []backup.RecoveryKey {
	w.t.Helper()
	var keys []backup.RecoveryKey
	for _, m := range []world{before, w} {
		text, err := m.keyring.Get(w.t.Context(), vault.EnrolmentItem.String())
		if err != nil {
			text, err = m.second.Get(w.t.Context(), vault.EnrolmentItem.String())
		}
		if err != nil {
			continue
		}
		if e, err := backup.ParseEnrolment(text); err == nil {
			keys = append(keys, e.Keys().All()...)
		}
	}
	if _, err := os.Stat(w.folder); err != nil {
		return keys
	}
	for _, name := range sealedKeys(w.t, w.folder) {
		for _, p := range []string{passphrase, next} {
			id, err := backup.PassphraseIdentity(p)
			if err != nil {
				w.t.Fatal(err)
			}
			if key, err := backup.UnsealKey([]byte(readFile(w.t, filepath.Join(w.folder, name))), id); err == nil {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// checkBackups checks that every file named as a backup decrypts and is signed, and returns the devices that wrote them.
func (w world) checkBackups(keys []backup.RecoveryKey) []string {
	w.t.Helper()
	if _, err := os.Stat(w.folder); err != nil {
		return nil
	}
	ids := map[string]bool{}
	for _, name := range backupsIn(w.t, w.folder) {
		data := []byte(readFile(w.t, filepath.Join(w.folder, name)))
		opens := slices.ContainsFunc(keys, func(k backup.RecoveryKey) bool {
			payload, err := backup.Unseal(data, k.Identity())
			return err == nil && k.Signed(payload)
		})
		if !opens {
			w.t.Errorf("%s: no key opens it, or it is not signed", name)
		}
		n, _ := backup.ParseFileName(name)
		ids[n.Device] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// restorable says what a new machine brings back from the location with a passphrase.
func (w world) restorable(text string) string {
	w.t.Helper()
	if _, err := os.Stat(w.folder); err != nil {
		return "nothing"
	}
	m := newMachine(w.t)
	m.person.passphrases[device.OpenLocation] = text
	r, err := m.open().Restore(w.t.Context(), device.RestoreOptions{From: w.folder, DryRun: true})
	if err != nil {
		return "nothing"
	}
	var labels []string
	for _, s := range r.Steps {
		labels = append(labels, fmt.Sprintf("%s %s %s", s.Account.Label(), s.Account.Secret.Reveal(), s.Account.Note))
	}
	slices.Sort(labels)
	if len(r.Skipped) > 0 {
		labels = append(labels, fmt.Sprintf("and %d skipped", len(r.Skipped)))
	}
	return strings.Join(labels, ", ")
}

// A word says how an act ended, as the table does.
type word string

const (
	wordOld      word = "old"                 // nothing has happened, and it said so
	wordNew      word = "new"                 // all has happened, and it said so
	wordStale    word = "new, stale"          // the change has happened, its backup not, and it said so
	wordUnmended word = "new, not in order"   // the act is done, and it said what of the location could not be put in order
	wordUnknown  word = "not known"           // it said that it is not known whether it has happened
	wordPart     word = "in part"             // a part has happened, and it said which
	wordSeen     word = "new, seen missing"   // said done, and status sees that the backup is gone
	wordRepair   word = "repair"              // it left something damaged, and what the hint names brings the old or the new state
	wordWrong    word = "told wrong"          // what it said is not what happened
	wordLost     word = "lost"                // something that was there is gone
	wordStranded word = "cannot be done over" // the same act fails when nothing goes wrong any more
)

// inOrder is the order of the words in a cell.
var inOrder = []word{wordOld, wordNew, wordStale, wordUnmended, wordSeen, wordUnknown, wordPart, wordRepair, wordWrong, wordStranded, wordLost}

// judge says how the act ended.
func (x trial) judge(told answer, was, is, will look) (word, string) {
	var differs, done []string // from the state after, and from the one before
	parts := map[string]bool{}
	for _, l := range []look{was, is, will} {
		for part := range l {
			parts[part] = true
		}
	}
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		if is[part] != will[part] {
			differs = append(differs, part)
		}
		if is[part] != was[part] && part != "stale" {
			done = append(done, part)
		}
		if is[part] != was[part] && is[part] != will[part] && part != "stale" && !slices.Contains(placeParts, part) {
			return wordLost, fmt.Sprintf("%s is %q, neither %q nor %q", part, is[part], was[part], will[part])
		}
	}
	onlyPlace := !slices.ContainsFunc(differs, func(p string) bool { return p != "stale" && !slices.Contains(placeParts, p) })
	unknown := errors.Is(told.err, keyring.ErrUnsettled) || errors.Is(told.err, location.ErrTimeout)
	switch {
	case told.err == nil && len(differs) == 0:
		return wordNew, ""
	case told.err == nil && onlyPlace && told.unmended:
		return wordUnmended, ""
	case told.err == nil && onlyPlace && is["stale"] == "true":
		return wordSeen, ""
	case errors.As(told.err, new(*device.StaleError)) && onlyPlace:
		if len(differs) > 0 && is["stale"] != "true" && x.kind != "state folder" { // where nothing can be noted
			return wordWrong, fmt.Sprintf("said to be stale, and status does not say so: %q", differs)
		}
		return wordStale, ""
	case told.err != nil && len(done) == 0:
		return wordOld, ""
	case unknown:
		return wordUnknown, ""
	case told.part:
		return wordPart, ""
	case told.err == nil:
		return wordWrong, fmt.Sprintf("said to be done, and of the new state is missing: %q", differs)
	default:
		return wordWrong, fmt.Sprintf("said to have failed, and has changed: %q", done)
	}
}

// outcome runs a trial and judges it.
func (x trial) outcome(t *testing.T, w world, was, will, settled look) (word, bool) {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir) // a test has thousands of them
	after, told, struck := x.run(t, w, dir)
	if !struck {
		return "", false
	}
	is := after.look(w)
	repaired := false
	if is["accounts"] == "damaged" && was["accounts"] != "damaged" {
		_, err := after.open().Repair(t.Context())
		switch {
		case errors.Is(err, vault.ErrNothing) && was["accounts"] == "" && was["trash"] == "" && errors.Is(told.err, keyring.ErrUnsettled):
			// Nothing was there before, and it said that it is not known whether anything is now. The same again, below, is
			// what the hint of the repair names.
			is = was
		case err != nil:
			t.Errorf("%v: said %v; the vault is damaged, and repair says %v", x, told, err)
			return wordLost, true
		default:
			is = after.look(w)
		}
		repaired = true
	}
	said, why := x.judge(told, was, is, will)
	if repaired && said != wordLost {
		said = wordRepair
	}
	if said == wordWrong || said == wordLost {
		t.Errorf("%v: said %v; %s: %s", x, told, said, why)
		return said, true
	}
	if said == wordNew {
		return said, true
	}
	// Done over with nothing in its way, and backed up with the next change, it ends in the new state.
	after.person.says(device.StayOn, true)
	again := x.act.answer(t.Context(), after.machine, w)
	if errors.Is(again.err, backup.ErrEnrolment) {
		// It said so and what to type: the location is joined anew.
		said = wordRepair
		after.rejoinAny(w)
		again = x.act.answer(t.Context(), after.machine, w)
	}
	if now := after.settled(w); !maps.Equal(now, settled) {
		t.Errorf("%v: said %v (%s); done over it says %v, and there is %s", x, told, said, again, now.less(settled))
		return wordStranded, true
	}
	return said, true
}

// rejoinAny joins the location of a world by whichever passphrase opens it.
func (w world) rejoinAny(before world) {
	w.t.Helper()
	opens := w.person.passphrases[device.OpenLocation]
	defer func() { w.person.passphrases[device.OpenLocation] = opens }()
	var err error
	for _, p := range []string{passphrase, next} {
		w.person.passphrases[device.OpenLocation] = p
		if _, err = w.open().Enable(w.t.Context(), before.name, device.EnableOptions{}); err == nil {
			return
		}
	}
	w.t.Errorf("joining the location anew: %v", err)
}

// settled looks at a world whose last change has been backed up.
func (w world) settled(before world) look {
	if _, err := w.open().BackUp(w.t.Context()); err != nil && !errors.Is(err, device.ErrBackupOff) {
		w.t.Errorf("with nothing in its way, a backup says %v", err)
	}
	return w.look(before)
}

// less returns what a look shows that another does not.
func (l look) less(other look) string {
	var parts []string
	for _, part := range slices.Sorted(maps.Keys(other)) {
		if l[part] != other[part] {
			parts = append(parts, fmt.Sprintf("%s %q, not %q", part, l[part], other[part]))
		}
	}
	return strings.Join(parts, "; ")
}

// cell tries one act with one fault, where time passes only while everybody waits, so that nothing hangs for long. It returns
// the words for what became of it, and how often each was met; with one of a few operations only, where pick says so.
func (x trial) cell(t *testing.T, pick *rand.Rand) map[word]int {
	found := map[word]int{}
	synctest.Test(t, func(t *testing.T) {
		w := x.act.world(t)
		w.later(time.Hour)
		was := w.look(w)
		well := trial{act: x.act, kind: "location", fault: faults[1].of[0], at: -1}
		after, told, _ := well.run(t, w, t.TempDir())
		if told.err != nil || told.unmended {
			t.Fatalf("%s, with nothing in its way: %v", x.act.name, told)
		}
		will := after.look(w)
		settled := after.settled(w)
		try := func(x trial) bool {
			said, struck := x.outcome(t, w, was, will, settled)
			if struck {
				found[said]++
			}
			return struck
		}
		variants := len(x.fault.keyring) + len(x.fault.place) + len(x.fault.folder)
		if pick != nil {
			x.variant, x.forever, x.at = pick.IntN(variants), x.fault.forever && pick.IntN(2) == 0, 1+pick.IntN(12)
			if !try(x) {
				x.at = 1
				try(x)
			}
			return
		}
		repeats := []bool{false}
		if x.fault.forever {
			repeats = append(repeats, true)
		}
		for x.variant = range variants {
			for _, x.forever = range repeats {
				x.at = 1
				if x.kind == "state folder" {
					x.at = 0
				}
				for ; try(x); x.at++ {
				}
			}
		}
	})
	return found
}

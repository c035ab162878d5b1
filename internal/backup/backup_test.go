package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/vault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// change makes a state by changes of one device.
func change(t testing.TB, s *vault.State, f func(tx *vault.Tx) error) *vault.State {
	t.Helper()
	if s.ID == "" {
		s.ID = vault.NewID()
	}
	if err := f(&vault.Tx{State: s, Now: noon, Device: "0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func secret(text string) account.Credential {
	c := account.Default(account.TOTP)
	c.Secret = account.NewSecret([]byte(text))
	return c
}

// example has a live account, a counter, a removed one and a device-bound one.
func example(t testing.TB) *vault.State {
	return change(t, new(vault.State), func(tx *vault.Tx) error {
		hotp := account.Default(account.HOTP)
		hotp.Secret = account.NewSecret([]byte("hotp-secret-marked"))
		for _, a := range []account.Account{
			{Issuer: "A", Name: "live", Alias: "l", Tags: []string{"work"}, Note: "note", Credential: secret("live-secret-marked")},
			{Issuer: "H", Name: "counter", Credential: hotp, Counter: 7},
			{Issuer: "G", Name: "gone", Credential: secret("gone-secret-marked")},
			{Issuer: "B", Name: "bound", Credential: secret("bound-secret-marked"), DeviceBound: true},
		} {
			added, err := tx.Add(a)
			if err != nil {
				return err
			}
			if a.Name == "gone" {
				if err := tx.Remove(added.ID, false); err != nil {
					return err
				}
			}
		}
		tx.Set("code.min-valid", "3s")
		return nil
	})
}

func seal(t testing.TB, payload []byte) ([]byte, backup.Identity) {
	t.Helper()
	key, err := backup.NewRecoveryKey(true)
	if err != nil {
		t.Fatal(err)
	}
	r, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	data, err := backup.Seal(payload, backup.SealTo(r))
	if err != nil {
		t.Fatal(err)
	}
	return data, key.Identity()
}

// A backup restores every account, except for secrets that never leave the device.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	state := example(t)
	payload, err := backup.Encode(backup.Content{Created: noon, State: state})
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"bound-secret-marked", "MJXXK3TEFVZWKY3SMV2C23LBOJVWKZA"} {
		if bytes.Contains(payload, []byte(leak)) {
			t.Errorf("the secret of a device-bound account is in the backup: %q", leak)
		}
	}
	data, id := seal(t, payload)
	content, err := backup.Open(data, id)
	if err != nil {
		t.Fatal(err)
	}
	want, err := state.Portable().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := content.State.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("read back as\n%s\nwant\n%s", got, want)
	}
	if !content.Created.Equal(noon) {
		t.Errorf("created %s", content.Created)
	}
}

// A backup that is cut or altered at any byte returns a known error. It never panics and
// never yields other accounts.
func TestDamage(t *testing.T) {
	t.Parallel()
	payload, err := backup.Encode(backup.Content{Created: noon, State: example(t)})
	if err != nil {
		t.Fatal(err)
	}
	data, id := seal(t, payload)
	known := func(err error) bool {
		return errors.Is(err, backup.ErrDamaged) || errors.Is(err, backup.ErrForeign) ||
			errors.Is(err, backup.ErrWrongKey) || errors.Is(err, backup.ErrWorkFactor)
	}
	for i := range data {
		if _, err := backup.Open(data[:i], id); !known(err) {
			t.Fatalf("cut at %d of %d: %v", i, len(data), err)
		}
		flipped := bytes.Clone(data)
		flipped[i] ^= 1 << (i % 8)
		if _, err := backup.Open(flipped, id); !known(err) {
			t.Fatalf("flipped at %d of %d: %v", i, len(data), err)
		}
	}
	if _, err := backup.Open(append(bytes.Clone(data), 0), id); !known(err) {
		t.Errorf("a byte more: %v", err)
	}
}

// The size of a backup does not tell one account from ten. Above that, padding adds at
// most 12 %.
func TestPadding(t *testing.T) {
	t.Parallel()
	size := func(n int) int {
		state := change(t, new(vault.State), func(tx *vault.Tx) error {
			for i := range n {
				if _, err := tx.Add(account.Account{Name: fmt.Sprint("name", i), Credential: secret("12345678901234567890")}); err != nil {
					return err
				}
			}
			return nil
		})
		payload, err := backup.Encode(backup.Content{Created: noon, State: state})
		if err != nil {
			t.Fatal(err)
		}
		return len(payload)
	}
	if one, ten := size(1), size(10); one != ten {
		t.Errorf("one account is %d bytes, ten are %d", one, ten)
	}
	sizes := map[int]bool{}
	for n := 300; n < 400; n++ {
		sizes[size(n)] = true
	}
	if len(sizes) > 15 {
		t.Errorf("a hundred numbers of accounts have %d sizes", len(sizes))
	}
}

// A signature is valid only for the bytes and the key that it was made with.
func TestSignature(t *testing.T) {
	t.Parallel()
	for _, x25519 := range []bool{true, false} {
		key, err := backup.NewRecoveryKey(x25519)
		if err != nil {
			t.Fatal(err)
		}
		other, err := backup.NewRecoveryKey(x25519)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := key.Encode(backup.Content{Device: "d", Created: noon, State: example(t)})
		if err != nil {
			t.Fatal(err)
		}
		if !key.Signed(payload) || other.Signed(payload) {
			t.Error("the signature does not tell its key")
		}
		for i := range payload {
			payload[i] ^= 1
			if key.Signed(payload) {
				t.Fatalf("altered at byte %d of %d it still holds", i, len(payload))
			}
			payload[i] ^= 1
		}
		plain, err := backup.Encode(backup.Content{Created: noon, State: example(t)})
		if err != nil {
			t.Fatal(err)
		}
		if key.Signed(plain) || key.Signed(nil) || key.Signed([]byte(`{"mac":"`)) {
			t.Error("what is not signed counts as signed")
		}
		if shown := fmt.Sprintf("%v %s %+v %x %#v", key, key, key, key, key); strings.Contains(shown, "SECRET") {
			t.Errorf("the key shows: %s", shown)
		}
	}
}

// A sealed key opens only with its passphrase, and returns the same key.
func TestSealedKey(t *testing.T) {
	t.Parallel()
	key, err := backup.NewRecoveryKey(false)
	if err != nil {
		t.Fatal(err)
	}
	sealed, data, err := key.Seal(backup.Sealing{Passphrase: "pass", WorkFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := backup.SealedKeyID(sealed.Name); !ok || id != key.ID() || sealed.Hash != backup.HashOf(data) {
		t.Errorf("it is named %+v", sealed)
	}
	right, err := backup.PassphraseIdentity("pass")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := backup.UnsealKey(data, right); err != nil || again.Text() != key.Text() {
		t.Errorf("opened: %v", err)
	}
	wrong, err := backup.PassphraseIdentity("nonsense")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.UnsealKey(data, wrong); !errors.Is(err, backup.ErrWrongKey) {
		t.Errorf("wrong passphrase: %v", err)
	}
}

// A file name parses to its parts, even after a sync client has added to it.
func TestFileName(t *testing.T) {
	t.Parallel()
	n := backup.FileName{Device: "0123456789abcdef", Time: noon, Generation: 42, Hash: "fedcba9876543210"}
	for _, name := range []string{
		n.String(),
		strings.TrimSuffix(n.String(), ".age") + " (laptop's conflicted copy 2026-03-01).age",
		strings.TrimSuffix(n.String(), ".age") + ".sync-conflict-20260301-120000-ABCDEFG.age",
	} {
		if got, ok := backup.ParseFileName(name); !ok || got != n {
			t.Errorf("%q is %+v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "x.age", "recovery-0123456789abcdef-01234567.age", "README.txt", n.String() + ".tmp"} {
		if got, ok := backup.ParseFileName(name); ok {
			t.Errorf("%q is taken for %+v", name, got)
		}
	}
}

// Retention keeps the last ten, one a day for a month and one a month for a year. It
// counts from the newest file, not from a clock.
func TestExpendable(t *testing.T) {
	t.Parallel()
	var files []backup.FileName
	for hours := 0; hours < 24*400; hours += 6 {
		files = append(files, backup.FileName{Device: "d", Time: noon.Add(-time.Duration(hours) * time.Hour), Generation: uint64(100000 - hours)})
	}
	gone := map[backup.FileName]bool{}
	for _, f := range backup.Expendable(files) {
		gone[f] = true
	}
	kept, days, months := 0, map[string]bool{}, map[string]bool{}
	for i, f := range files {
		if gone[f] {
			if i < 10 {
				t.Errorf("the %d. newest is expendable", i+1)
			}
			continue
		}
		kept++
		days[f.Time.Format(time.DateOnly)], months[f.Time.Format("2006-01")] = true, true
	}
	for day := range 30 {
		if at := noon.AddDate(0, 0, -day).Format(time.DateOnly); !days[at] {
			t.Errorf("nothing is kept of %s", at)
		}
	}
	for month := range 12 {
		if at := time.Date(2026, time.Month(3-month), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"); !months[at] {
			t.Errorf("nothing is kept of %s", at)
		}
	}
	if kept > 10+32+13 {
		t.Errorf("%d files are kept", kept)
	}
	if again := backup.Expendable(files[:10]); again != nil {
		t.Errorf("of ten files %d are expendable", len(again))
	}
}

// A generated passphrase also works in capitals and with spaces, as people copy it from
// paper. It does not work with a word too many or too few. A passphrase of the user's own
// has to match exactly.
func TestForgivingPassphrase(t *testing.T) {
	t.Parallel()
	const made, own = "zoo-abandon-about-car-cat-dog-door-egg-eight-jump", "Correct horse battery staple"
	for _, c := range []struct {
		sealed, typed string
		opens         bool
	}{
		{made, made, true},
		{made, "Zoo Abandon ABOUT car  cat dog\ndoor\u2010egg - eight jump ", true},
		{made, "zoo abandon about car cat dog door egg eight", false},
		{made, "zooabandonaboutcarcatdogdooreggeightjump", false},
		{own, own, true},
		{own, "correct horse battery staple", false},
		// Ten words that the user chose, with spaces.
		{"zoo abandon about car cat dog door egg eight jump", "zoo abandon about car cat dog door egg eight jump", true},
	} {
		sealed, err := backup.Seal([]byte("x"), backup.Sealing{Passphrase: c.sealed, WorkFactor: 1})
		if err != nil {
			t.Fatal(err)
		}
		id, err := backup.PassphraseIdentity(c.typed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Unseal(sealed, id); (err == nil) != c.opens || err != nil && !errors.Is(err, backup.ErrWrongKey) {
			t.Errorf("sealed under %q, typed %q: %v", c.sealed, c.typed, err)
		}
	}
}

// A second restore changes nothing, and a vault with accounts keeps what it has.
func TestRestoreKeepsWhatIsHere(t *testing.T) {
	t.Parallel()
	from := example(t)
	here := change(t, new(vault.State), func(tx *vault.Tx) error {
		_, err := tx.Add(account.Account{Issuer: "a", Name: "LIVE", Credential: secret("another secret")})
		return err
	})
	outcomes := func(o backup.Options) []backup.Outcome {
		var list []backup.Outcome
		change(t, here, func(tx *vault.Tx) error {
			steps, err := backup.Restore(tx, from, o)
			for _, step := range steps {
				list = append(list, step.Outcome)
			}
			return err
		})
		return list
	}
	first := outcomes(backup.Options{})
	if want := []backup.Outcome{backup.Kept, backup.Restored, backup.Restored}; !reflect.DeepEqual(first, want) {
		t.Errorf("first %q, want %q", first, want)
	}
	again := outcomes(backup.Options{})
	if want := []backup.Outcome{backup.Kept, backup.AlreadyHere, backup.AlreadyHere}; !reflect.DeepEqual(again, want) {
		t.Errorf("again %q, want %q", again, want)
	}
	replaced := outcomes(backup.Options{Replace: []string{"A:live"}})
	if replaced[0] != backup.Replaced {
		t.Errorf("with replace %q", replaced)
	}
	if got, err := here.Find("a:live", true); err != nil || string(got.Secret.Reveal()) != "live-secret-marked" {
		t.Errorf("the replaced account: %v", err)
	}
	if len(here.Trash) == 0 {
		t.Error("what was replaced is not in the trash")
	}
}

// Decoding any payload returns a content or a known error.
func FuzzDecode(f *testing.F) {
	payload, err := backup.Encode(backup.Content{Created: noon, State: example(f)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte(`{"format":"auth-backup","version":1}`))
	f.Add([]byte(`{"format":"auth-backup","version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := backup.Decode(data)
		if err != nil {
			if !errors.Is(err, backup.ErrForeign) && !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNewer) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		c.State.Accounts()
	})
}

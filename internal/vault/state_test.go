package vault_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/vault"
)

// full returns a device whose state uses every field, each set by a change of its own.
func full(t *testing.T) *member {
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.at(1, func(tx *vault.Tx) error {
		a := newAccount("h1", "Bank:bob", "counted")
		a.Credential = account.Credential{Type: account.HOTP, Secret: a.Secret, Algorithm: account.SHA512, Digits: 8}
		a.Counter, a.Alias, a.Note, a.Tags = 7, "bank", "the one in town", []string{"money", "home"}
		_, err := tx.Add(a)
		return err
	})
	x.at(2, func(tx *vault.Tx) error {
		a := newAccount("m1", "Corp:motp", "mobile")
		a.Credential = account.Default(account.MOTP)
		a.Secret, a.PIN = account.NewSecret([]byte("mobile")), account.NewSecret([]byte("1234"))
		_, err := tx.Add(a)
		return err
	})
	x.addBound(3, "b1", "Corp:me", "bound")
	x.add(4, "n1", "Name:only", "")
	x.add(5, "r1", "Gone:account", "removed")
	x.add(6, "r2", "Erased:account", "erased")
	x.at(10, func(tx *vault.Tx) error { return tx.SetAlias("a1", "gh") })
	x.at(11, func(tx *vault.Tx) error { return tx.SetNote("a1", "note") })
	x.at(12, func(tx *vault.Tx) error { return tx.SetTag("a1", "work", true) })
	x.at(13, func(tx *vault.Tx) error { return tx.SetTag("h1", "home", false) })
	x.at(14, func(tx *vault.Tx) error { return tx.SetAlias("h1", "") })
	rename(x, 15, "a1", "GitHub:alice at work")
	x.at(16, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("second"), 0) })
	x.at(17, func(tx *vault.Tx) error { return tx.SetCounter("h1", 3) })
	x.at(18, func(tx *vault.Tx) error { return tx.Remove("r1", false) })
	x.at(19, func(tx *vault.Tx) error { return tx.Remove("r2", true) })
	x.at(20, func(tx *vault.Tx) error { tx.Set("colour", "blue"); return nil })
	x.at(21, func(tx *vault.Tx) error { tx.Move([]string{"h1", "a1"}); return nil })
	y := newMember(t, "y")
	y.add(22, "a2", "GitHub:alice at work", "second")
	x.sync(23, y)
	x.add(24, "a3", "GitHub:alice", "first") // beside what a1 was
	return x
}

// Every field is read back as it was written, stamps included.
func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	x := full(t)
	again := copied(x.state)
	if encoded(again) != encoded(x.state) {
		t.Errorf("written as\n%s\nread as\n%s", encoded(x.state), encoded(again))
	}
	if len(again.Records) != len(x.state.Records) {
		t.Fatalf("%d records of %d", len(again.Records), len(x.state.Records))
	}
	for i, r := range x.state.Records {
		q := again.Records[i]
		for _, pair := range [][2]any{
			{r.ID, q.ID},
			{r.Created, q.Created},
			{r.Label, q.Label},
			{r.Alias, q.Alias},
			{r.Note, q.Note},
			{r.DeviceBound, q.DeviceBound},
			{r.Removed, q.Removed},
			{r.Secret.At, q.Secret.At},
			{r.Secret.Value.Hash(), q.Secret.Value.Hash()},
			{r.Secret.Value.Type, q.Secret.Value.Type},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %v became %v", r.ID, pair[0], pair[1])
			}
		}
		if !r.Secret.Value.Credential.Equal(q.Secret.Value.Credential) {
			t.Errorf("%s: the secret or its parameters changed", r.ID)
		}
		if len(r.Tags)+len(q.Tags) > 0 && !reflect.DeepEqual(r.Tags, q.Tags) {
			t.Errorf("%s: tags %v became %v", r.ID, r.Tags, q.Tags)
		}
	}
	if !reflect.DeepEqual(x.state.Settings, again.Settings) || !reflect.DeepEqual(x.state.Counters, again.Counters) ||
		!reflect.DeepEqual(x.state.Purged, again.Purged) || !reflect.DeepEqual(x.state.Links, again.Links) ||
		x.state.Clock != again.Clock || x.state.Ordered != again.Ordered || x.state.OrderAt != again.OrderAt {
		t.Error("something beside the accounts changed")
	}
	if len(x.state.Trash) != len(again.Trash) || len(again.Trash) == 0 {
		t.Errorf("%d in the trash, then %d", len(x.state.Trash), len(again.Trash))
	}
}

// Registers without a value keep their stamp, also one of the account's first
// instant: an alias that was taken away stays away.
func TestEmptyRegistersKeepTheirStamp(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.at(0, func(tx *vault.Tx) error {
		if _, err := tx.Add(newAccount("a1", "GitHub:alice", "first")); err != nil {
			return err
		}
		return errors.Join(tx.SetAlias("a1", ""), tx.SetNote("a1", ""))
	})
	r, q := x.state.Records[0], copied(x.state).Records[0]
	if r.Alias != q.Alias || r.Note != q.Note || q.Alias.At.IsZero() {
		t.Errorf("alias %v became %v, note %v became %v", r.Alias, q.Alias, r.Note, q.Note)
	}
}

// Which of two name-only accounts is meant is told by label and type, so the type is kept
// without a secret.
func TestTypeWithoutSecret(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for _, kind := range []account.Type{account.TOTP, account.HOTP, account.Steam} {
		x.at(0, func(tx *vault.Tx) error {
			_, err := tx.AddBeside(account.Account{Name: string(kind), Credential: account.Credential{Type: kind}})
			return err
		})
		if a := x.clone("y").account(string(kind)); a.Type != kind || !a.NeedsVerification() {
			t.Errorf("%s comes back as %s", kind, a.Type)
		}
	}
}

// What a later version of auth wrote survives being read, changed, merged and
// written by this one, from both sides, the later change where its stamp is known.
func TestFieldsOfLaterVersionsSurvive(t *testing.T) {
	t.Parallel()
	// The account without such fields beside it reads like every other.
	read := func(colour, at, only string) *member {
		s, err := vault.Decode([]byte(`{"version":1,"vault":"v","clock":5,"accounts":[{"id":"a1","created":"1@x","name":"n",` +
			`"secret":"GEZDGNBV","colour":"` + colour + `","icon":{"` + only + `":[1.50,{"deep":null}]},` +
			`"stamps":{"colour":"` + at + `@x","font":"9@x"}},{"id":"a2","created":"1@x","name":"plain","secret":"GEZDGNBV"}],"widgets":{"` + only + `":true}}`))
		if err != nil {
			t.Fatal(err)
		}
		return &member{t, only, s}
	}
	a, b := read("red", "7", "a"), read("blue", "8", "b")
	a.at(10, func(tx *vault.Tx) error { return tx.SetNote("a1", "changed here") })
	for _, m := range []*vault.State{merge(a.state, b.state), merge(b.state, a.state)} {
		text := encoded(copied(m))
		for _, want := range []string{
			`"colour":"blue"`, `"colour":"8@x"`, `"font":"9@x"`,
			`"icon":{"a":[1.50,{"deep":null}],"b":[1.50,{"deep":null}]}`, `"widgets":{"a":true,"b":true}`, `"note":"changed here"`, `"name":"plain"`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is not in\n%s", want, text)
			}
		}
	}
}

// A field that differs from a known one in case alone is that one, not a later
// version's: it must not come back behind it.
func TestFieldsOfAnotherCaseDoNotComeBack(t *testing.T) {
	t.Parallel()
	s, err := vault.Decode([]byte(`{"version":1,"vault":"v","clock":5,"accounts":[{"id":"a1","created":"1@x","NAME":"old","secret":"GEZDGNBV"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	x := &member{t, "x", s}
	rename(x, 10, "a1", "new")
	if a := copied(x.state).Accounts()[0]; a.Label() != "new" {
		t.Errorf("label %q", a.Label())
	}
}

// What cannot be a state is an error, and its content is not in it.
func TestUnreadableStates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		``:          vault.ErrFormat,
		`null`:      vault.ErrFormat,
		`{}`:        vault.ErrFormat,
		`[]`:        vault.ErrFormat,
		`{"vault":`: vault.ErrFormat,
		`{"version":2,"vault":"v","accounts":[]}`:                                                         vault.ErrNewer,
		`{"version":1,"vault":"v","accounts":[null]}`:                                                     vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[{"id":"a","created":"1@x"},{"id":"a","created":"1@x"}]}`:    vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[{"created":"1@x"}]}`:                                        vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[],"ordered":1}`:                                             vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[{"id":"a","created":"MARKED"}]}`:                            vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[{"id":"a","created":"1@x","secret":"MARKED0"}]}`:            vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[{"id":"a","created":"1@x","secret":"MARKED","digits":99}]}`: vault.ErrFormat,
		`{"version":1,"vault":"v","accounts":[],"trash":[{"id":"a","at":"1@x"}]}`:                         vault.ErrFormat,
	} {
		_, err := vault.Decode([]byte(text))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "MARKED") {
			t.Errorf("%s is quoted: %v", text, err)
		}
	}
}

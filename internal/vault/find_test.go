package vault_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/vault"
)

// The first step with a match decides: id, then label or alias, then issuer or name,
// then beginning, then part, then every word anywhere, case and space folded.
func TestFindSteps(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i, label := range []string{"GitHub:alice", "GitHub:bob", "GitLab:alice", "Hub:x", "alice", "id:strange"} {
		x.add(i, "i"+string(rune('1'+i)), label, label)
	}
	x.at(10, func(tx *vault.Tx) error { return tx.SetAlias("i2", "work") })
	x.at(11, func(tx *vault.Tx) error { return tx.SetTag("i4", "Night Shift", true) })
	x.at(12, func(tx *vault.Tx) error { return tx.SetTag("i1", "work", true) })
	for query, want := range map[string][]string{
		"id:i3":               {"i3"},
		" id: i3 ":            {"i3"},
		"id:I3":               nil,
		"id:strange":          nil,
		"GitHub:alice":        {"i1"},
		"  github : ALICE  ":  {"i1"},
		"alice":               {"i5"}, // a label before a name
		"work":                {"i2"},
		"WORK":                {"i2"},
		"github":              {"i1", "i2"},
		"bob":                 {"i2"},
		"gitl":                {"i3"},
		"git":                 {"i1", "i2", "i3"},
		"wor":                 {"i2"},
		"hub":                 {"i4"}, // an issuer before a part
		"ub:":                 {"i1", "i2", "i4"},
		"git alice":           {"i1", "i3"},
		"ALICE  lab":          {"i3"},
		"bob work":            {"i2"},
		"shift":               {"i4"}, // a word of a tag
		"shift night":         {"i4"},
		"hub work":            {"i1", "i2"}, // a tag of one, the alias of the other
		"alice nobody":        nil,
		"nothing of the kind": nil,
		"":                    nil,
		"   ":                 nil,
	} {
		var got []string
		a, err := x.state.Find(query, false)
		var several *vault.AmbiguousError
		switch {
		case errors.As(err, &several):
			for _, a := range several.Matches {
				got = append(got, a.ID)
			}
		case err == nil:
			got = []string{a.ID}
		case !errors.Is(err, vault.ErrNotFound):
			t.Errorf("%q: %v", query, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	for query, found := range map[string]bool{"GitHub:alice": true, "work": true, "id:i1": true, "github": false, "gitl": false, "bob": false} {
		if _, err := x.state.Find(query, true); (err == nil) != found {
			t.Errorf("%q exactly: %v", query, err)
		}
	}
}

// Accounts of one label are told apart by a number, by creation, then id; the number
// names one, the bare label none, and it is not stored.
func TestSharedLabels(t *testing.T) {
	t.Parallel()
	x, y := newMember(t, "x"), newMember(t, "y")
	x.add(5, "a1", "GitHub:alice", "first")
	y.add(3, "z9", "github:Alice", "second")
	x.sync(10, y)
	y.sync(11, x)
	for _, m := range []*member{x, y} {
		m.wantLive("GitHub:alice (2)", "github:Alice (1)")
		m.wantSecret("github:alice (1)", "second")
		m.wantSecret("github:alice (2)", "first")
		var several *vault.AmbiguousError
		if _, err := m.state.Find("GitHub:alice", true); !errors.As(err, &several) || len(several.Matches) != 2 {
			t.Errorf("%s: the bare label: %v", m.id, err)
		}
		if a := m.account("id:a1"); a.Label() != "GitHub:alice" {
			t.Errorf("stored as %q", a.Label())
		}
	}
	x.at(20, func(tx *vault.Tx) error { return tx.Remove("z9", false) })
	x.wantLive("GitHub:alice")
}

// A label or an alias that is taken, folded, is refused.
func TestTakenNamesAreRefused(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.add(1, "a2", "Bank:bob", "bank")
	x.at(2, func(tx *vault.Tx) error { return tx.SetAlias("a1", "gh") })
	x.at(3, func(tx *vault.Tx) error {
		if _, err := tx.Add(newAccount("", "github : ALICE", "other")); !errors.Is(err, vault.ErrExists) {
			t.Errorf("add: %v", err)
		}
		if err := tx.SetLabel("a2", "GITHUB", "alice"); !errors.Is(err, vault.ErrExists) {
			t.Errorf("rename: %v", err)
		}
		if err := tx.SetLabel("a1", "GITHUB", "alice"); err != nil {
			t.Errorf("its own label in another case: %v", err)
		}
		for _, alias := range []string{"GH", "github:alice"} {
			if err := tx.SetAlias("a2", alias); !errors.Is(err, vault.ErrAlias) {
				t.Errorf("alias %q: %v", alias, err)
			}
		}
		return nil
	})
}

// A search finds by every step at once, in the order of the accounts.
func TestSearch(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i, label := range []string{"GitHub:alice", "Hub:x", "Bank:alice", "alice"} {
		x.add(i, "i"+string(rune('1'+i)), label, label)
	}
	x.at(10, func(tx *vault.Tx) error { return tx.SetTag("i3", "Hub", true) })
	for query, want := range map[string][]string{
		"hub":       {"i1", "i2", "i3"},
		"alice":     {"i1", "i3", "i4"},
		"hub alice": {"i1", "i3"},
		"id:i2":     {"i2"},
		"nobody":    nil,
		"id:none":   nil,
		" ":         nil,
	} {
		found, err := x.state.Search(query)
		var got []string
		for _, a := range found {
			got = append(got, a.ID)
		}
		if !slices.Equal(got, want) || (len(want) == 0) != errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%q finds %q, %v, want %q", query, got, err, want)
		}
	}
}

// What was mistyped is near what was meant, and what is something else is not.
func TestNear(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i, label := range []string{"GitHub:alice@example.com", "GitLab:alice@example.com", "Bank:bob", "日本銀行:花子", "Dropbox:carol"} {
		x.add(i, "i"+string(rune('1'+i)), label, label)
	}
	x.at(10, func(tx *vault.Tx) error { return tx.SetAlias("i3", "savings") })
	for query, want := range map[string][]string{
		"githb":          {"i1"},
		"gitbub":         {"i1", "i2"}, // one letter from GitHub, two from GitLab
		"ihtgub":         nil,
		"dorpbox":        {"i5"}, // two letters in the wrong order are one mistake
		"savngs":         {"i3"},
		"bnak bob":       {"i3"},
		"dropbox carrol": {"i5"},
		"日木銀行":           {"i4"},
		"bo":             {"i3", "i5"}, // a part of a label, which --exact does not find
		"xx":             nil,
		"paypal":         nil,
		"id:i9":          nil,
		"":               nil,
	} {
		var got []string
		for _, a := range x.state.Near(query, 2) {
			got = append(got, a.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("near %q: %q, want %q", query, got, want)
		}
	}
	if got := x.state.Near("gitbub", 1); len(got) != 1 || got[0].ID != "i1" {
		t.Errorf("the nearest is %+v", got)
	}
}

package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// oddTexts are issuers, names and aliases that a directory must not confuse.
var oddTexts = []string{
	"", " ", ":", "a:b", "x : y", "a:b : c", "tab\there", "line\nbreak", "\r", "(1)", "x (2)", "id:id0001", "\x00\x1f",
	"right\u202eto left", "\u2066isolated\u2069", "Straße", "ΣΊΣΥΦΟΣ", "K\u212a", "\u00a0space\u2003", "e\u0301", "\ufffd", "auth directory 1 2 3",
}

// withOddNames returns a copy of s in which some accounts are called strangely.
func withOddNames(s *vault.State, chance *rand.Rand) *vault.State {
	tx := &vault.Tx{State: s.Clone(), Now: start, Device: "odd"}
	odd := func() string { return oddTexts[chance.IntN(len(oddTexts))] }
	for _, a := range tx.Accounts() {
		if chance.IntN(3) == 0 {
			_ = tx.SetLabel(a.ID, odd(), odd())
		}
		if chance.IntN(3) == 0 {
			_ = tx.SetAlias(a.ID, odd())
		}
	}
	tx.Close()
	return tx.State
}

// queries returns what users may type to find the accounts of s, and some that they may not.
func queries(s *vault.State) map[string]bool {
	all := map[string]bool{}
	add := func(texts ...string) {
		for _, text := range texts {
			all[text] = true
		}
	}
	add(oddTexts...)
	add("nothing of the kind", "a", "b", "o", "\t", "\n", "id:", " (1)", "(2)")
	for _, a := range s.Accounts() {
		for _, text := range []string{a.Shown, a.Label(), a.Issuer, a.Name, a.Alias} {
			add(text, strings.ToUpper(text), "  "+text+" ", strings.Replace(text, ":", " : ", 1))
			if runes := []rune(text); len(runes) > 2 {
				add(string(runes[:2]), string(runes[:len(runes)-1]), string(runes[1:]), string(runes[1:len(runes)-1]))
			}
		}
		add("id:"+a.ID, a.ID, a.Name+" "+a.Issuer, strings.Join(a.Tags, " "), a.Alias+" "+a.Issuer)
	}
	for id := range s.Links {
		add("id:" + id)
	}
	return all
}

// lookupBroken says how a state that is kept in blocks is not read back, or not searched,
// as one that is kept whole; nothing if it is.
func lookupBroken(s *vault.State, block int) string {
	kept, err := vault.Keep(s, block)
	if err != nil {
		return err.Error()
	}
	whole := copied(s)
	again, err := kept.Decode()
	if err != nil || encoded(again) != encoded(whole) {
		return fmt.Sprintf("blocks of %d are read as another state, %v:\n%s\n%s", block, err, encoded(whole), encoded(again))
	}
	inBlocks := len(s.Records) > block
	if names, ok := kept.Names(); ok != inBlocks || ok && !slices.Equal(names, namesOf(whole)) {
		return fmt.Sprintf("in blocks of %d, the names are listed: %t, as %q and not %q", block, ok, names, namesOf(whole))
	}
	for query := range queries(s) {
		for _, exact := range []bool{false, true} {
			want, err := whole.Find(query, exact)
			got, ok := kept.LookUp(query, exact)
			if ok != (err == nil && inBlocks && listed(query, want)) {
				return fmt.Sprintf("in blocks of %d, %q (exact: %t) is found: %t, while Find says %v", block, query, exact, ok, err)
			}
			if ok && !reflect.DeepEqual(got, want) {
				return fmt.Sprintf("in blocks of %d, %q is\n%+v\nand not\n%+v", block, query, got, want)
			}
		}
	}
	return ""
}

// namesOf returns the names of the accounts of s, sorted.
func namesOf(s *vault.State) []string {
	var names []string
	for _, a := range s.Accounts() {
		for _, text := range []*string{&a.Alias, &a.Shown} {
			if strings.ContainsAny(*text, "\t\n") {
				*text = account.Fold(*text)
			}
		}
		names = append(names, a.Shown+"\n"+a.Alias)
	}
	slices.Sort(names)
	return names
}

// listed reports whether a directory has what a query finds an account by. It has no ids
// and no tags, and leaves it to the whole state to look for single words.
func listed(query string, a vault.Account) bool {
	if strings.HasPrefix(strings.TrimSpace(query), "id:") {
		return false
	}
	query = account.Fold(query)
	return query == account.Fold(a.Shown) || slices.ContainsFunc([]string{a.Label(), a.Issuer, a.Name, a.Alias}, func(name string) bool {
		return strings.Contains(account.Fold(name), query)
	})
}

// Whatever happened to a vault, a lookup in its blocks finds what Find does in the whole:
// linked ids, accounts that share a label, accounts without their secret, odd names. And
// the blocks hold everything.
func TestLookupIsFind(t *testing.T) {
	t.Parallel()
	check(t, histories(30), 60, func(h history) string {
		w := h.run(func(string, ...any) {})
		chance := rand.New(rand.NewPCG(uint64(len(w.past)), 4))
		for _, d := range w.devices {
			for _, s := range []*vault.State{d.state, d.state.Portable(), withOddNames(d.state, chance)} {
				if broken := lookupBroken(s, 1+chance.IntN(4)); broken != "" {
					return broken
				}
			}
		}
		return ""
	})
}

// A block of records is the JSON that encoding/json makes of them.
func TestMarshalRecords(t *testing.T) {
	t.Parallel()
	s := withLater(full(t).state, rand.New(rand.NewPCG(1, 6)))
	for n := range len(s.Records) + 1 {
		want, err1 := json.Marshal(s.Records[:n])
		got, err2 := vault.MarshalRecords(s.Records[:n])
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d records: %v\n%s\nwant\n%s", n, err, got, want)
		}
	}
}

// The same with a state that uses every field, and with one of a later version.
func TestLookupOfEveryField(t *testing.T) {
	t.Parallel()
	s := full(t).state
	if len(s.Links) == 0 {
		t.Fatal("no accounts are linked")
	}
	later := withLater(s, rand.New(rand.NewPCG(1, 5)))
	for block := 1; block < len(s.Records)+2; block++ {
		for _, s := range []*vault.State{s, later} {
			if broken := lookupBroken(s, block); broken != "" {
				t.Error(broken)
			}
		}
	}
}

// Folding leaves neither tabs nor line breaks, which the directory goes by.
func FuzzFoldedIsOneField(f *testing.F) {
	for _, text := range oddTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if folded := account.Fold(text); strings.ContainsAny(folded, "\t\n") {
			t.Errorf("%q is folded to %q", text, folded)
		}
	})
}

// FuzzDirectory: no text makes the reading panic, or list more accounts than it has lines,
// and what is read is written as the same text.
func FuzzDirectory(f *testing.F) {
	for _, text := range []string{
		"", "auth directory 2 0 128\n", "auth directory 2 2 1\nGitHub:alice\n\n", "auth directory 2 1 1\na:b\t\t (2)\t0 7\ta:b\t\n",
		"auth directory 3 0 1\n", "auth directory 1 0 1\n", "auth directory 1 99999999999 1\n", "auth directory 1 -1 1\n", "auth directory 2 1 0\nx\n", "auth directory 2 1 1\nx",
		"auth directory 2 1 1\n\t\t\t\t\t\t\n", "auth directory 2 01 +1\nx\t\n", "auth directory 1 0 1",
		"auth directory 2 1 1\n\t\n", "auth directory 2 1 1\na\t\t\t\t\ta\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		again, listings, ok := vault.RewriteDirectory(text)
		if !ok {
			return
		}
		if listings > strings.Count(text, "\n") {
			t.Errorf("%d accounts in %q", listings, text)
		}
		if again != text {
			t.Errorf("%q is written as %q", text, again)
		}
	})
}

// A directory that does not fit the records is of no use, and does no harm: the whole state
// is read.
func TestDirectoryThatDoesNotFit(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i, label := range []string{"GitHub:alice", "Bank:bob", "Mail:carol"} {
		x.add(i, fmt.Sprintf("i%d", i), label, label)
	}
	kept, err := vault.Keep(x.state, 2)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := kept.LookUp("carol", false); !ok || a.ID != "i2" {
		t.Fatalf("it is %q, %t", a.ID, ok)
	}
	sound := string(kept[0])
	for name, text := range map[string]string{
		"other labels":          strings.Replace(sound, "Mail:carol", "Mail:carola", 1),
		"another order":         "auth directory 2 3 2\nMail:carol\nBank:bob\n\n",
		"larger blocks":         strings.Replace(sound, " 3 2\n", " 3 3\n", 1),
		"smaller blocks":        strings.Replace(sound, " 3 2\n", " 3 1\n", 1),
		"fewer lines":           "auth directory 2 2 2\nx\nMail:carol\n",
		"more lines":            "auth directory 2 7 2\n\n\n\n\n\n\nMail:carol\n",
		"others out of bounds":  strings.Replace(sound, "Mail:carol", "Mail:carol\t\t\t3", 1),
		"others that are its":   strings.Replace(sound, "Mail:carol", "Mail:carol\t\t\t2", 1),
		"others of another":     strings.Replace(sound, "Mail:carol", "Mail:carol\t\t\t1", 1),
		"others of no number":   strings.Replace(sound, "Mail:carol", "Mail:carol\t\t\tx", 1),
		"an alias that is none": strings.Replace(sound, "Mail:carol", "Mail:carol\tcarol", 1),
		"an earlier version":    strings.Replace(sound, " 2 3 2\n", " 1 3 2\n", 1),
		"a later version":       strings.Replace(sound, " 2 3 2\n", " 3 3 2\n", 1),
		"nothing":               "",
	} {
		if text == sound {
			t.Fatalf("%s: the directory is %q", name, sound)
		}
		spoilt := vault.Kept{[]byte(text), kept[1], kept[2], kept[3]}
		if a, ok := spoilt.LookUp("carol", false); ok {
			t.Errorf("%s: finds %q", name, a.ID)
		}
		if s, err := spoilt.Decode(); err != nil || encoded(s) != encoded(x.state) {
			t.Errorf("%s: the state is read as another, %v", name, err)
		}
	}
	for _, spoilt := range []vault.Kept{
		{nil, kept[1], kept[2], kept[3]},
		{kept[0], nil, kept[2], kept[3]},
		{kept[0], kept[1], kept[2], nil},
		{kept[0], kept[1], kept[2], []byte("[]")},
		{kept[0], kept[1], kept[2]},
		{kept[0], []byte("{"), kept[2], kept[3]},
	} {
		if a, ok := spoilt.LookUp("carol", false); ok {
			t.Errorf("sections %q: finds %q", spoilt, a.ID)
		}
	}
	for _, spoilt := range []vault.Kept{
		{},
		{kept[0], kept[1]},
		{kept[0], []byte("{"), kept[2]},
		{kept[0], kept[1], kept[2], kept[2]},
	} {
		if _, err := spoilt.Decode(); !errors.Is(err, vault.ErrFormat) {
			t.Errorf("sections %q: %v", spoilt, err)
		}
	}
}

// Lookup says, notices and mends what Read does, whatever state the vault is in, and gives
// what Find gives.
func TestLookupIsRead(t *testing.T) {
	t.Parallel()
	found := newMachine(t, func(k *keyringtest.Memory, v *vault.Vault) {
		add(t, v, many(100)...)
		add(t, v, "GitHub:alice", "GitHub:bob")
		if err := setNote(v, "x"); err != nil {
			t.Fatal(err)
		}
	})
	spoil := func(change func(k *keyringtest.Memory, files map[string]string)) machine {
		m := machine{found.k.Clone(), maps.Clone(found.files)}
		change(m.k, m.files)
		return m
	}
	marker := func(text string) machine {
		return spoil(func(_ *keyringtest.Memory, files map[string]string) { files["vault.json"] = text })
	}
	item := func(name string, value *string) machine {
		return spoil(func(k *keyringtest.Memory, _ map[string]string) { k.Replace(name, value) })
	}
	for name, m := range map[string]machine{
		"sound":              found,
		"new":                newMachine(t, func(*keyringtest.Memory, *vault.Vault) {}),
		"without marker":     spoil(func(_ *keyringtest.Memory, files map[string]string) { delete(files, "vault.json") }),
		"damaged marker":     marker("{"),
		"marker behind":      marker(strings.Replace(found.files["vault.json"], `"generation":3`, `"generation":2`, 1)),
		"marker ahead":       marker(strings.Replace(found.files["vault.json"], `"generation":3`, `"generation":9`, 1)),
		"marker elsewhere":   marker(strings.Replace(found.files["vault.json"], `"system"`, `"file"`, 1)),
		"lost":               item("head", nil),
		"empty head":         item("head", new("")),
		"of a later version": item("head", new("auth-head 99 x")),
		"chunk missing":      item("a0000", nil),
		"other chunk":        item("b0000", nil),
	} {
		for _, query := range []string{"Site70:me", "site0:", "alice", "github", "nobody", "me", ""} {
			t.Run(name+" "+query, func(t *testing.T) {
				_, read := m.clone(t)
				var want vault.Found
				s, wantErr := read.Read(t.Context())
				if wantErr == nil {
					want.Settings, want.Generation = s.Settings, s.Generation
					want.Account, wantErr = s.Find(query, false)
				}
				_, looked := m.clone(t)
				got, err := looked.Lookup(t.Context(), query, false)
				if fmt.Sprint(err) != fmt.Sprint(wantErr) || reflect.TypeOf(err) != reflect.TypeOf(wantErr) {
					t.Errorf("error %v, want %v", err, wantErr)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("found %+v, want %+v", got, want)
				}
				looked.noticed(t, read.notices...)
				if a, b := markerText(looked.Vault), markerText(read.Vault); a != b {
					t.Errorf("the marker is %s, want %s", a, b)
				}
			})
		}
	}
	if !strings.Contains(found.files["vault.json"], `"generation":3`) {
		t.Errorf("the marker is %s", found.files["vault.json"])
	}
}

func markerText(v *vault.Vault) string {
	text, err := os.ReadFile(filepath.Join(v.Dir(), "vault.json"))
	if err != nil {
		return "none"
	}
	return string(text)
}

// Attack: a directory of a few megabytes that declares as many records, which took a hundred
// times as much memory. It counts as none, and the vault is read as a whole. Other tests would
// take memory too: this one is not parallel.
func TestDirectoryOfManyRecords(t *testing.T) {
	const records = 8 << 20
	text := fmt.Sprintf("auth directory 2 %d 128\n", records) + strings.Repeat("\n", records)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, ok := vault.RewriteDirectory(text)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; ok || took > 1<<20 {
		t.Errorf("%d records are read: %v, %d bytes", records, ok, took)
	}
	text = "auth directory 2 100000 128\n" + strings.Repeat("a\n", 100_000)
	if again, listings, ok := vault.RewriteDirectory(text); !ok || again != text || listings != 100_000 {
		t.Errorf("100,000 accounts: %d are read, %v", listings, ok)
	}
}

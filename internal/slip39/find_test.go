package slip39_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/slip39"
)

// sheet writes words as a person would: numbered, four in a line.
func sheet(words []string) string {
	var b strings.Builder
	for i, w := range words {
		fmt.Fprintf(&b, "%2d. %-10s", i+1, w)
		if i%4 == 3 {
			b.WriteString("\r\n")
		}
	}
	return b.String() + "\n"
}

func TestFind(t *testing.T) {
	t.Parallel()
	shares, err := slip39.Split(make([]byte, 34), nil, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	words := shares[0].Words()
	joined := strings.Join(words, " ")
	short := make([]string, len(words))
	for i, w := range words {
		short[i] = strings.ToUpper(w[:4])
	}
	for name, text := range map[string]string{
		"words":                   joined,
		"a sheet":                 "# Share 1 of 3\n#\n" + sheet(words),
		"prose of the list's own": "My laptop, party and trash library.\n" + sheet(words) + "Keep it safe, expect nothing; unknown.",
		"a line a word":           strings.Join(words, "\n"),
		"four letters each":       strings.Join(short, ", "),
		"a comment with words":    "# " + strings.Join(words[:20], " ") + "\n" + joined,
	} {
		found, err := slip39.Find(text, len(words))
		if err != nil || len(found) != 1 || !found[0].Equal(shares[0]) {
			t.Errorf("%s: %d found, %v", name, len(found), err)
		}
	}
	found, err := slip39.Find(joined+"\n"+sheet(shares[2].Words()), len(words))
	if err != nil || len(found) != 2 || !found[0].Equal(shares[0]) || !found[1].Equal(shares[2]) {
		t.Errorf("two shares in a text: %d found, %v", len(found), err)
	}
}

func TestFindSaysWhy(t *testing.T) {
	t.Parallel()
	words := fixed(t)
	with := func(i int, word string) []string {
		changed := append([]string(nil), words...)
		changed[i] = word
		return changed
	}
	other := map[bool]string{true: "acid", false: "academic"}[words[16] == "academic"]
	for name, tt := range map[string]struct {
		text string
		is   func(error) bool
	}{
		"a word that is none": {sheet(with(16, "acadxmic")), func(err error) bool {
			var e *slip39.WordError
			return errors.As(err, &e) && e.Number == 17
		}},
		"a wrong word, prose around it": {"# 1 of 3\nTo my sister.\n" + sheet(with(16, other)) + "Keep it.", func(err error) bool {
			var e *slip39.ChecksumError
			return errors.As(err, &e) && e.Number == 17
		}},
		"one word too few": {sheet(words[:34]), func(err error) bool {
			var e *slip39.CountError
			return errors.As(err, &e) && e.Have == 34 && e.Want == 35
		}},
		"one word twice": {sheet(append(words[:35:35], words[34])), nil},
		"empty":          {"", is(slip39.ErrNoShare)},
		"an age key":     {"# recovery key\nAGE-SECRET-KEY-1QQQQQQQQQQQQQQQQ\n", is(slip39.ErrNoShare)},
		"prose": {
			strings.Repeat("The quick brown fox jumps over the lazy dog, and does so again. ", 9),
			is(slip39.ErrNoShare),
		},
		"only comments": {"# " + strings.Join(words, " "), is(slip39.ErrNoShare)},
	} {
		found, err := slip39.Find(tt.text, len(words))
		if tt.is == nil { // it is a share with a word more
			if err != nil || len(found) != 1 {
				t.Errorf("%s: %d found, %v", name, len(found), err)
			}
			continue
		}
		if len(found) > 0 || !tt.is(err) {
			t.Errorf("%s: %d found, %v", name, len(found), err)
		}
	}
}

// FuzzFind reads any text. A share that is found has the words that it was found by.
func FuzzFind(f *testing.F) {
	shares, err := slip39.Split(make([]byte, 34), nil, 2, 2)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sheet(shares[0].Words()))
	f.Add("")
	f.Add(strings.Repeat("academic ", 35))
	f.Add(strings.Repeat("zero ", 36))
	f.Fuzz(func(t *testing.T, text string) {
		found, err := slip39.Find(text, 35)
		if len(found) == 0 && err == nil {
			t.Fatal("nothing was found, and it is not said why")
		}
		for _, s := range found {
			again, err := slip39.Parse(s.Words())
			if err != nil || !again.Equal(s) {
				t.Fatalf("a share that was found is read again with %v", err)
			}
		}
	})
}

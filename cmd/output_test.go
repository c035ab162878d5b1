package cmd

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// printed returns what a command prints as JSON of an account with text in every place
// that is not ours.
func printed(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	c := &cli{Env: &Env{Out: &out}}
	a := vault.Account{Account: account.Account{Issuer: text, Name: text, Alias: text, Tags: []string{text}, Note: text}, Shown: text}
	if err := c.printJSON(jsonAccounts(toJSON(a))); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// JSON shows a terminal nothing but letters: no controls of either block, nothing that
// turns the line around or is not to be seen. A program reads the text as it is.
func FuzzJSONIsShown(f *testing.F) {
	for _, text := range []string{
		"", "GitHub:alice", "\x1b[31mred\x1b[0m", "\u009b31mred", "\u009d0;title\u009c", "a\x7fb", "\u202eecila", "\u2066x\u2069",
		"zero\u200bwidth", "\U000e0041tag", "line\u2028end", "\u0085", "\xff\xfe", "工<&>", "\u00ad", "👩\u200d💻", "\\u202e", "\"\\",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := printed(t, text)
		if shown := strings.TrimSuffix(line, "\n"); term.Escape(shown) != shown {
			t.Errorf("%q is printed as %q", text, line)
		}
		var back jsonList
		if err := json.Unmarshal([]byte(line), &back); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got := back.Accounts[0]; utf8.ValidString(text) && (got.Label != text || got.Note != text) {
			t.Errorf("%q is read back as %q", text, got.Label)
		}
	})
}

// What completion offers is a word of the account's, and no word of a shell or of cobra's.
func TestOffered(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"GitHub:alice@example.com", "gh", "1password", "My Bank:Jörg", "工商銀行:我", "a.b-c_d+e/f", "हिन्दी"} {
		if !offered(word) {
			t.Errorf("%q is not offered", word)
		}
	}
	for _, word := range []string{
		"", "_activeHelp_ call this number", " _activeHelp_ x", "-h", "--help", ":4", ":0", "a\tdescription", "a\nb", "$(touch PWN)1", "`touch PWN`", "a;b", "a&b", "a|b",
		"a'b", `a"b`, `a\b`, "a b (1)", "a<b", "a>b", "~", "a*", "a?", "[a]", "{a,b}", "a#b", "a!b", "=a", "%a", "a\u202eb", "a\u200bb", "a\x7f", "\x1b[31m",
	} {
		if offered(word) {
			t.Errorf("%q is offered", word)
		}
	}
}

package cmd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// hostile are texts that some shell reads as more than a word, wherever they stand in it.
func hostile() []string {
	return []string{
		`x\'\''; touch PWN #`, // ran in fish while labels were quoted as sh quotes
		`'; touch PWN; '`, `"; touch PWN; "`, "`touch PWN`", `$(touch PWN)`, `(touch PWN)`, `{touch,PWN}`, `<(touch PWN)`,
		"a\ntouch PWN\n", "a\rtouch PWN\r", "a; touch PWN", "a && touch PWN", "a | touch PWN", "a > PWN", "a >> PWN", "a\ttouch PWN", "& touch PWN &",
		"!!", "!touch", "^a^touch PWN", "a!touch", "~", "~root", "=touch", "a=~", "*", "?", "[a-z]*", "{a,b}", "a{1..3}", "#", "a #b", `\`, `a\`, `\\`,
		"%PATH%", "%1", "$HOME", "${HOME}", "$env:PATH", "@args", "@HOME", "@(touch PWN)", "--%", "-", "--", "-x", "--help", "--json", "--all", "-h", ":", "::", ".", "..",
		"id:x", "ID:x", "", " ", "\u00a0", "\u2028touch PWN", "‘; touch PWN ‘", "“touch PWN”", "a\x00touch PWN", "a\x1b[200~touch PWN\x1b[201~", "\x03touch PWN\n",
		"\xff", "Bücher", "工", "ｔｏｕｃｈ", "a＄(touch PWN)", "JBSWY3DPEHPK3PXP", "otpauth://totp/a", "GitHub:alice (1)",
		"GitHub:alice@example.com", "a.b-c_d", "1password", "x", "C:\\x", "/tmp/x;touch PWN", "/tmp/a b", "/tmp/$(touch PWN)", "/tmp/plain", "~/x;y", "rclone:drive:auth",
		"if", "end", "begin", "function", "time", "then", "exec", "not", "and", "[[", "]]",
	}
}

// texts are the hostile ones, and as many again by chance, with parts of them and of what
// words are made of.
func texts(chance *rand.Rand, n int) []string {
	list := hostile()
	parts := append(hostile(), strings.Split(`abcXYZ019.-_@:/\'"$()[]{};&|<>*?!^~#%=+, `+"`\n\t", "")...)
	for range n {
		var b strings.Builder
		for range 1 + chance.IntN(5) {
			b.WriteString(parts[chance.IntN(len(parts))])
		}
		list = append(list, b.String())
	}
	return list
}

func named(id, label string) vault.Account {
	return vault.Account{Account: account.Account{ID: id}, Shown: label}
}

// What auth prints to be pasted is in each shell the command that it looks like, and
// nothing else, whatever the label, the id and the path.
func TestPastedCommands(t *testing.T) {
	t.Parallel()
	type pasted struct{ line, args string }
	var lines []pasted
	chance := testenv.Rand(t)
	for _, text := range texts(chance, 3000) {
		id := "0123456789abcdef"
		if chance.IntN(4) == 0 {
			id = text // of a file that somebody else made
		}
		word := queryWord(named(id, text))
		if word != text && word != "id:"+id && word != "QUERY" {
			t.Errorf("%q is named %q", text, word)
		}
		lines = append(lines, pasted{"auth code " + word, "code\n" + word})
		place := locationWord(text)
		if place != text && place != "LOCATION" {
			t.Errorf("%q is named %q", text, place)
		}
		lines = append(lines, pasted{"auth restore " + place, "restore\n" + place})
	}
	var script, want strings.Builder
	for _, l := range lines {
		script.WriteString(l.line + "\n")
		want.WriteString(l.args + "\n--\n")
	}
	// Interactive, since that is where people paste: history is expanded there.
	for _, shell := range []struct{ name, print, args string }{
		{"bash", `auth() { printf '%s\n' "$@" -- >>args; }`, "--norc --noprofile -i"},
		{"zsh", `auth() { printf '%s\n' "$@" -- >>args; }`, "-f -i"},
		{"fish", `function auth; printf '%s\n' $argv -- >>args; end`, "--no-config"},
		{"dash", `auth() { printf '%s\n' "$@" -- >>args; }`, "-i"},
	} {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := exec.Command(testenv.Program(t, shell.name, shell.name), strings.Fields(shell.args)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, "TERM=dumb")
			cmd.Stdin = strings.NewReader(shell.print + "\n" + script.String())
			testenv.Apart(cmd)
			said, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, last(said))
			}
			got, err := os.ReadFile(filepath.Join(dir, "args"))
			if err != nil || string(got) != want.String() {
				t.Errorf("%v: %s; %s", err, firstDifference(string(got), want.String()), last(said))
			}
			if _, err := os.Lstat(filepath.Join(dir, "PWN")); err == nil {
				t.Error("a command ran")
			}
		})
	}
}

func last(said []byte) string { return string(said[max(0, len(said)-500):]) }

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range w {
		if i >= len(g) || g[i] != w[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i, g[min(i, len(g)-1)], w[i])
		}
	}
	return "more than was pasted"
}

// A plain label is worth more to a reader than an id, and so is a plain path.
func TestPastedNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"GitHub:alice@example.com": "GitHub:alice@example.com",
		"work-2_b.c":               "work-2_b.c",
		"GitHub:alice (1)":         "id:0123456789abcdef",
		"-x":                       "id:0123456789abcdef", // a flag
		"@args":                    "id:0123456789abcdef", // an array of PowerShell
		"id:x":                     "id:0123456789abcdef", // another account, perhaps
		"JBSWY3DPEHPK3PXP":         "id:0123456789abcdef", // refused as a secret
		"Bücher":                   "id:0123456789abcdef",
	} {
		if got := queryWord(named("0123456789abcdef", text)); got != want {
			t.Errorf("%q is named %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"/home/a/Dropbox/auth": "/home/a/Dropbox/auth",
		"rclone:drive:auth":    "rclone:drive:auth",
		"/home/a/My Drive":     "LOCATION",
		"/home/a/x;y":          "LOCATION",
		"~/auth":               "LOCATION", // a folder of that name: the shell has expanded what was one of the home folder
		"-":                    "LOCATION",
		"":                     "LOCATION",
	} {
		if got := locationWord(text); got != want {
			t.Errorf("%q is named %s, want %s", text, got, want)
		}
	}
}

// FuzzPastedWords holds the rule itself, for more texts than shells can be asked about:
// what is not the word of the help consists of what no shell gives a meaning.
func FuzzPastedWords(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, label, id string) {
		for _, word := range []string{queryWord(named(id, label)), idWord(named(id, "")), locationWord(label)} {
			for i, r := range word {
				plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
				if !plain && !strings.ContainsRune("/.-_@:"+string(os.PathSeparator), r) || i == 0 && !plain && r != '/' {
					t.Fatalf("%q, %q: %q", label, id, word)
				}
			}
		}
	})
}

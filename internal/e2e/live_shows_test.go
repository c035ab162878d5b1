//go:build unix

package e2e

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A window whose size changes while the view is open shows what a new view of that size would: nothing is cut off at its
// edge, and every account and code is there. In one that becomes low, the selected account stays on the screen.
func TestLiveResizes(t *testing.T) {
	t.Parallel()
	s := watch(t, newLive(t).with("NO_COLOR=1").command(), 80, 14, nil)
	for _, width := range []int{80, 40, 200, 40, 80} {
		s.resize(width, 14)
		s.golden(fmt.Sprintf("%d-none", width), false)
	}
	s.types("G")
	s.shows("> Bank", "GitHub")
	s.resize(40, 7)
	s.shows("> Bank:carol")
	s.lacks("GitHub")
	s.resize(200, 14)
	s.shows("> Bank ", "GitHub", "061 836")
	s.types("q")
	s.ends(0)
}

// Accounts without their secret and those that a lost device knows are counted above the rows, and named in them, until
// each is dealt with.
func TestLiveNeeds(t *testing.T) {
	t.Parallel()
	lost, loc := newLocation(t)
	lost.env = append(lost.env, "TEST_HOSTNAME=old-laptop")
	lost.must("KRSXG5BAKRSXG5BC", "add", "work:me", "--device-bound", "--secret-file", "-")
	d := newDevice(t, nil)
	d.restore(0, loc)
	d.must("a passphrase of its own", "backup", "lost", "old-laptop", "--yes", "--passphrase-file", "-")

	const exposed, unverified = "! 1 account exposed by a lost device: auth add --replace", "! 1 account without the secret: auth verify QUERY"
	s := watch(t, d.with("AUTH_NO_INPUT=0", "TERM=xterm-256color", "TEST_NOW="+liveNow).command(), 100, 24, nil)
	s.shows("auth  2 accounts", exposed, unverified)
	line := func(of, state string) {
		t.Helper()
		s.eventually(fmt.Sprintf("%s is not %s", of, state), func(text string) bool {
			return slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool {
				return strings.HasPrefix(line, of) && strings.HasSuffix(line, state)
			})
		})
	}
	line("> ", "  exposed")
	line("  work", "  needs verification")
	s.shows("exposed: a lost device had its secret")
	s.types("j\r")
	s.shows("it needs verification: the account is here without its secret (auth verify)")
	s.types("k")

	d.must("otpauth://totp/work:me?secret=JBSWY3DPEHPK3PXP", "verify", "work:me", "--uri", "-") // a secret of this device alone
	s.lacks(unverified)
	s.lacks("needs verification")
	s.shows(exposed)
	d.must("JBSWY3DPEHPK3PXQ", "add", "first", "--secret-file", "-", "--replace")
	s.lacks("exposed")
	s.types("q")
	s.ends(0)
}

// ? names each key that the view takes, also on a narrow screen, and the next key goes back.
func TestLiveHelp(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	keys := liveKeys(t)
	for _, width := range []int{40, 80} {
		s := watch(t, d.command(), width, 24, nil)
		s.shows("GitHub", "8s")
		s.types("?")
		s.shows("Keys", "any key goes back")
		var named []string
		for line := range strings.SplitSeq(s.text(), "\n") {
			if len(line) > 2 && strings.HasPrefix(line, "  ") {
				column, _, _ := strings.Cut(line[2:], "  ")
				named = append(named, strings.Fields(column)...)
			}
		}
		for _, key := range keys {
			if !slices.Contains(named, key) {
				t.Errorf("%d columns: %q is not named by\n%s", width, key, s.text())
			}
		}
		s.types("q") // goes back alone
		s.shows("auth  6 accounts", "GitHub")
		s.types("q")
		s.ends(0)
	}
}

// liveKeys returns the keys that the view takes while its rows are shown, as its help names them. Those with Control are
// second names, and ? is named below the rows.
func liveKeys(t *testing.T) (keys []string) {
	t.Helper()
	names := map[string]string{"up": "↑", "down": "↓", "pgdown": "pgdn"}
	for _, decl := range parsed(t, filepath.Join(root, "internal", "live", "keys.go")).Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok || !slices.Contains([]string{"walk", "pressBrowsing", "pressChange"}, function.Name.Name) {
			continue
		}
		ast.Inspect(function, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			key, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if key != "" && key != "?" && !strings.HasPrefix(key, "ctrl+") {
				keys = append(keys, cmp.Or(names[key], key))
			}
			return true
		})
	}
	if len(keys) < 20 {
		t.Fatalf("the keys are %q", keys)
	}
	return keys
}

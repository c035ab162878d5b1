//go:build unix

package e2e

import (
	"fmt"
	"slices"
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

//go:build unix

package e2e

import (
	"fmt"
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

//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLiveScheduledSync checks that the live view says that the sync which runs by itself fails, and no longer when it does not.
func TestLiveScheduledSync(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	cloud := filepath.Join(t.TempDir(), "cloud")
	d.enable(cloud)
	if err := os.Rename(cloud, cloud+" away"); err != nil {
		t.Fatal(err)
	}
	d.fails(1, []string{"cloud"}, "sync", "--scheduled")
	if err := os.Rename(cloud+" away", cloud); err != nil {
		t.Fatal(err)
	}
	s := watch(t, d.command(), 200, 14, nil)
	s.shows("! the sync that runs by itself: FAILED since", "GitHub")
	s.types("q")
	s.ends(0)
	d.must("", "sync")
	s = watch(t, d.command(), 200, 14, nil)
	s.shows("drill", "GitHub") // the notices are there
	s.lacks("FAILED")
	s.types("q")
	s.ends(0)
}

package device_test

import (
	"os"
	"sync"
	"testing"
)

// struckFolders are folders that fail while they are struck, for everything that is done in them.
type struckFolders struct {
	t       testing.TB
	mu      sync.Mutex
	fault   folderFault
	folders []string
	struck  bool // they are to fail
	lifted  int  // and do not, for as many calls
	failing bool // they do
}

func newStruckFolders(t testing.TB, fault folderFault, folders ...string) *struckFolders {
	f := &struckFolders{t: t, fault: fault, folders: folders}
	t.Cleanup(f.heal)
	return f
}

// set has the folders fail from now on, or no longer.
func (f *struckFolders) set(struck bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.struck = struck
	f.settle()
}

func (f *struckFolders) heal() { f.set(false) }

// without runs a call that has nothing to do with the folders.
func (f *struckFolders) without(call func()) {
	f.lift(1)
	defer f.lift(-1)
	call()
}

func (f *struckFolders) lift(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lifted += n
	f.settle()
}

func (f *struckFolders) settle() {
	fails := f.struck && f.lifted == 0
	if fails == f.failing {
		return
	}
	f.failing = fails
	if f.fault == folderIsFull {
		if err := limitFiles(fails); err != nil {
			f.t.Error(err)
		}
		return
	}
	for _, folder := range f.folders {
		if fails {
			f.block(folder)
		} else {
			f.unblock(folder)
		}
	}
}

// block puts a file in the place of a folder: whatever is done in it is an error, and none that says that something is not
// there. Root is told the same.
func (f *struckFolders) block(folder string) {
	if err := os.Rename(folder, folder+" aside"); err != nil && !os.IsNotExist(err) {
		f.t.Error(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		f.t.Error(err)
	}
}

func (f *struckFolders) unblock(folder string) {
	if err := os.Remove(folder); err != nil {
		f.t.Error(err)
	}
	if err := os.Rename(folder+" aside", folder); err != nil && !os.IsNotExist(err) {
		f.t.Error(err)
	}
}

package keyring_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// A lockable is a file keyring under a passphrase, with a keeper and a clock.
type lockable struct {
	dir    string
	now    time.Time
	keeper *keyringtest.Keeper
}

const ofTheFile = "correct horse"

// newLockable returns a keyring under [ofTheFile] that holds the item "head", which says "before".
func newLockable(t *testing.T) *lockable {
	t.Helper()
	k, dir := created(t, ofTheFile)
	put(t, k, "head", "before")
	l := &lockable{dir: dir, now: time.Unix(1e9, 0)}
	l.keeper = &keyringtest.Keeper{Now: func() time.Time { return l.now }}
	return l
}

// open opens the keyring as another process does, whose user types a passphrase.
func (l *lockable) open(types string) *keyring.FileKeyring {
	return keyring.File(keyring.FileOptions{Dir: l.dir, Passphrase: says(types), WorkFactor: 1, Keeper: l.keeper})
}

func (l *lockable) unlock(t *testing.T, d time.Duration) (until time.Time) {
	t.Helper()
	until, err := l.open(ofTheFile).Unlock(t.Context(), l.now, d)
	if err != nil {
		t.Fatal(err)
	}
	return until
}

// wantLocked checks that the item cannot be read without the passphrase, and can be with it.
func (l *lockable) wantLocked(t *testing.T) {
	t.Helper()
	nobody := keyring.File(keyring.FileOptions{Dir: l.dir, Keeper: l.keeper})
	if got, err := nobody.Get(t.Context(), "head"); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("without the passphrase: %q, %v", got, err)
	}
	if until, err := nobody.Unlocked(); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("unlocked until %v, %v", until, err)
	}
}

// wantUnlocked checks that the item can be read and replaced without the passphrase.
func (l *lockable) wantUnlocked(t *testing.T, until time.Time) {
	t.Helper()
	k := l.open("not the passphrase")
	value, err := k.Get(t.Context(), "head")
	if err != nil {
		t.Fatal(err)
	}
	put(t, k, "head", value)
	if got, err := k.Unlocked(); err != nil || !got.Equal(until) {
		t.Errorf("unlocked until %v, %v; want %v", got, err, until)
	}
}

// An unlocked keyring is read and written without its passphrase, until the time is over or it is locked.
func TestUnlock(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	l.wantLocked(t)
	start := l.now
	if until := l.unlock(t, time.Hour); !until.Equal(start.Add(time.Hour)) {
		t.Errorf("unlocked until %v", until)
	}
	l.wantUnlocked(t, start.Add(time.Hour))
	l.now = start.Add(time.Hour - time.Second)
	l.wantUnlocked(t, start.Add(time.Hour))
	l.unlock(t, time.Hour) // begins anew
	l.now = start.Add(2*time.Hour - 2*time.Second)
	l.wantUnlocked(t, start.Add(2*time.Hour-time.Second))
	l.now = start.Add(2*time.Hour - time.Second)
	l.wantLocked(t)

	until := l.unlock(t, time.Hour)
	l.wantUnlocked(t, until)
	for _, want := range []bool{true, false} {
		if was, err := l.open("").Lock(); err != nil || was != want {
			t.Errorf("Lock: %t, %v; want %t", was, err, want)
		}
		l.wantLocked(t)
	}
	if all := l.keeper.All(); len(all) > 0 {
		t.Errorf("%d secrets are still kept", len(all))
	}
}

// Parts of a second count as a whole one: the kernel knows no others, and nought would be for ever.
func TestUnlockRoundsUp(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	if until := l.unlock(t, 1500*time.Millisecond); !until.Equal(l.now.Add(2 * time.Second)) {
		t.Errorf("until %v, %v later", until, until.Sub(l.now))
	}
}

// What is kept is not the passphrase, and its name says neither where the keyring is nor what opens it.
func TestUnlockKeepsNoPassphrase(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	l.unlock(t, time.Hour)
	all := l.keeper.All()
	if len(all) != 1 {
		t.Fatalf("%d secrets are kept", len(all))
	}
	for name, secret := range all {
		if strings.Contains(name+secret, ofTheFile) || strings.Contains(name+secret, filepath.Base(filepath.Dir(l.dir))) {
			t.Errorf("kept as %q: %q", name, secret)
		}
	}
}

// A wrong passphrase unlocks nothing, and says so also while the keyring is unlocked, whose time stays as it is.
func TestUnlockWrongPassphrase(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	wrong := func() {
		t.Helper()
		if _, err := l.open("wrong").Unlock(t.Context(), l.now, 2*time.Hour); !errors.Is(err, keyring.ErrWrongPassphrase) {
			t.Errorf("Unlock: %v", err)
		}
	}
	wrong()
	l.wantLocked(t)
	until := l.unlock(t, time.Hour)
	wrong()
	l.wantUnlocked(t, until)
	k := l.open("wrong")
	wantItem(t, k, "head", "before") // opened with the kept key, which proves nothing
	if err := k.Open(t.Context()); !errors.Is(err, keyring.ErrWrongPassphrase) {
		t.Errorf("Open: %v", err)
	}
}

// A changed passphrase locks. What was kept before opens nothing afterwards, even if it is put back under any name.
func TestUnlockedAndPassphraseChanged(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"new", ofTheFile, ""} {
		l := newLockable(t)
		l.unlock(t, time.Hour)
		stolen := l.keeper.All()
		if err := l.open("wrong").SetPassphrase(t.Context(), to); !errors.Is(err, keyring.ErrWrongPassphrase) {
			t.Errorf("an unlocked keyring gets another passphrase without the old one: %v", err)
		}
		if err := l.open(ofTheFile).SetPassphrase(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if all := l.keeper.All(); len(all) > 0 {
			t.Errorf("to %q: %d secrets are still kept", to, len(all))
		}
		for name, secret := range stolen {
			if err := l.keeper.Keep(name, []byte(secret), 3600); err != nil {
				t.Fatal(err)
			}
		}
		if to == "" {
			if _, err := l.open("").Unlocked(); !errors.Is(err, keyring.ErrNoPassphrase) {
				t.Errorf("without a passphrase: %v", err)
			}
			continue
		}
		l.wantLocked(t)
		if _, err := l.open(to).Unlock(t.Context(), l.now, time.Hour); err != nil {
			t.Fatal(err)
		}
		for name := range l.keeper.All() { // the name of the new key among them
			for _, secret := range stolen {
				if err := l.keeper.Keep(name, []byte(secret), 3600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got, err := l.open("").Get(t.Context(), "head"); err == nil {
			t.Errorf("to %q: what was kept before opens %q", to, got)
		}
	}
}

// Of two vaults, the one that was unlocked is.
func TestUnlockIsForOneVault(t *testing.T) {
	t.Parallel()
	one, two := newLockable(t), newLockable(t)
	two.keeper, two.now = one.keeper, one.now
	until := one.unlock(t, time.Hour)
	two.wantLocked(t)
	one.wantUnlocked(t, until)
	if was, err := two.open("").Lock(); was || err != nil {
		t.Errorf("the other one: %t, %v", was, err)
	}
	one.wantUnlocked(t, until)
}

// A process that opened the keyring with the kept key closes it when that is gone; one that knows the passphrase does not.
func TestLockClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	until := l.unlock(t, time.Hour)
	asked := 0
	k := keyring.File(keyring.FileOptions{Dir: l.dir, Keeper: l.keeper, Passphrase: func(context.Context) (string, error) {
		asked++
		return ofTheFile, nil
	}})
	for range 2 {
		wantItem(t, k, "head", "before")
		if got, err := k.Unlocked(); err != nil || !got.Equal(until) {
			t.Errorf("unlocked until %v, %v", got, err)
		}
	}
	if asked > 0 {
		t.Errorf("unlocked, and asked %d times", asked)
	}
	if _, err := l.open("").Lock(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := k.Unlocked(); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("Unlocked: %v", err)
		}
		wantItem(t, k, "head", "before")
	}
	if asked != 1 {
		t.Errorf("locked, and asked %d times", asked)
	}
}

// Nothing is unlocked where there is no passphrase or nothing keeps a key, and a keyring is used there as ever.
func TestUnlockRefused(t *testing.T) {
	t.Parallel()
	open, _ := created(t, "")
	if _, err := open.Unlock(t.Context(), time.Unix(1e9, 0), time.Hour); !errors.Is(err, keyring.ErrNoPassphrase) {
		t.Errorf("without a passphrase: %v", err)
	}
	if _, err := open.Lock(); !errors.Is(err, keyring.ErrNoPassphrase) {
		t.Errorf("without a passphrase: %v", err)
	}

	l := newLockable(t)
	l.keeper.Err = keyring.ErrNoKeeper
	k := l.open(ofTheFile)
	_, unlockErr := k.Unlock(t.Context(), l.now, time.Hour)
	_, unlockedErr := k.Unlocked()
	_, lockErr := k.Lock()
	for what, err := range map[string]error{"Unlock": unlockErr, "Unlocked": unlockedErr, "Lock": lockErr} {
		if !errors.Is(err, keyring.ErrNoKeeper) {
			t.Errorf("%s where nothing is kept: %v", what, err)
		}
	}
	wantItem(t, k, "head", "before")
	if err := k.SetPassphrase(t.Context(), "new"); err != nil {
		t.Error(err)
	}
	wantItem(t, l.open("new"), "head", "before")
}

// A secret under the right name that is none of ours is as good as none.
func TestKeptByOthers(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	l.unlock(t, time.Hour)
	for name, secret := range l.keeper.All() {
		words := strings.Split(secret, " ")
		for _, foreign := range []string{
			"", "nonsense", words[3], secret + " more", strings.ToLower(secret), strings.Replace(secret, " 1 ", " 2 ", 1),
			strings.Replace(secret, words[2], "soon", 1), secret[:len(secret)-1],
		} {
			if err := l.keeper.Keep(name, []byte(foreign), 3600); err != nil {
				t.Fatal(err)
			}
			l.wantLocked(t)
			wantItem(t, l.open(ofTheFile), "head", "before")
		}
	}
}

// A key file that others can read is refused, unlocked or not; and what is set aside is locked.
func TestUnlockedAndMore(t *testing.T) {
	t.Parallel()
	l := newLockable(t)
	l.unlock(t, time.Hour)
	if runtime.GOOS != "windows" {
		key := filepath.Join(l.dir, "keyring.key")
		if err := os.Chmod(key, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := l.open("").Get(t.Context(), "head"); !errors.Is(err, keyring.ErrExposed) {
			t.Errorf("others can read the key file: %v", err)
		}
		if err := os.Chmod(key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.open("").SetAside("aside"); err != nil {
		t.Fatal(err)
	}
	if all := l.keeper.All(); len(all) > 0 {
		t.Errorf("set aside, and %d secrets are still kept", len(all))
	}
}

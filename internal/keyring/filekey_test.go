package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring"
)

// changes are changes of a passphrase; the empty one is none.
var changes = [][2]string{{"", "new"}, {"old", "new"}, {"old", ""}, {"", ""}, {"old", "old"}}

func eachChange(t *testing.T, test func(t *testing.T, from, to string)) {
	for _, c := range changes {
		t.Run(fmt.Sprintf("from %q to %q", c[0], c[1]), func(t *testing.T) { test(t, c[0], c[1]) })
	}
}

// A copy of the key, taken before the passphrase was set, changed or taken away, opens
// nothing that is written afterwards.
func TestOldKeyOpensNothingNew(t *testing.T) {
	t.Parallel()
	eachChange(t, func(t *testing.T, from, to string) {
		k, dir := created(t, from)
		put(t, k, "head", "before")
		stolen := read(t, dir, "keyring.key")
		if err := k.SetPassphrase(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		thief := t.TempDir()
		opens := func() error {
			write(t, thief, "keyring.key", stolen)
			write(t, thief, "keyring.age", read(t, dir, "keyring.age"))
			_, err := file(thief, says(from)).Get(t.Context(), "head")
			return err
		}
		if _, damaged := errors.AsType[*keyring.DamagedError](opens()); !damaged {
			t.Errorf("the old key opens the items: %v", opens())
		}
		put(t, k, "head", "after")
		if _, damaged := errors.AsType[*keyring.DamagedError](opens()); !damaged {
			t.Errorf("the old key opens what was written since: %v", opens())
		}
		wantItem(t, file(dir, says(to)), "head", "after")
	})
}

// crashed stands for a process that is gone.
type crashed struct{}

func crashes(f func() error) (err error, gone bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case crashed:
			gone = true
		default:
			panic(p)
		}
	}()
	return f(), false
}

// opensWith returns the passphrases among two that open the keyring.
func opensWith(t *testing.T, dir, item string, passphrases ...string) (with []string) {
	t.Helper()
	for _, p := range passphrases {
		k := file(dir, says(p))
		protected, err := k.Protected()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Get(t.Context(), "head"); err == nil && got == item && protected == (p != "") {
			with = append(with, p)
		}
	}
	return with
}

// Wherever a change of the passphrase is stopped, by a crash or by an error, the keyring
// opens with the old one or the new one, the next write opens to that alone, and no
// key lies in clear while there is a passphrase. An error says that the old one is in force.
func TestPassphraseCutShort(t *testing.T) {
	t.Parallel()
	refused := errors.New("no space left")
	eachChange(t, func(t *testing.T, from, to string) {
		for _, how := range []string{"crash before", "crash after", "error"} {
			for n := 1; ; n++ {
				k, dir := created(t, from)
				put(t, k, "head", "before")
				step := 0
				k.Replacing(func(path string, data []byte) error {
					protected, err := file(dir, says(from)).Protected()
					if err != nil {
						t.Fatal(err)
					}
					if protected && strings.Contains(string(data), "AGE-SECRET-KEY") {
						t.Errorf("%s %d: a key in clear lies aside, while there is a passphrase", how, n)
					}
					step++
					switch {
					case step == n && how == "crash before":
						panic(crashed{})
					case step == n && how == "error":
						return refused
					}
					return nil
				}, func() {
					if step == n && how == "crash after" {
						panic(crashed{})
					}
				})
				err, gone := crashes(func() error { return k.SetPassphrase(t.Context(), to) })
				if step < n {
					break
				}
				with := opensWith(t, dir, "before", from, to)
				if len(with) == 0 {
					t.Fatalf("%s %d: it opens with neither passphrase", how, n)
				}
				now := with[0]
				if !gone && (err == nil) != (now == to) && from != to {
					t.Errorf("%s %d: the passphrase is %q, and what was said is: %v", how, n, now, err)
				}
				put(t, file(dir, says(now)), "head", "since")
				if with := opensWith(t, dir, "since", now); len(with) != 1 {
					t.Errorf("%s %d: the next write does not open", how, n)
				}
				for _, p := range []string{from, to} {
					if err := file(dir, says(now)).SetPassphrase(t.Context(), p); err != nil {
						t.Errorf("%s %d: the next change: %v", how, n, err)
					}
					now = p
				}
				if with := opensWith(t, dir, "since", to); len(with) != 1 {
					t.Errorf("%s %d: the next change does not open", how, n)
				}
			}
		}
	})
}

// A key in clear takes the place of the one under a passphrase once it is whole, and
// not before, however it was cut.
func TestKeyCutShort(t *testing.T) {
	t.Parallel()
	k, dir := created(t, "old")
	put(t, k, "head", "x")
	sealed := read(t, dir, "keyring.key")
	var both string // sealed to the old key and the new one
	k.Replacing(func(path string, data []byte) error {
		if filepath.Base(path) == "keyring.key" {
			both = read(t, dir, "keyring.age")
			panic(crashed{})
		}
		return nil
	}, func() {})
	if _, gone := crashes(func() error { return k.SetPassphrase(t.Context(), "") }); !gone {
		t.Fatal("the key was not replaced")
	}
	added, found := strings.CutPrefix(read(t, dir, "keyring.key"), sealed)
	if !found || !strings.Contains(added, "AGE-SECRET-KEY-1") {
		t.Fatal("the key in clear was not added to the sealed one")
	}
	for n := range len(added) + 1 {
		write(t, dir, "keyring.key", sealed+added[:n])
		write(t, dir, "keyring.age", both)
		with := opensWith(t, dir, "x", "old", "")
		if len(with) != 1 {
			t.Fatalf("%d of %d bytes: it opens with %q", n, len(added), with)
		}
		_, key, _ := strings.Cut(added, "AGE-")
		if whole := strings.Contains(added[:n], "AGE-"+strings.TrimSpace(key)); whole != (with[0] == "") {
			t.Errorf("%d of %d bytes: it opens with %q", n, len(added), with)
		}
	}
}

// A reader that had read the old key when the new one came reads again.
func TestReaderWhilePassphraseChanges(t *testing.T) {
	t.Parallel()
	k, dir := created(t, "")
	put(t, k, "head", "x")
	reader := file(dir, says(""))
	wantItem(t, reader, "head", "x")
	changed := make(chan error)
	go func() {
		var err error
		for range 30 {
			err = errors.Join(err, k.SetPassphrase(context.Background(), ""))
		}
		changed <- err
	}()
	for {
		select {
		case err := <-changed:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			wantItem(t, reader, "head", "x")
		}
	}
}

// A key that others may read, or that is another user's, is refused as ssh refuses it,
// before anything is opened with it.
func TestExposedKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the mode of a file says nothing here")
	}
	t.Parallel()
	k, dir := created(t, "")
	put(t, k, "head", "x")
	path := filepath.Join(dir, "keyring.key")
	refused := func(what string) {
		t.Helper()
		asked := file(dir, func(context.Context) (string, error) { t.Error("a passphrase is asked for"); return "", nil })
		_, getErr := asked.Get(t.Context(), "head")
		_, protectedErr := asked.Protected()
		for how, err := range map[string]error{
			"Get": getErr, "Protected": protectedErr, "Set": k.Set(t.Context(), "head", "y"), "Delete": k.Delete(t.Context(), "head"),
			"SetPassphrase": k.SetPassphrase(t.Context(), "new"),
		} {
			if !errors.Is(err, keyring.ErrExposed) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: %v", what, how, err)
			}
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused(fmt.Sprintf("mode %o", mode))
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		wantItem(t, k, "head", "x")
	}
	if os.Geteuid() != 0 {
		return // only root can give a file away
	}
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Fatal(err)
	}
	refused("of another user")
}

// To erase the items takes no passphrase, and leaves the key.
func TestErase(t *testing.T) {
	t.Parallel()
	k, dir := created(t, "old")
	put(t, k, "head", "x")
	key := read(t, dir, "keyring.key")
	for range 2 {
		if err := file(dir, nil).Erase(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Get(t.Context(), "head"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if read(t, dir, "keyring.key") != key {
		t.Error("the key is another one")
	}
}

package keyring_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// says answers every question for a passphrase alike.
func says(passphrase string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return passphrase, nil }
}

// file returns a file keyring in a folder, with scrypt at its cheapest.
func file(dir string, passphrase func(context.Context) (string, error)) *keyring.FileKeyring {
	return keyring.File(keyring.FileOptions{Dir: dir, Passphrase: passphrase, WorkFactor: 1})
}

// created is a new file keyring under a passphrase, or under none.
func created(t *testing.T, passphrase string) (k *keyring.FileKeyring, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "keyring")
	k = file(dir, says(passphrase))
	if err := k.Create(t.Context(), passphrase); err != nil {
		t.Fatal(err)
	}
	return k, dir
}

func put(t *testing.T, k keyring.Keyring, name, value string) {
	t.Helper()
	if err := keyring.Put(t.Context(), k, name, value); err != nil {
		t.Fatal(err)
	}
}

func wantItem(t *testing.T, k keyring.Keyring, name, value string) {
	t.Helper()
	if got, err := k.Get(t.Context(), name); err != nil || got != value {
		t.Fatalf("Get %s: %q, %v; want %q", name, got, err, value)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	for _, passphrase := range []string{"", "correct horse"} {
		keyringtest.Test(t, func(t *testing.T) keyring.Keyring {
			k, _ := created(t, passphrase)
			return k
		})
	}
}

func TestFileIsSeenByOthers(t *testing.T) {
	t.Parallel()
	one, dir := created(t, "")
	two := file(dir, nil)
	put(t, one, "head", "1")
	wantItem(t, two, "head", "1")
	put(t, two, "head", "2")
	wantItem(t, one, "head", "2")
}

func TestFileStates(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "keyring")
	k := file(dir, nil)
	if k.Exists() {
		t.Error("it exists before Create")
	}
	if _, err := k.Get(t.Context(), "head"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("Get before Create: %v", err)
	}
	if err := k.Delete(t.Context(), "head"); err != nil {
		t.Errorf("Delete before Create: %v", err)
	}
	if err := k.Set(t.Context(), "head", "x"); !errors.Is(err, keyring.ErrNoKey) || k.Exists() {
		t.Errorf("Set before Create: %v", err)
	}
	if err := k.Create(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if !k.Exists() {
		t.Error("it does not exist after Create")
	}
	key := read(t, dir, "keyring.key")
	if err := k.Create(t.Context(), ""); !errors.Is(err, fs.ErrExist) || key != read(t, dir, "keyring.key") {
		t.Errorf("a second Create: %v", err)
	}
	put(t, k, "head", "x")
	for _, name := range []string{"keyring.key", "keyring.age", "."} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%d files, %v: something was left behind", len(entries), err)
	}

	remove(t, dir, "keyring.key")
	var damaged *keyring.DamagedError
	if _, err := file(dir, nil).Get(t.Context(), "head"); !errors.Is(err, keyring.ErrNoKey) || !errors.As(err, &damaged) {
		t.Errorf("Get without the key: %v", err)
	}
	if err := file(dir, nil).Create(t.Context(), ""); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over items whose key is missing: %v", err)
	}
	if _, err := file(dir, nil).Protected(); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Protected without the key: %v", err)
	}
}

func TestFilePassphrase(t *testing.T) {
	t.Parallel()
	k, dir := created(t, "one")
	put(t, k, "head", "x")
	asked := 0
	counting := file(dir, func(context.Context) (string, error) { asked++; return "one", nil })
	wantItem(t, counting, "head", "x")
	wantItem(t, counting, "head", "x")
	if asked != 1 {
		t.Errorf("the passphrase was asked for %d times", asked)
	}
	wantItem(t, file(dir, says("one")), "head", "x")

	noAnswer := errors.New("no answer")
	for what, c := range map[string]struct {
		passphrase func(context.Context) (string, error)
		want       error
	}{
		"another":   {says("two"), keyring.ErrWrongPassphrase},
		"none":      {says(""), keyring.ErrWrongPassphrase},
		"no way":    {nil, keyring.ErrLocked},
		"no answer": {func(context.Context) (string, error) { return "", noAnswer }, noAnswer},
	} {
		if _, err := file(dir, c.passphrase).Get(t.Context(), "head"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if err := file(dir, c.passphrase).SetPassphrase(t.Context(), "stolen"); !errors.Is(err, c.want) {
			t.Errorf("SetPassphrase with %s: %v, want %v", what, err, c.want)
		}
	}

	for _, c := range []struct {
		passphrase string
		protected  bool
	}{{"two", true}, {"", false}, {"three", true}} {
		if err := k.SetPassphrase(t.Context(), c.passphrase); err != nil {
			t.Fatal(err)
		}
		if protected, err := k.Protected(); err != nil || protected != c.protected {
			t.Errorf("Protected: %v, %v", protected, err)
		}
		wantItem(t, k, "head", "x")
		wantItem(t, file(dir, says(c.passphrase)), "head", "x")
	}
	if _, err := file(dir, says("one")).Get(t.Context(), "head"); !errors.Is(err, keyring.ErrWrongPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
}

// TestFileDamage cuts either file short and flips bytes all over it: an error
// of its own, never an item, never emptiness.
func TestFileDamage(t *testing.T) {
	t.Parallel()
	for _, passphrase := range []string{"", "one"} {
		k, dir := created(t, passphrase)
		put(t, k, "head", "x")
		for _, name := range []string{"keyring.age", "keyring.key"} {
			sound := read(t, dir, name)
			check := func(what string, at int, text string) {
				t.Helper()
				write(t, dir, name, text)
				got, err := file(dir, says(passphrase)).Get(t.Context(), "head")
				var damaged *keyring.DamagedError
				switch {
				case err == nil && got == "x" && name == "keyring.key":
					// A comment of the key, its last newline, the case of a word.
				case err == nil || got != "":
					t.Errorf("%s %s at %d: %q, %v", name, what, at, got, err)
				case errors.As(err, &damaged):
					if damaged.Item == "" || damaged.Why == "" {
						t.Errorf("%s %s at %d: it is not said what is damaged, or how: %v", name, what, at, err)
					}
				case passphrase != "" && errors.Is(err, keyring.ErrWrongPassphrase):
				default:
					t.Errorf("%s %s at %d: %v", name, what, at, err)
				}
				if err != nil && strings.Contains(err.Error(), "AGE-SECRET") {
					t.Errorf("%s %s at %d: the error quotes the key", name, what, at)
				}
			}
			for i := 0; i < len(sound); i += 3 {
				check("cut", i, sound[:i])
				flipped := []byte(sound)
				flipped[i] ^= 1
				check("flipped", i, string(flipped))
			}
			check("cut", len(sound)-1, sound[:len(sound)-1])
			check("with a tail", len(sound), sound+"x")
			write(t, dir, name, sound)
		}
		remove(t, dir, "keyring.age")
		if _, err := file(dir, says(passphrase)).Get(t.Context(), "head"); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("a key without items: %v", err)
		}
	}
}

func TestFileForeign(t *testing.T) {
	t.Parallel()
	k, dir := created(t, "")
	put(t, k, "head", "x")
	_, other := created(t, "")
	var damaged *keyring.DamagedError

	write(t, dir, "keyring.key", read(t, other, "keyring.key"))
	if _, err := k.Get(t.Context(), "head"); !errors.As(err, &damaged) {
		t.Errorf("a key of another keyring: %v", err)
	}
	if err := k.SetPassphrase(t.Context(), "one"); !errors.As(err, &damaged) {
		t.Errorf("SetPassphrase of a key that opens nothing: %v", err)
	}
	remove(t, dir, "keyring.key")
	if err := os.Mkdir(filepath.Join(dir, "keyring.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(t.Context(), "head"); !errors.As(err, &damaged) {
		t.Errorf("a folder for a key: %v", err)
	}
}

// TestFileOpensWithAge: the two commands that the documentation names.
func TestFileOpensWithAge(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "age", "age")
	for _, passphrase := range []string{"", "correct horse"} {
		k, dir := created(t, passphrase)
		put(t, k, "head", "x")
		commands := map[string]string{"-d -i keyring.key keyring.age": `{"head":"x"}`}
		if passphrase != "" {
			commands["-d keyring.key"] = "AGE-SECRET-KEY-1"
		}
		for args, want := range commands {
			if out := age(t, dir, passphrase, strings.Fields(args)...); !strings.Contains(out, want) {
				t.Errorf("age %s: %q", args, out)
			}
		}
	}
}

// age runs stock age on a terminal of its own, types the passphrase when it is
// asked for, and returns what it said.
func age(t *testing.T, dir, passphrase string, args ...string) string {
	t.Helper()
	cmd := exec.Command("age", args...)
	cmd.Dir = dir
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var said strings.Builder
	buffer := make([]byte, 4096)
	for typed := false; ; {
		n, err := terminal.Read(buffer)
		said.Write(buffer[:n])
		if !typed && passphrase != "" && strings.Contains(said.String(), ": ") {
			typed = true
			if _, err := terminal.WriteString(passphrase + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil { // the terminal's end
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("age %s: %v: %s", strings.Join(args, " "), err, said.String())
	}
	return said.String()
}

// TestFileStore: a vault of every size lies in a file keyring.
func TestFileStore(t *testing.T) {
	t.Parallel()
	k, _ := created(t, "one")
	for i, size := range []int{0, 100, 100_000, 1_000_000, 5} {
		save(t, k, uint64(i+1), size)
		wantLoad(t, k, uint64(i+1), size)
	}
	if err := keyring.NewStore(k).Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.NewStore(k).Load(t.Context()); !errors.Is(err, keyring.ErrNotFound) {
		t.Error(err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// TestItemNames: a name that not every system keeps apart from others is refused, and not
// looked for.
func TestItemNames(t *testing.T) {
	t.Parallel()
	k, _ := created(t, "")
	for _, name := range []string{"", "Head", "headZ", "a b", "a/b", "a-b", "a:b", "a{b", "`", "@", "[", "é"} {
		_, get := k.Get(t.Context(), name)
		for what, err := range map[string]error{"Get": get, "Set": k.Set(t.Context(), name, "x"), "Delete": k.Delete(t.Context(), name)} {
			if err == nil || errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
	for _, name := range []string{"a", "z", "0", "9", "az09"} {
		put(t, k, name, "x")
		wantItem(t, k, name, "x")
	}
}

// TestFileAfterTheEnd: a call whose context has ended says so, and changes nothing.
func TestFileAfterTheEnd(t *testing.T) {
	t.Parallel()
	k, dir := created(t, "")
	put(t, k, "head", "x")
	fresh := t.TempDir()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: keyring.ErrTimeout} {
		_, get := k.Get(ctx, "head")
		for what, err := range map[string]error{
			"Get": get, "Set": k.Set(ctx, "head", "y"), "Delete": k.Delete(ctx, "head"), "Erase": k.Erase(ctx),
			"Create": file(fresh, says("")).Create(ctx, ""),
		} {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
	}
	wantItem(t, file(dir, says("")), "head", "x")
	if left, err := os.ReadDir(fresh); err != nil || len(left) > 0 {
		t.Errorf("there is %v, %v", left, err)
	}
}

package keyring_test

import (
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

const userKeyring = unix.KEY_SPEC_USER_KEYRING

// keptByKernel keeps a secret in the kernel under a name of its own.
func keptByKernel(t *testing.T, k keyring.Keeper, secret string) (name string) {
	t.Helper()
	name = "auth-test:" + rand.Text()
	t.Cleanup(func() {
		if err := k.Forget(name); err != nil {
			t.Error(err)
		}
	})
	if err := k.Keep(name, []byte(secret), 600); err != nil {
		t.Fatal(err)
	}
	return name
}

// possessing calls f while its thread possesses what is in the keyring of the user.
func possessing(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const thread = unix.KEY_SPEC_THREAD_KEYRING
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, userKeyring, thread, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.KeyctlInt(unix.KEYCTL_UNLINK, userKeyring, thread, 0, 0)
	f()
}

// alone runs the rest of a test in a process of its own, on a thread that the test may spoil, and reports whether this is
// that process. In this one a thread may not end: it may be the parent of other tests' processes, which end with it.
func alone(t *testing.T) bool {
	t.Helper()
	const mark = "AUTH_TEST_ALONE"
	if os.Getenv(mark) != "" {
		runtime.LockOSThread()
		return true
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// The kernel keeps a secret, gives it to whoever of the user asks, and forgets it.
func TestKernel(t *testing.T) {
	t.Parallel()
	k := keyringtest.Kernel(t)
	name := keptByKernel(t, k, "first")
	for _, want := range []string{"first", "second", strings.Repeat("x", 1000)} {
		if err := k.Keep(name, []byte(want), 600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := k.Kept(name); err != nil || string(got) != want {
				t.Errorf("kept %q, %v; want %q", got, err, want)
			}
		}
	}
	for range 2 {
		if err := k.Forget(name); err != nil {
			t.Error(err)
		}
		if got, err := k.Kept(name); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("forgotten, and there is %q, %v", got, err)
		}
	}
}

// The kernel ends the time by itself.
func TestKernelEndsTheTime(t *testing.T) {
	t.Parallel()
	k := keyringtest.Kernel(t)
	name := keptByKernel(t, k, "secret")
	if err := k.Keep(name, []byte("secret"), 1); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := k.Kept(name)
		if errors.Is(err, keyring.ErrNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := k.Keep(name, []byte("again"), 600); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Kept(name); err != nil || string(got) != "again" {
		t.Errorf("after its end another one is kept as %q, %v", got, err)
	}
}

// A key can be found, seen and read by who possesses it, and by nobody else. Whoever possesses it can neither change it,
// nor make its time longer, nor open it to others.
func TestKernelPermissions(t *testing.T) {
	t.Parallel()
	name := keptByKernel(t, keyringtest.Kernel(t), "secret")
	possessing(t, func() {
		id, err := unix.KeyctlSearch(userKeyring, "user", name, 0)
		if err != nil {
			t.Fatal(err)
		}
		// type;uid;gid;perm;description (keyctl(2), KEYCTL_DESCRIBE). The first two digits are the possessor's, then come
		// user, group and others: 0x01 view, 0x02 read, 0x08 search (keyctl_setperm(3)).
		text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
		if words := strings.Split(text, ";"); err != nil || len(words) != 5 || words[3] != "0b000000" || words[4] != name {
			t.Errorf("the key is %q, %v", text, err)
		}
		if _, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, make([]byte, 100), 0); err != nil {
			t.Errorf("reading it: %v", err)
		}
		_, timeErr := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, 0, 0, 0)
		_, writeErr := unix.AddKey("user", name, []byte("another"), userKeyring)
		_, linkErr := unix.KeyctlInt(unix.KEYCTL_LINK, id, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
		for what, err := range map[string]error{
			"more time": timeErr, "another content": writeErr, "a further link": linkErr, "other permissions": unix.KeyctlSetperm(id, 0x3f3f3f3f),
		} {
			if !errors.Is(err, unix.EACCES) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// A session without the user's keyring, as one of ssh or su may be, has the key all the same.
func TestKernelInAnotherSession(t *testing.T) {
	t.Parallel()
	k := keyringtest.Kernel(t)
	if !alone(t) {
		return
	}
	name := keptByKernel(t, k, "secret")
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil { // a new one
		t.Fatal(err)
	}
	id, err := unix.KeyctlSearch(userKeyring, "user", name, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, make([]byte, 100), 0); !errors.Is(err, unix.EACCES) {
		t.Errorf("the session possesses the key by itself: %v", err)
	}
	if got, err := k.Kept(name); err != nil || string(got) != "secret" {
		t.Errorf("in a session without the user's keyring: %q, %v", got, err)
	}
}

// Another user has neither the key nor a way to it, and keys of their own.
func TestKernelOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	k := keyringtest.Kernel(t)
	if !alone(t) {
		return
	}
	name := keptByKernel(t, k, "secret")
	id, err := unix.KeyctlSearch(userKeyring, "user", name, 0)
	if err != nil {
		t.Fatal(err)
	}
	const somebody = 54321
	become := func(uid uintptr) {
		t.Helper()
		// Of this thread alone, where syscall.Setresuid is for all; root stays possible.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	become(somebody)
	defer become(0) // for what takes the key away in the end
	if got, err := k.Kept(name); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("another user finds %q, %v", got, err)
	}
	if _, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, make([]byte, 100), 0); !errors.Is(err, unix.EACCES) {
		t.Errorf("another user reads the key by its number: %v", err)
	}
	if _, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id); !errors.Is(err, unix.EACCES) {
		t.Errorf("another user sees the key: %v", err)
	}
	if err := k.Keep(name, []byte("theirs"), 60); err != nil {
		t.Error(err)
	}
	if got, err := k.Kept(name); err != nil || string(got) != "theirs" {
		t.Errorf("what another user keeps is %q, %v", got, err)
	}
	if err := k.Forget(name); err != nil {
		t.Error(err)
	}
	become(0)
	if got, err := k.Kept(name); err != nil || string(got) != "secret" {
		t.Errorf("afterwards the key is %q, %v", got, err)
	}
}

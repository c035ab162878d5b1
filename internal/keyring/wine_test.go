//go:build linux && amd64

package keyring_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// TestWindowsUnderWine runs the tests of the Windows Credential Manager under wine: this
// package's tests, built for Windows. Wine, and the compiler for a library that wine 8
// lacks, are large, so that nothing installs them by itself.
func TestWindowsUnderWine(t *testing.T) {
	t.Parallel()
	if !testenv.Required("wine") {
		testenv.NeedLong(t)
	}
	wine := testenv.Program(t, "wine", "wine")
	compiler := testenv.Program(t, "x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64-win32")
	dir := t.TempDir()
	program := filepath.Join(dir, "keyring.exe")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := append(os.Environ(), "WINEPREFIX="+filepath.Join(dir, "prefix"), "WINEDEBUG=-all", "WINEDLLOVERRIDES=bcryptprimitives=n", "DISPLAY=")
	do := func(what string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(what, args...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", what, args, err, out)
		}
		return out
	}
	do(wine, "wineboot", "-i")
	library := filepath.Join(dir, "prefix", "drive_c", "windows", "system32", "bcryptprimitives.dll")
	if _, err := os.Stat(library); err != nil {
		do(compiler, "-shared", "-o", library, filepath.Join("testdata", "bcryptprimitives.c"), "-ladvapi32")
	}
	out := do(wine, program, "-test.run=^TestCredentialManager", "-test.v")
	t.Logf("%s", out)
}

// Demo shows the program's main job from end to end. It needs only Go.
//
//	go run ./internal/demo
//
// It builds the program into a temporary folder and runs it in separate processes. Each
// has its own AUTH_HOME there, uses the file keyring and cannot ask anything. It adds the
// account of a QR image, prints its code, backs up, and restores on a second, empty
// device, where the code must be the same. It prints each command and its result.
// README.md shows that output, and the test of this package checks that. If anything
// differs, the exit code is 1.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	// at is the time of every code here. It is in the past, so the codes can be
	// reproduced.
	at = "2026-01-02T03:04:05Z"
	// code is what oathtool (OATH Toolkit 2.6.7) prints for the key in docs/example.png,
	// which is that of RFC 6238, appendix B. oathtool shares no code with us:
	//
	//	oathtool --totp -b -N '2026-01-02 03:04:05 UTC' GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
	code = "652348"
	// passphrase encrypts the backup. A real one would be secret.
	passphrase = "correct horse battery staple\n"
)

func main() {
	if err := run(".", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run builds the program of the module at root and writes the transcript of its main job to out.
func run(root string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "auth-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := prepare(root, dir); err != nil {
		return err
	}

	old := device{dir: dir, home: "old-laptop", out: out}
	fresh := device{dir: dir, home: "new-laptop", out: out}
	if err := errors.Join(old.setUp(), fresh.setUp()); err != nil {
		return err
	}
	showCode := []string{"code", "example", "--at", at}
	for _, step := range []struct {
		on     device
		args   []string
		stdout string // The expected standard output; empty if it does not matter.
	}{
		{old, []string{"import", "docs/example.png"}, ""},
		{old, showCode, code + "\n"},
		{old, []string{"backup", "--to", "vault.age", "--passphrase-file", "passphrase.txt"}, ""},
		{fresh, []string{"restore", "vault.age", "--passphrase-file", "passphrase.txt"}, ""},
		{fresh, showCode, code + "\n"},
	} {
		got, err := step.on.auth(step.args...)
		if err != nil {
			return err
		}
		if step.stdout != "" && got != step.stdout {
			return fmt.Errorf("auth %s printed %q, want %q", strings.Join(step.args, " "), got, step.stdout)
		}
	}
	return nil
}

// prepare builds the program into dir and adds the files that the commands read.
func prepare(root, dir string) error {
	// Stamping the version control state would need git.
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, program()), ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // As in releases. No C compiler is needed.
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	image, err := os.ReadFile(filepath.Join(root, "docs", "example.png"))
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "docs", "example.png"), image, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "passphrase.txt"), []byte(passphrase), 0o600)
}

// program returns the file name of the built program.
func program() string {
	if runtime.GOOS == "windows" {
		return "auth.exe"
	}
	return "auth"
}

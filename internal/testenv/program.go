package testenv

import (
	"os"
	"syscall"
	"testing"
)

// Executable writes a program that is run at once, such as a script in the place of a real
// one. Meanwhile no child of another test is forked: it would hold the file open for writing
// until its own exec, and until then the program is "text file busy".
//
// Source: https://go.dev/issue/22315
func Executable(t testing.TB, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(text), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}

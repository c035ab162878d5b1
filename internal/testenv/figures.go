package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Times returns how often a test does something: long in a long run, else usual. The table of docs/reliability.md has to have
// both, in the row that begins with what.
func Times(t testing.TB, what string, usual, long int) int {
	t.Helper()
	row := fmt.Sprintf("| %s | %d | %d |\n", what, usual, long)
	if page := FileOf(t, "docs", "reliability.md"); !strings.Contains(page, row) {
		t.Errorf("docs/reliability.md has not the row %q", row)
	}
	if Long() {
		return long
	}
	return usual
}

// FileOf returns the text of a file of the module, as it has it where lines end as on Linux. Tests run in the folder of their package.
func FileOf(t testing.TB, path ...string) string {
	t.Helper()
	root, err := os.Getwd()
	for ; err == nil; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Fatal("no folder above has go.mod")
		}
	}
	text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

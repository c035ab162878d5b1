package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/cmd"
)

// root is the root of the module. Tests run in the folder of their package.
const root = "../.."

func generated(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := generate(cmd.NewRoot(&cmd.Env{}))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNothingIsStale(t *testing.T) {
	t.Parallel()
	files := generated(t)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		committed, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		switch {
		case err != nil:
			t.Errorf("%s is missing: run go generate ./...", path)
		case !bytes.Equal(bytes.ReplaceAll(committed, []byte("\r\n"), []byte("\n")), files[path]):
			t.Errorf("%s is stale: run go generate ./...", path)
		}
	}
	lost, err := orphans(root, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lost {
		t.Errorf("%s belongs to no command: run go generate ./...", path)
	}
}

func TestTheSameTwice(t *testing.T) {
	t.Parallel()
	once, twice := generated(t), generated(t)
	for path, content := range once {
		if !bytes.Equal(content, twice[path]) {
			t.Errorf("%s differs from one run to the next", path)
		}
	}
}

func TestRunReplacesAndRemoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, content := range map[string]string{"docs/cli/auth.md": "old", "docs/man/auth-gone.1": "", "docs/other.md": "kept"} {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "docs/cli/auth.md")); err != nil || !bytes.HasPrefix(page, []byte("## auth\n")) {
		t.Errorf("docs/cli/auth.md is %q, %v", page, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "docs/man/auth-gone.1")); !os.IsNotExist(err) {
		t.Errorf("the page of a command that is gone is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "docs/other.md")); err != nil {
		t.Errorf("a file outside the generated folders: %v", err)
	}
}

// TestShippedProgramWritesNoDocuments checks that the program does not link what only
// this package, the demo and the tests need.
func TestShippedProgramWritesNoDocuments(t *testing.T) {
	t.Parallel()
	list := exec.Command("go", "list", "-deps", ".")
	list.Dir = root
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, unwanted := range []string{
			"github.com/spf13/cobra/doc", "go-md2man", "blackfriday", "yaml", "go-internal/testscript", "creack/pty", "/internal/docgen", "/internal/demo",
		} {
			if strings.Contains(dep, unwanted) {
				t.Errorf("the program links %s, which is for development alone", dep)
			}
		}
		if dep == "testing" {
			t.Error("the program links the package testing")
		}
	}
}

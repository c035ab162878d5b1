// Docgen generates files from the command tree, the list of formats and the pages in docs:
// docs/cli, the man pages in docs/man, the completions of four shells, and
// docs/formats.md. They are
// committed, so that packagers and readers need no build. The test of this package fails
// if they are out of date.
//
// Run it from the root of the module:
//
//	go generate ./...
//
// The output depends only on the tree, not on dates, paths or the environment. The
// program itself links none of the code that writes documents.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/authcli/auth/cmd"
)

// folders contain only generated files. Docgen removes all others.
var folders = [...]string{"docs/cli", "docs/man", "completions"}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

// run updates the generated folders below root.
func run(root string) error {
	files, err := generate(cmd.NewRoot(&cmd.Env{}))
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		name := filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, files[path], 0o644); err != nil {
			return err
		}
	}
	stale, err := orphans(root, files)
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(path))); err != nil {
			return err
		}
	}
	return nil
}

// orphans returns the slash-separated paths of files in the generated folders that are
// not in files.
func orphans(root string, files map[string][]byte) ([]string, error) {
	var found []string
	for _, folder := range folders {
		entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(folder)))
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			path := folder + "/" + entry.Name()
			if _, ok := files[path]; !ok {
				found = append(found, path)
			}
		}
	}
	return found, nil
}

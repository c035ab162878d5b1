//go:build unix

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zalando/go-keyring"
)

// looks returns what reads the vault.
func looks(auth, dir string) []*program {
	list := []*program{}
	for _, n := range sizes() {
		env := []string{home(dir, n)}
		code := &program{name: lookup(n), command: []string{auth, "code", fmt.Sprintf("service%d", n/2)}, env: env}
		complete := &program{
			name: "completion, " + accounts(n), command: []string{auth, "__complete", "code", "service1"}, env: env, against: code.name, bar: "≤ 1.5",
		}
		list = append(list, code, complete,
			&program{name: "auth list, " + accounts(n), command: []string{auth, "list"}, env: env, against: code.name},
			&program{name: "auth code --all, " + accounts(n), command: []string{auth, "code", "--all"}, env: env, against: code.name},
		)
	}
	return list
}

// set is the bare write that changes are compared to.
const set = "go-keyring Set, one small item"

// changes returns what writes the vault, at each size, and what backs up and restores.
func changes(dir string) ([]*program, error) {
	auth := filepath.Join(dir, "auth")
	list := []*program{{name: set, command: []string{filepath.Join(dir, "put"), smallService, "other"}}}
	for _, n := range sizes() {
		export := filepath.Join(dir, fmt.Sprintf("%d.txt", n))
		if err := os.WriteFile(export, []byte(uris(0, n)), 0o600); err != nil {
			return nil, err
		}
		location := filepath.Join(dir, fmt.Sprintf("location-%d", n))
		backed := []string{fmt.Sprintf("AUTH_HOME=%s/backed-%d", dir, n)}
		if err := backUpTo(dir, backed, location, n); err != nil {
			return nil, err
		}
		untouched := location + "-untouched"
		if err := os.CopyFS(untouched, os.DirFS(location)); err != nil {
			return nil, err
		}
		// A device that is new each time: what the one before left in the keyring is removed,
		// since gnome-keyring writes all that it has at each change.
		fresh := func(what string) func(int) ([]string, string, error) {
			return func(run int) ([]string, string, error) {
				at := func(run int) string { return fmt.Sprintf("%s/%s-%d-%d", dir, what, n, run) }
				err := keyring.DeleteAll(profileService(at(run - 1)))
				return []string{"AUTH_HOME=" + at(run)}, "", err
			}
		}
		// And one that nobody has joined before.
		restored := location + "-restored"
		freshLocation := func(run int) ([]string, string, error) {
			env, input, err := fresh("restore")(run)
			return env, input, errors.Join(err, os.RemoveAll(restored), os.CopyFS(restored, os.DirFS(untouched)))
		}
		bar := ""
		if n <= 1000 {
			bar = "≤ 3"
		}
		list = append(list,
			&program{
				name: "auth add, one more to " + accounts(n), command: []string{auth, "add", "--uri", "-"}, env: []string{home(dir, n)},
				against: set, bar: bar, slow: true,
				prepare: func(run int) ([]string, string, error) { return nil, uris(100_000+run, 1), nil },
			},
			&program{name: "auth import, " + accounts(n), command: []string{auth, "import", export}, prepare: fresh("import"), slow: true},
			&program{name: "auth backup, " + accounts(n), command: []string{auth, "backup"}, env: backed, slow: true},
			&program{name: "auth sync, " + accounts(n), command: []string{auth, "sync", "--no-input"}, env: backed, slow: true},
			&program{
				name:    "auth restore, " + accounts(n),
				command: []string{auth, "restore", restored, "--identity", location + ".txt", "--no-input"}, prepare: freshLocation, slow: true,
			},
		)
	}
	return list, nil
}

// profileService is the name under which the items of an AUTH_HOME lie, which is a path
// without links.
func profileService(home string) string {
	sum := sha256.Sum256([]byte(home))
	return "auth-" + hex.EncodeToString(sum[:8])
}

// backUpTo turns backup on for n accounts, with a key in a file for restoring: a
// passphrase costs a second by design.
func backUpTo(dir string, env []string, location string, n int) error {
	passphrase := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"auth", "add", "--uri", "-"},
		{"auth", "backup", "enable", location, "--passphrase-file", passphrase},
		{"auth", "backup", "key", "--sheet", location + ".txt"},
	} {
		if err := do(dir, env, uris(0, n), command...); err != nil {
			return err
		}
	}
	return nil
}

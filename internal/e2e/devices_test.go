package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// passphrase is the recovery passphrase of every location in the tests.
const passphrase = "correct horse battery staple"

// newLocation returns a device that backs up to a new folder, and the folder.
func newLocation(t testing.TB, flags ...string) (*device, string) {
	t.Helper()
	d, loc := newDevice(t, nil), filepath.Join(t.TempDir(), "cloud")
	d.add("first")
	d.enable(loc, flags...)
	return d, loc
}

// enable turns backup on with the passphrase of the tests.
func (d *device) enable(loc string, flags ...string) {
	d.t.Helper()
	d.must(passphrase, append([]string{"backup", "enable", loc, "--passphrase-file", "-"}, flags...)...)
}

// restore restores from a location with the passphrase of the tests, and expects the exit
// code.
func (d *device) restore(code int, loc string, flags ...string) ran {
	d.t.Helper()
	r := d.run(passphrase, append([]string{"restore", loc, "--passphrase-file", "-"}, flags...)...)
	if r.code != code {
		d.t.Errorf("auth restore: exit code %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// with returns the device with additional environment variables.
func (d *device) with(env ...string) *device {
	other := *d
	other.env = append(slices.Clip(d.env), env...)
	return &other
}

// right checks the code of an account that [device.add] made.
func (d *device) right(label string) {
	d.t.Helper()
	if got := d.must("", "code", label, "--exact", "--at", "59"); got != exampleCode {
		d.t.Errorf("the code of %s is %q", label, got)
	}
}

// has checks the labels of the vault, in order.
func (d *device) has(labels ...string) {
	d.t.Helper()
	if got := d.labels(); !slices.Equal(got, labels) {
		d.t.Errorf("accounts %q, want %q", got, labels)
	}
}

// says checks that the output of a run contains each of the words.
func (r ran) says(t testing.TB, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(r.stderr, word) && !strings.Contains(r.stdout, word) {
			t.Errorf("it does not say %q:\n%s%s", word, r.stdout, r.stderr)
		}
	}
}

// status returns the exit code of auth status, and its line about the backup.
func (d *device) status() (code int, backup jsonBackup) {
	d.t.Helper()
	r := d.run("", "status", "--json")
	var status struct{ Backup jsonBackup }
	if err := json.Unmarshal([]byte(r.stdout), &status); err != nil {
		d.t.Fatalf("%v: %s%s", err, r.stdout, r.stderr)
	}
	return r.code, status.Backup
}

type jsonBackup struct {
	On        bool
	Location  string
	Stale     bool
	Reason    string
	File      string
	OtherKeys int `json:"other_keys"`
}

// current checks that backup is on and up to date.
func (d *device) current() {
	d.t.Helper()
	if code, b := d.status(); code != 0 || !b.On || b.Stale {
		d.t.Errorf("status: exit code %d, %+v", code, b)
	}
}

// stale checks that the backup is stale, and that the reason contains each of the words.
func (d *device) stale(words ...string) {
	d.t.Helper()
	code, b := d.status()
	if code != 9 || !b.Stale {
		d.t.Errorf("status: exit code %d, %+v; want stale", code, b)
	}
	for _, word := range words {
		if !strings.Contains(b.Reason, word) {
			d.t.Errorf("the reason does not say %q: %s", word, b.Reason)
		}
	}
}

// files returns the names of matching files in a folder, sorted.
func files(t testing.TB, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

func sealedKeys(t testing.TB, loc string) []string {
	t.Helper()
	return files(t, loc, "recovery-*.age")
}

// backups returns the backups in a folder, newest last.
func backups(t testing.TB, loc string) []string {
	t.Helper()
	names := slices.DeleteFunc(files(t, loc, "*.age"), func(name string) bool {
		return strings.HasPrefix(name, "recovery-") || strings.HasPrefix(name, "successor-")
	})
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(generation(a), generation(b))
	})
	return names
}

// generation returns the generation in the name of a backup, for sorting.
func generation(name string) string {
	parts := strings.Split(name, "-")
	if len(parts) < 4 {
		return ""
	}
	return strings.Repeat("0", 20-len(parts[2])) + parts[2]
}

func newest(t testing.TB, loc string) string {
	t.Helper()
	all := backups(t, loc)
	if len(all) == 0 {
		t.Fatal("there is no backup")
	}
	return filepath.Join(loc, all[len(all)-1])
}

// contents returns the hashes of all files below a folder.
func contents(t testing.TB, dir string) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	for _, name := range files(t, dir, "*") {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			sums[name] = sha256.Sum256(data)
		}
	}
	return sums
}

// kept checks that every file of before exists unchanged.
func kept(t testing.TB, dir string, before map[string][32]byte) {
	t.Helper()
	now := contents(t, dir)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if sum, found := now[name]; !found {
			t.Errorf("%s is gone", name)
		} else if sum != before[name] {
			t.Errorf("%s was changed", name)
		}
	}
}

// untouched runs f and checks that it changed neither the vault nor the folder.
func (d *device) untouched(dir string, f func()) {
	d.t.Helper()
	labels, was := d.must("", "list", "--json"), contents(d.t, dir)
	f()
	if now := d.must("", "list", "--json"); now != labels {
		d.t.Errorf("the vault changed\nbefore %s\nafter  %s", labels, now)
	}
	kept(d.t, dir, was)
	if len(contents(d.t, dir)) != len(was) {
		d.t.Errorf("the location holds %q", files(d.t, dir, "*"))
	}
}

// carry acts as a sync client: it copies the new files of one folder to others.
func carry(t testing.TB, from string, to ...string) {
	t.Helper()
	for _, dir := range to {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range files(t, from, "*") {
			copyFile(t, filepath.Join(from, name), filepath.Join(dir, name))
		}
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, data)
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

package transfer_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer"
)

// want is what is to come out of a fixture: FILE.want.json beside FILE.
type want struct {
	Passphrase *string
	Accounts   []fields
	Skipped    int
	Warnings   int
	Dropped    []string
}

// fields are all that an account has, as text.
type fields struct {
	Type, Issuer, Name, Secret, Algorithm string
	Digits, Period                        int
	Counter                               uint64
	PIN                                   string
	Tags                                  []string
	Note                                  string
}

func fieldsOf(a account.Account) fields {
	return fields{
		Type: string(a.Type), Issuer: a.Issuer, Name: a.Name, Secret: hex.EncodeToString(a.Secret.Reveal()), Algorithm: string(a.Algorithm),
		Digits: a.Digits, Period: a.Period, Counter: a.Counter, PIN: string(a.PIN.Reveal()), Tags: a.Tags, Note: a.Note,
	}
}

func (f fields) equal(g fields) bool {
	tags := slices.Equal(f.Tags, g.Tags)
	f.Tags, g.Tags = nil, nil
	return tags && fmt.Sprint(f) == fmt.Sprint(g)
}

// short counts the secrets of less than five bytes, of each of which is warned.
func (w want) short() int {
	n := 0
	for _, a := range w.Accounts {
		if len(a.Secret) < 2*5 && a.Type != string(account.MOTP) {
			n++
		}
	}
	return n
}

// A fixture is one file of testdata/formats/NAME.
type fixture struct {
	format, name string
	file         transfer.File
	companions   []transfer.File // FILE-wal, or all of FILE.with/
	want         want
}

func (f fixture) files() []transfer.File { return append([]transfer.File{f.file}, f.companions...) }

func (f fixture) options() transfer.ReadOptions {
	return transfer.ReadOptions{Passphrase: func(context.Context) (string, error) {
		if f.want.Passphrase == nil {
			return "", transfer.ErrNeedsPassphrase
		}
		return *f.want.Passphrase, nil
	}}
}

func fixtures(t testing.TB) []fixture {
	t.Helper()
	wants, err := filepath.Glob("testdata/formats/*/*.want.json")
	if err != nil || len(wants) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var out []fixture
	for _, path := range wants {
		f := fixture{format: filepath.Base(filepath.Dir(path)), name: strings.TrimSuffix(path, ".want.json")}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &f.want); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		f.file = load(t, f.name)
		if _, err := os.Stat(f.name + "-wal"); err == nil {
			f.companions = append(f.companions, load(t, f.name+"-wal"))
		}
		with, err := filepath.Glob(f.name + ".with/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, companion := range with {
			f.companions = append(f.companions, load(t, companion))
		}
		out = append(out, f)
	}
	return out
}

func load(t testing.TB, path string) transfer.File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return transfer.File{Name: filepath.Base(path), Data: data}
}

// Every fixture gives exactly the accounts that were put into it, of the format of its
// folder, whatever it is called.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		t.Run(strings.TrimPrefix(f.name, "testdata/formats/"), func(t *testing.T) {
			t.Parallel()
			batch, err := transfer.Read(t.Context(), f.files(), f.options())
			if err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSuffix(f.format, "-encrypted")
			if got := batch.Formats; len(got) != 1 || strings.TrimSuffix(got[0], "-encrypted") != base {
				t.Errorf("recognised as %v", got)
			}
			for i := range max(len(batch.Accounts), len(f.want.Accounts)) {
				switch {
				case i >= len(f.want.Accounts):
					t.Errorf("one too many: %s", batch.Accounts[i].Label())
				case i >= len(batch.Accounts):
					t.Errorf("missing: %+v", f.want.Accounts[i])
				case !f.want.Accounts[i].equal(fieldsOf(batch.Accounts[i])):
					t.Errorf("account %d:\n got %+v\nwant %+v", i+1, fieldsOf(batch.Accounts[i]), f.want.Accounts[i])
				}
			}
			if len(batch.Skipped) != f.want.Skipped {
				t.Errorf("skipped %v, want %d", batch.Skipped, f.want.Skipped)
			}
			if want := f.want.Warnings + f.want.short(); len(batch.Warnings) != want {
				t.Errorf("warnings %q, want %d", batch.Warnings, want)
			}
			if !slices.Equal(batch.Dropped, f.want.Dropped) {
				t.Errorf("dropped %v, want %v", batch.Dropped, f.want.Dropped)
			}
		})
	}
}

// No format stands in the list without a file that shows what it reads.
func TestEveryFormatHasAFixture(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, f := range fixtures(t) {
		seen[f.format] = true
		if _, found := transfer.Find(f.format); !found {
			t.Errorf("%s is in the folder of no format", f.name)
		}
	}
	for _, f := range transfer.Formats() {
		if f.Read != nil && !seen[f.Name] {
			t.Errorf("testdata/formats/%s is missing", f.Name)
		}
	}
}

// A wrong passphrase is said to be one, or at least that nothing could be opened, and
// a missing one is asked for: never accounts, never another format's complaint.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		if f.want.Passphrase == nil {
			continue
		}
		t.Run(strings.TrimPrefix(f.name, "testdata/formats/"), func(t *testing.T) {
			t.Parallel()
			wrong := func(context.Context) (string, error) { return "not the passphrase", nil }
			b, err := transfer.Read(t.Context(), f.files(), transfer.ReadOptions{Passphrase: wrong})
			if !errors.Is(err, transfer.ErrWrongPassphrase) || len(b.Accounts) > 0 {
				t.Errorf("wrong passphrase: %d accounts, %v", len(b.Accounts), err)
			}
			b, err = transfer.Read(t.Context(), f.files(), transfer.ReadOptions{})
			if !errors.Is(err, transfer.ErrNeedsPassphrase) || len(b.Accounts) > 0 {
				t.Errorf("no passphrase: %d accounts, %v", len(b.Accounts), err)
			}
		})
	}
}

// The passphrase is asked for once, however many files need it, and not at all for
// files that do not.
func TestPassphraseIsAskedOnce(t *testing.T) {
	t.Parallel()
	var sealed, plain []transfer.File
	for _, f := range fixtures(t) {
		if f.format == "aegis" || f.format == "2fas" {
			if f.want.Passphrase != nil {
				sealed = append(sealed, f.file)
			} else {
				plain = append(plain, f.file)
			}
		}
	}
	asked := 0
	ask := transfer.ReadOptions{Passphrase: func(context.Context) (string, error) { asked++; return "correct horse", nil }}
	if _, err := transfer.Read(t.Context(), plain, ask); err != nil || asked != 0 {
		t.Errorf("plain files: asked %d times, %v", asked, err)
	}
	if _, err := transfer.Read(t.Context(), sealed, ask); err != nil || asked != 1 || len(sealed) < 2 {
		t.Errorf("%d encrypted files: asked %d times, %v", len(sealed), asked, err)
	}
}

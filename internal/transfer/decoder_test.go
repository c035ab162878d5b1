package transfer_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/transfer"
)

// decoder returns python3 with the package cryptography.
func decoder(t *testing.T) string {
	t.Helper()
	python := testenv.Program(t, "python3", "python3")
	if err := exec.CommandContext(t.Context(), python, "-c", "import cryptography").Run(); err != nil {
		testenv.Missing(t, "python3-cryptography", "needs the Debian package python3-cryptography")
	}
	return python
}

// decoded is one account as testdata/decode.py prints it.
type decoded struct {
	Type      account.Type
	Issuer    string
	Name      string
	Note      string
	Favorite  bool
	Tags      []string
	Secret    string
	Algorithm account.Algorithm
	Digits    int
	Period    int
	Counter   uint64
	PIN       string
}

// Other programs read what is written: a decoder in another language, written from the
// descriptions of the formats, finds every account and every field.
func TestIndependentDecoder(t *testing.T) {
	t.Parallel()
	python := decoder(t)
	for _, name := range []string{"aegis", "2fas", "bitwarden", "cxf"} {
		for _, phrase := range []string{"", "corréct horse"} {
			f, _ := transfer.Find(name)
			if phrase != "" && !f.Holds.Sealed {
				continue
			}
			t.Run(name+map[bool]string{true: "-sealed"}[phrase != ""], func(t *testing.T) {
				t.Parallel()
				dice := testenv.Rand(t)
				var accounts []account.Account
				for i := range 200 {
					if a := randomAccount(dice, i); f.Holds.Lacks(a) == "" {
						accounts = append(accounts, a)
					}
				}
				out, err := transfer.Write(name, accounts, transfer.WriteOptions{Passphrase: phrase, Rand: rand.Reader, Now: now})
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "export")
				if err := os.WriteFile(path, out.Data, 0o600); err != nil {
					t.Fatal(err)
				}
				args := []string{"testdata/decode.py", name, path}
				if phrase != "" {
					args = append(args, phrase)
				}
				cmd := exec.CommandContext(t.Context(), python, args...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				lines, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, stderr.String())
				}
				d := json.NewDecoder(bytes.NewReader(lines))
				for i, a := range accounts {
					var got decoded
					if err := d.Decode(&got); err != nil {
						t.Fatalf("account %d of %d: %v", i+1, len(accounts), err)
					}
					if !slices.Equal(got.Tags, groupTags(canHold(f, a))) || got.Favorite != slices.Contains(canHold(f, a).Tags, transfer.Favourite) || got.Note != canHold(f, a).Note {
						t.Errorf("%s: tags %v, favourite %v, note %q", a.Label(), got.Tags, got.Favorite, got.Note)
					}
					if got.Type != a.Type || got.Issuer != a.Issuer || got.Name != a.Name || got.Secret != hex.EncodeToString(a.Secret.Reveal()) ||
						got.Algorithm != a.Algorithm || got.Digits != a.Digits || got.Period != a.Period || got.Counter != a.Counter || got.PIN != string(a.PIN.Reveal()) {
						t.Errorf("%s (%s) is %s:%s (%s)", a.Label(), a.Type, got.Issuer, got.Name, got.Type)
					}
				}
				if d.More() {
					t.Error("there are more accounts than were written")
				}
			})
		}
	}
}

func groupTags(a account.Account) []string {
	return slices.DeleteFunc(append([]string{}, a.Tags...), func(tag string) bool { return tag == transfer.Favourite })
}

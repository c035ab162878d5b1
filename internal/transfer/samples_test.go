package transfer_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer"
)

// expected is one account of an .expected.json beside a sample.
type expected struct {
	Type       string
	Issuer     string
	Name       string
	SecretHex  string `json:"secret_hex"`
	SecretText string `json:"secret_text"`
	Algorithm  string
	Digits     int
	Period     *int
	Counter    *uint64
	PIN        string
	Tags       []string
	Note       string
	Favorite   bool
}

type sample struct {
	Password *string
	Accounts int
	Skipped  int
	Status   string
}

// different says what is not as expected, without the secret.
func (e expected) different(a account.Account) string {
	secret := hex.EncodeToString(a.Secret.Reveal())
	if a.Type == account.MOTP && e.SecretText != "" {
		secret, e.SecretHex = string(a.Secret.Reveal()), e.SecretText
	}
	var out []string
	differ := func(what string, is bool) {
		if is {
			out = append(out, what)
		}
	}
	differ("type", e.Type != string(a.Type))
	differ("issuer "+a.Issuer+"|"+e.Issuer, e.Issuer != a.Issuer)
	differ("name "+a.Name+"|"+e.Name, e.Name != a.Name)
	differ("secret", e.SecretHex != secret)
	// Yandex has one algorithm; what files say there means nothing.
	differ("algorithm", e.Algorithm != string(a.Algorithm) && a.Type != account.Yandex)
	differ("digits", e.Digits != a.Digits)
	differ("period", e.Period != nil && *e.Period != a.Period)
	differ("counter", e.Counter != nil && *e.Counter != a.Counter)
	differ("pin", e.PIN != string(a.PIN.Reveal()))
	tags := slices.Clone(e.Tags)
	if e.Favorite {
		tags = append(tags, transfer.Favourite)
	}
	for _, tag := range tags {
		differ("tag "+tag, !slices.Contains(a.Tags, tag))
	}
	differ("note", e.Note != "" && e.Note != a.Note)
	return strings.Join(out, ", ")
}

// Where the expected files follow the letter of a file and the program that wrote it
// does something else, or where it is a matter of our own model.
var otherwise = map[string]string{
	// Aegis itself shows codes with SHA1 for a TOTP entry that says MD5.
	"import/aegis/bwandroid__invalid_algorithm_json.json": "algorithm",
}

// TestSamples reads the files of other programs in the folder that AUTH_SAMPLES names:
// import and import-synthetic, each with an index.json and an .expected.json a file.
func TestSamples(t *testing.T) {
	t.Parallel()
	root := os.Getenv("AUTH_SAMPLES")
	if root == "" {
		t.Skip("AUTH_SAMPLES is not set")
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", "..", root)
	}
	for _, folder := range []string{"import", "import-synthetic"} {
		data, err := os.ReadFile(filepath.Join(root, folder, "index.json"))
		if err != nil {
			t.Fatalf("AUTH_SAMPLES is set and holds no samples: %v", err)
		}
		var index map[string]sample
		if err := json.Unmarshal(data, &index); err != nil {
			t.Fatal(err)
		}
		if len(index) == 0 {
			t.Fatalf("AUTH_SAMPLES is set and %s is empty", folder)
		}
		for name, want := range index {
			t.Run(folder+"/"+name, func(t *testing.T) {
				t.Parallel()
				checkSample(t, filepath.Join(root, folder), folder+"/"+name, name, want)
			})
		}
	}
}

func checkSample(t *testing.T, dir, full, name string, want sample) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if transfer.IsImage(data) {
		t.Skip("images are read by the command, with package qr")
	}
	base := filepath.Base(name)
	if i := strings.LastIndex(base, "__"); i >= 0 && strings.HasSuffix(base, ".maFile") {
		base = base[i+2:] // the name that the manifest knows
	}
	files := append([]transfer.File{{Name: base, Data: data}}, companions(t, path)...)
	batch, err := transfer.Read(context.Background(), files, transfer.ReadOptions{
		Passphrase: func(context.Context) (string, error) {
			if want.Password == nil {
				return "", errors.New("no passphrase in the index")
			}
			return *want.Password, nil
		},
		AllowCost: func(context.Context, string, transfer.Cost) (bool, error) { return true, nil },
	})
	var expect []expected
	text, readErr := os.ReadFile(path + ".expected.json")
	if readErr != nil {
		t.Fatal(readErr)
	}
	if err := json.Unmarshal(text, &expect); err != nil {
		t.Fatal(err)
	}
	if len(expect) == 0 {
		// Nothing is to come out of it: an error or an empty batch.
		if len(batch.Accounts) != 0 {
			t.Fatalf("%d accounts from a file that holds none", len(batch.Accounts))
		}
		if want.Skipped != len(batch.Skipped) {
			t.Errorf("%d skipped, want %d (%v)", len(batch.Skipped), want.Skipped, err)
		}
		t.Logf("answer: %v", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Accounts) != len(expect) || len(batch.Skipped) != want.Skipped {
		t.Errorf("%d accounts and %d skipped, want %d and %d: %v", len(batch.Accounts), len(batch.Skipped), len(expect), want.Skipped, batch.Skipped)
	}
	for i := range min(len(expect), len(batch.Accounts)) {
		if d := expect[i].different(batch.Accounts[i]); d != otherwise[full] {
			t.Errorf("account %d (%s): not as expected: %s", i+1, batch.Accounts[i].Label(), d)
		}
	}
}

// companions returns the files that belong to a sample: a Steam manifest, the log of a
// database.
func companions(t *testing.T, path string) []transfer.File {
	t.Helper()
	names := []string{path + "-wal"}
	if prefix, _, found := strings.Cut(path, ".maFile"); found {
		names = append(names, prefix[:strings.LastIndex(prefix, "__")]+"__manifest.json")
	}
	var out []transfer.File
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil {
			base := filepath.Base(name)
			if i := strings.LastIndex(base, "__"); i >= 0 {
				base = base[i+2:]
			}
			out = append(out, transfer.File{Name: base, Data: data})
		}
	}
	return out
}

package e2e

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// formats is the folder of internal/transfer's fixtures.
var formats = filepath.Join(root, "internal", "transfer", "testdata", "formats")

// A readAccount is what the program's JSON and a want.json say in the same words.
type readAccount struct {
	Type, Issuer, Name, Algorithm, PIN, Note string
	Digits, Period                           int
	Counter                                  uint64
}

// The program reads every foreign format. Each fixture of internal/transfer gives exactly
// the accounts in its want.json, and exit code 5 where that says that rows are skipped.
func TestImportEveryFormat(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	wants, err := filepath.Glob(filepath.Join(formats, "*", "*.want.json"))
	if err != nil || len(wants) < 40 {
		t.Fatalf("%d fixtures: %v", len(wants), err)
	}
	for _, wantFile := range wants {
		file := strings.TrimSuffix(wantFile, ".want.json")
		t.Run(filepath.ToSlash(strings.TrimPrefix(file, formats+string(filepath.Separator))), func(t *testing.T) {
			var want struct {
				Passphrase *string
				Accounts   []struct {
					readAccount
					Secret string
					Tags   []string
				}
				Skipped int
			}
			data, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			args := []string{"import", "--dry-run", "--json", "--reveal", file}
			if more, _ := filepath.Glob(filepath.Join(file+".with", "*")); len(more) > 0 {
				args = append(args, more...)
			}
			if want.Passphrase != nil {
				args = append(args, "--passphrase-file", writeTemp(t, *want.Passphrase))
			}
			r := d.run("", args...)
			code := 0
			if want.Skipped > 0 {
				code = 5
			}
			if r.code != code {
				t.Fatalf("exit code %d, want %d\n%s", r.code, code, r.stderr)
			}
			var got struct {
				Accounts []struct {
					readAccount
					SecretHex  string `json:"secret_hex"`
					SecretText string `json:"secret_text"`
					Tags       []string
				}
				Skipped []struct{ Row string }
			}
			if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
				t.Fatalf("%v\n%s", err, r.stderr)
			}
			if len(got.Accounts) != len(want.Accounts) || len(got.Skipped) != want.Skipped {
				t.Fatalf("%d accounts and %d skipped, want %d and %d", len(got.Accounts), len(got.Skipped), len(want.Accounts), want.Skipped)
			}
			for i, a := range got.Accounts {
				w := want.Accounts[i]
				secret := a.SecretHex
				if a.SecretText != "" { // of Mobile-OTP
					secret = hex.EncodeToString([]byte(a.SecretText))
				}
				if a.readAccount != w.readAccount || secret != w.Secret || !slices.Equal(a.Tags, w.Tags) {
					t.Errorf("account %d is %+v %s %q, want %+v %s %q", i, a.readAccount, secret, a.Tags, w.readAccount, w.Secret, w.Tags)
				}
			}
		})
	}
	if got := d.labels(); len(got) != 0 {
		t.Errorf("a dry run added %q", got)
	}
}

// Bad files give clear messages and do not change the vault. Errors that are specific to
// a format are in the tests of internal/transfer.
func TestImportBadInput(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("keep")
	sealed, err := filepath.Glob(filepath.Join(formats, "aegis", "sealed.json"))
	if err != nil || len(sealed) == 0 {
		t.Fatalf("no encrypted fixture: %v", err)
	}
	whole, err := os.ReadFile(sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	crlf := "\xef\xbb\xbfotpauth://totp/Line:ends?secret=" + exampleSecret + "\r\n"
	d.fails(1, []string{"is a folder"}, "import", dir)
	d.fails(7, []string{"cut.json", "damaged"}, "import", write("cut.json", whole[:len(whole)/2]))
	d.fails(1, nil, "import", write("zeros", make([]byte, 100<<20)))
	d.fails(2, []string{"--passphrase-file FILE"}, "import", sealed[0])
	d.fails(7, []string{"wrong passphrase"}, "import", sealed[0], "--passphrase-file", writeTemp(t, "nonsense"))
	d.fails(7, []string{"deep.json"}, "import", write("deep.json", []byte(strings.Repeat("[", 1_000_000))))
	d.fails(1, nil, "import", write("entities.xml", []byte(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><map>&d;</map>`)))
	if r := d.run("", "import", "--dry-run", write("wrong.extension.png", []byte(crlf))); r.code != 0 || !strings.Contains(r.stdout, "Line:ends") {
		t.Errorf("CRLF, BOM and a wrong extension: exit code %d\n%s", r.code, r.stderr)
	}
	if got := d.labels(); len(got) != 1 || got[0] != "keep" {
		t.Errorf("the vault holds %q", got)
	}
}

// An encrypted maFile finds its manifest even if a browser or a person renamed both. No
// other file in the folder is taken for the manifest.
func TestImportRenamedSteamFiles(t *testing.T) {
	t.Parallel()
	from := filepath.Join(formats, "steam")
	dir := t.TempDir()
	file := filepath.Join(dir, "Download (1).maFile")
	copyFile(t, filepath.Join(from, "sda.maFile"), file)
	copyFile(t, filepath.Join(from, "sda.maFile.with", "manifest.json"), filepath.Join(dir, "Manifest (1).JSON"))
	write(t, filepath.Join(dir, "manifest.json"), []byte(`{"name":"an extension","manifest_version":3}`))
	write(t, filepath.Join(dir, "manifest.json.json"), []byte("no JSON"))
	var want struct{ Passphrase string }
	if err := json.Unmarshal(read(t, filepath.Join(from, "sda.maFile.want.json")), &want); err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, nil)
	d.must("", "import", file, "--passphrase-file", writeTemp(t, want.Passphrase))
	if got := d.labels(); len(got) != 1 {
		t.Errorf("accounts %q", got)
	}
	d.fails(7, []string{"wrong passphrase"}, "import", file, "--passphrase-file", writeTemp(t, "guess"))
}

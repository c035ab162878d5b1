package transfer_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/transfer"
)

func zipped(t *testing.T, members map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(members[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sealedAegis is an Aegis vault whose one slot asks for scrypt with n, r and p.
func sealedAegis(n int64, r, p, slots int) string {
	params := `{"nonce":"000000000000000000000000","tag":"00000000000000000000000000000000"}`
	slot := fmt.Sprintf(`{"type":1,"key":"%064d","key_params":%s,"n":%d,"r":%d,"p":%d,"salt":"00"}`, 0, params, n, r, p)
	return fmt.Sprintf(`{"version":1,"header":{"slots":[%s],"params":%s},"db":"AAAA"}`, strings.TrimSuffix(strings.Repeat(slot+",", slots), ","), params)
}

func sealedBitwarden(kdf string) string {
	return `{"encrypted":true,"passwordProtected":true,"salt":"AAAA",` + kdf + `,"encKeyValidation_DO_NOT_EDIT":"2.AAAA|AAAA|AAAA","data":"2.AAAA|AAAA|AAAA"}`
}

// Whatever a file is, the answer is an error of its own kind, within bounds of time and
// memory, and no account.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	uri := "otpauth://totp/a:b?secret=AAAA\n"
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"empty":                         {nil, transfer.ErrNoOTPData},
		"blank":                         {[]byte(" \r\n\t"), transfer.ErrNoOTPData},
		"only a byte order mark":        {[]byte("\xef\xbb\xbf"), transfer.ErrNoOTPData},
		"only comments":                 {[]byte("# one\n# two\n"), transfer.ErrNoOTPData},
		"words":                         {[]byte("hello world\n"), transfer.ErrUnknownFormat},
		"100 MB of zeros":               {make([]byte, 100_000_000), transfer.ErrTooBig},
		"60 MB of zeros":                {make([]byte, 60_000_000), transfer.ErrUnknownFormat},
		"60 MB of one line":             {bytes.Repeat([]byte("a"), 60_000_000), transfer.ErrUnknownFormat},
		"60 MB of open quotes":          {append([]byte("name,totp\n"), bytes.Repeat([]byte(`"`), 10_000_000)...), transfer.ErrNoOTPData},
		"JSON as deep as it is long":    {bytes.Repeat([]byte("["), 5_000_000), transfer.ErrDamaged},
		"objects as deep as it is long": {bytes.Repeat([]byte(`{"db":`), 1_000_000), transfer.ErrDamaged},
		"truncated JSON":                {[]byte(`{"version":1,"header":{},"db":{"entries":[`), transfer.ErrDamaged},
		"JSON of another program":       {[]byte(`{"some":"thing"}`), transfer.ErrUnknownFormat},
		"shapes that are wrong":         {[]byte(`{"version":1,"header":7,"db":{"entries":{}}}`), transfer.ErrDamaged},
		"XML entities": {[]byte(`<?xml version="1.0"?><!DOCTYPE map [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>` +
			`<map><string name="x">{"label":"&b;","secret":[1]}</string></map>`), transfer.ErrUnknownFormat},
		"deep XML":                 {[]byte("<KeePassFile><Root>" + strings.Repeat("<Group>", 200_000)), transfer.ErrDamaged},
		"deep preferences":         {[]byte("<map>" + strings.Repeat("<map>", 200_000)), transfer.ErrUnknownFormat},
		"an empty archive":         {zipped(t, nil), transfer.ErrUnknownFormat},
		"an archive of other data": {zipped(t, map[string]string{"readme.txt": "hello"}), transfer.ErrUnknownFormat},
		"a cut archive":            {zipped(t, map[string]string{"a.txt": uri})[:40], transfer.ErrDamaged},
		"a zip bomb":               {zipped(t, map[string]string{"a.txt": uri + strings.Repeat("\n", 70<<20)}), transfer.ErrTooBig},
		"a zip bomb in parts": {zipped(t, map[string]string{
			"a.txt": uri + strings.Repeat("\n", 40<<20), "b.txt": uri + strings.Repeat("\n", 40<<20),
		}), transfer.ErrTooBig},
		"an archive in an archive": {zipped(t, map[string]string{"a.zip": string(zipped(t, map[string]string{"a.txt": uri}))}), transfer.ErrUnknownFormat},
		"scrypt of 2^40":           {[]byte(sealedAegis(1<<40, 8, 1, 1)), transfer.ErrTooBig},
		"scrypt with r of 2^30":    {[]byte(sealedAegis(1<<15, 1<<30, 1, 1)), transfer.ErrTooBig},
		"scrypt with p of 2^30":    {[]byte(sealedAegis(1<<15, 8, 1<<30, 1)), transfer.ErrTooBig},
		"scrypt with negative N":   {[]byte(sealedAegis(-1<<15, 8, 1, 1)), transfer.ErrDamaged},
		"scrypt with N of 3":       {[]byte(sealedAegis(3, 8, 1, 1)), transfer.ErrDamaged},
		"a thousand slots":         {[]byte(sealedAegis(1<<20, 16, 1, 1000)), transfer.ErrTooBig},
		"no slots":                 {[]byte(sealedAegis(2, 1, 1, 0)), transfer.ErrNotExportable},
		"PBKDF2 of 10^12 rounds":   {[]byte(sealedBitwarden(`"kdfType":0,"kdfIterations":1000000000000`)), transfer.ErrTooBig},
		"PBKDF2 of -1 rounds":      {[]byte(sealedBitwarden(`"kdfType":0,"kdfIterations":-1`)), transfer.ErrDamaged},
		"Argon2 of 1 TiB":          {[]byte(sealedBitwarden(`"kdfType":1,"kdfIterations":3,"kdfMemory":1048576,"kdfParallelism":4`)), transfer.ErrTooBig},
		"Argon2 of 2^62 MiB":       {[]byte(sealedBitwarden(`"kdfType":1,"kdfIterations":3,"kdfMemory":4611686018427387904,"kdfParallelism":4`)), transfer.ErrTooBig},
		"Argon2 without threads":   {[]byte(sealedBitwarden(`"kdfType":1,"kdfIterations":3,"kdfMemory":64,"kdfParallelism":0`)), transfer.ErrDamaged},
		"Argon2 of 10^9 passes":    {[]byte(sealedBitwarden(`"kdfType":1,"kdfIterations":1000000000,"kdfMemory":64,"kdfParallelism":1`)), transfer.ErrTooBig},
		"an unknown derivation":    {[]byte(sealedBitwarden(`"kdfType":7`)), transfer.ErrDamaged},
		"Bitwarden's own account":  {[]byte(`{"encrypted":true,"encKeyValidation_DO_NOT_EDIT":"x","items":[]}`), transfer.ErrNotExportable},
		"cotp's own database":      {[]byte(`{"version":1,"nonce":"x","salt":"x","cipher":"x"}`), transfer.ErrNotExportable},
		"an OpenPGP message":       {[]byte("-----BEGIN PGP MESSAGE-----\n\nx"), transfer.ErrNotExportable},
		"an age file":              {[]byte("age-encryption.org/v1\n-> X25519 x\n"), transfer.ErrNotExportable},
		"an image":                 {[]byte("\x89PNG\r\n\x1a\n" + strings.Repeat("x", 100)), transfer.ErrNotExportable},
		"a CSV without codes":      {[]byte("name,url,username,password\nx,y,z,p\n"), transfer.ErrNoOTPData},
		"a CSV with empty codes":   {[]byte("name,url,username,password,totp\nx,y,z,p,\n"), transfer.ErrNoOTPData},
		"a CSV without a header":   {[]byte("\"Bank\",\"x\",\"user\",\"pw\",\"https://x.example\"\n"), transfer.ErrNoOTPData},
		"XML that ends at once":    {[]byte("<?xml version='1.0'?>\n<ma"), transfer.ErrDamaged},
		"2FAS without its parts":   {[]byte(`{"schemaVersion":4,"services":[],"servicesEncrypted":"AAAA:BBBB"}`), transfer.ErrDamaged},
		"Proton cut short":         {[]byte(`{"version":1,"salt":"AAAA","content":"AAAA"}`), transfer.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(context.Context) (string, error) { return "x", nil }
			b, err := transfer.Read(t.Context(), []transfer.File{{Name: "some.file", Data: test.data}}, transfer.ReadOptions{Passphrase: ask})
			if !errors.Is(err, test.want) || len(b.Accounts) > 0 {
				t.Errorf("%d accounts, %v; want %v", len(b.Accounts), err, test.want)
			}
			var file *transfer.FileError
			if !errors.As(err, &file) || file.Name != "some.file" {
				t.Errorf("%v does not name the file", err)
			}
			var refused *transfer.NotExportableError
			if errors.As(err, &refused) && refused.Do == "" {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
}

// One odd field costs its row, whatever it is.
func TestOddFieldsCostTheirRow(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		var list []map[string]any
		if f.want.Passphrase != nil || json.Unmarshal(f.file.Data, &list) != nil || len(list) < 2 {
			continue
		}
		for key := range list[0] {
			for _, odd := range []any{nil, true, -1, 1e300, "", "odd", []any{}, []any{1, "x"}, map[string]any{"x": 1}, strings.Repeat("x", 1000)} {
				was := list[0][key]
				list[0][key] = odd
				data, err := json.Marshal(list)
				list[0][key] = was
				if err != nil {
					t.Fatal(err)
				}
				b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: data}}, transfer.ReadOptions{Format: f.format})
				if err != nil {
					t.Errorf("%s: %s as %v costs the file: %v", f.name, key, odd, err)
				} else if len(b.Accounts) < len(f.want.Accounts)-1 {
					t.Errorf("%s: %s as %v costs %d rows", f.name, key, odd, len(f.want.Accounts)-len(b.Accounts))
				}
			}
		}
	}
}

// Files cut at any place and with any bit flipped: an error or accounts, never a panic,
// and no secret in a word that is said about them. What is authenticated never gives a
// secret that was not in it.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	unauthenticated := []string{"authenticator-extension", "stratum-encrypted", "authy", "totp-authenticator", "otpauth-ios", "steam"}
	for _, f := range fixtures(t) {
		t.Run(strings.TrimPrefix(f.name, "testdata/formats/"), func(t *testing.T) {
			t.Parallel()
			secrets := map[string]bool{}
			for _, a := range f.want.Accounts {
				secrets[a.Secret] = true
			}
			steps := 40
			if f.want.Passphrase != nil { // each pays for a key
				steps = 2
				if testenv.Long() {
					steps = 10
				}
			}
			for i := range steps {
				at := len(f.file.Data) * i / steps
				flipped := bytes.Clone(f.file.Data)
				flipped[at] ^= 1 << (i % 8)
				for _, data := range [][]byte{f.file.Data[:at], flipped} {
					files := append([]transfer.File{{Name: f.file.Name, Data: data}}, f.companions...)
					b, err := transfer.Read(t.Context(), files, f.options())
					said := fmt.Sprint(err, b.Skipped, b.Warnings, b.Dropped)
					for _, a := range f.want.Accounts {
						// A comma that is gone makes a secret the name of its row.
						if strings.HasSuffix(f.file.Name, ".csv") {
							break
						}
						if s := secretTexts(a); slices.ContainsFunc(s, func(text string) bool { return strings.Contains(said, text) }) {
							t.Fatalf("byte %d: a secret is in what is said", at)
						}
					}
					if f.want.Passphrase == nil || slices.Contains(unauthenticated, f.format) {
						continue
					}
					for _, a := range b.Accounts {
						if !secrets[fieldsOf(a).Secret] {
							t.Errorf("byte %d: a secret that was not in the file", at)
						}
					}
				}
			}
		})
	}
}

// secretTexts are the forms in which a secret could be told.
func secretTexts(f fields) []string {
	var raw []byte
	if _, err := fmt.Sscanf(f.Secret, "%x", &raw); err != nil || len(raw) < 5 {
		return nil
	}
	return []string{f.Secret, account.NewSecret(raw).Base32()}
}

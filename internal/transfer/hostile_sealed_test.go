package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/transfer"
)

// sealed returns one of the fixtures.
func sealed(t *testing.T, name string) []byte {
	t.Helper()
	return load(t, filepath.Join("testdata/formats", name)).Data
}

// kdbxAsking returns a KDBX 4 file whose header, with a right hash, has one parameter
// of its key derivation changed.
func kdbxAsking(t *testing.T, parameter string, value uint64) []byte {
	t.Helper()
	file := sealed(t, "kdbx/v4-argon2id-twofish-chacha20-gzip.kdbx")
	at := bytes.Index(file, append(binary.LittleEndian.AppendUint32(nil, uint32(len(parameter))), parameter...))
	if at < 0 {
		t.Fatal("no such parameter")
	}
	at += 4 + len(parameter)
	if binary.LittleEndian.Uint32(file[at:]) == 4 {
		binary.LittleEndian.PutUint32(file[at+4:], uint32(value))
	} else {
		binary.LittleEndian.PutUint64(file[at+4:], value)
	}
	end := bytes.Index(file, []byte("\x00\x04\x00\x00\x00\r\n\r\n")) + 9
	sum := sha256.Sum256(file[:end])
	copy(file[end:], sum[:])
	return file
}

func kdbx3Asking(t *testing.T, rounds uint64) []byte {
	t.Helper()
	file := sealed(t, "kdbx/v3-aes-salsa20-gzip.kdbx")
	_, after, found := bytes.Cut(file, []byte("\x06\x08\x00"))
	if !found {
		t.Fatal("no rounds")
	}
	binary.LittleEndian.PutUint64(after, rounds)
	return file
}

func enteAsking(memory, passes string) []byte {
	return fmt.Appendf(nil, `{"version":1,"kdfParams":{"memLimit":%s,"opsLimit":%s,"salt":"AAAAAAAAAAAAAAAAAAAAAA=="},"encryptedData":"AAAAAAAAAAAAAAAAAAAAAAAA","encryptionNonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, memory, passes)
}

func authyAsking(rounds string) []byte {
	return fmt.Appendf(nil, `[{"name":"x","encryptedSecret":"AAAAAAAAAAAAAAAAAAAAAA==","salt":"s","key_derivation_iterations":%s}]`, rounds)
}

// replaced returns a fixture with a text in it changed to one of the same length.
func replaced(t *testing.T, name, from, to string) []byte {
	t.Helper()
	file := sealed(t, name)
	if len(from) != len(to) || !bytes.Contains(file, []byte(from)) {
		t.Fatalf("%s has no %q", name, from)
	}
	return bytes.ReplaceAll(file, []byte(from), []byte(to))
}

// Prices beyond the bounds, marks with nothing behind them, and what can be read
// nowhere: an error of its kind, at once, without a question where none is needed.
func TestHostileSealedFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"KDBX with Argon2 of 1 TiB":       {kdbxAsking(t, "M", 1<<40), transfer.ErrTooBig},
		"KDBX with Argon2 of 2^63 bytes":  {kdbxAsking(t, "M", 1<<63), transfer.ErrTooBig},
		"KDBX with 10^9 passes":           {kdbxAsking(t, "I", 1_000_000_000), transfer.ErrTooBig},
		"KDBX with 2^63 passes":           {kdbxAsking(t, "I", 1<<63), transfer.ErrTooBig},
		"KDBX with no pass":               {kdbxAsking(t, "I", 0), transfer.ErrDamaged},
		"KDBX with 10^6 lanes":            {kdbxAsking(t, "P", 1_000_000), transfer.ErrTooBig},
		"KDBX with no lane":               {kdbxAsking(t, "P", 0), transfer.ErrDamaged},
		"KDBX with little memory":         {kdbxAsking(t, "M", 9<<10), transfer.ErrNotExportable},
		"KDBX with another Argon2":        {kdbxAsking(t, "V", 0x10), transfer.ErrNotExportable},
		"KDBX with 10^12 rounds":          {kdbx3Asking(t, 1_000_000_000_000), transfer.ErrTooBig},
		"KDBX with a damaged header":      {replaced(t, "kdbx/v4-argon2id-twofish-chacha20-gzip.kdbx", "$UUID", "$UUIE"), transfer.ErrDamaged},
		"KDBX of the future":              {[]byte("\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x00\x00\x09\x00"), transfer.ErrNotExportable},
		"KDBX mark":                       {[]byte("\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"), transfer.ErrDamaged},
		"KeePass 1":                       {[]byte("\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5 and more"), transfer.ErrNotExportable},
		"Ente with 1 TiB":                 {enteAsking("1099511627776", "3"), transfer.ErrTooBig},
		"Ente with 10^9 passes":           {enteAsking("67108864", "1000000000"), transfer.ErrTooBig},
		"Ente with no memory":             {enteAsking("0", "3"), transfer.ErrDamaged},
		"Ente with odd memory":            {enteAsking(`"lots"`, "3"), transfer.ErrDamaged},
		"Ente without data":               {bytes.Replace(enteAsking("1048576", "1"), []byte("AAAAAAAAAAAAAAAAAAAAAAAA\","), []byte("AAAA\","), 1), transfer.ErrDamaged},
		"FreeOTP with 10^9 rounds":        {replaced(t, "freeotp2/android8.xml", `"mIterations": 1000`, `"mIterations":1e+09`), transfer.ErrTooBig},
		"FreeOTP with an unknown hash":    {replaced(t, "freeotp2/android8.xml", "HmacSHA512", "HmacSHA999"), transfer.ErrDamaged},
		"FreeOTP without a key":           {replaced(t, "freeotp2/android8.xml", "masterKey", "masterkey"), transfer.ErrDamaged},
		"Java object":                     {[]byte("\xac\xed\x00\x05sr"), transfer.ErrDamaged},
		"Stratum marks":                   {[]byte("AUTHENTICATORPRO"), transfer.ErrDamaged},
		"Stratum marks, legacy":           {[]byte("AuthenticatorPro"), transfer.ErrDamaged},
		"SQLite mark":                     {[]byte("SQLite format 3\x00"), transfer.ErrUnknownFormat},
		"an app's log":                    {sealed(t, "google-db/running-wal"), transfer.ErrNotExportable},
		"an encrypted maFile alone":       {sealed(t, "steam/sda.maFile"), transfer.ErrWrongPassphrase},
		"a manifest alone":                {sealed(t, "steam/sda.maFile.with/manifest.json"), transfer.ErrNotExportable},
		"OpenPGP without armour":          {[]byte("\x8c\x0d\x04\x09\x03\x02\xb5\xec\x51\x50\xbe\x49\x97\xa1\xff\xd2\x36\x01\x2d\x61"), transfer.ErrNotExportable},
		"Battle.net with a long secret":   {[]byte(`<map><string name="com.blizzard.bma.AUTH_STORE.HASH">` + strings.Repeat("ab", 100) + `</string></map>`), transfer.ErrDamaged},
		"Authy that is no JSON":           {[]byte(`<map><string name="com.authy.storage.tokens.authenticator.key">[{</string></map>`), transfer.ErrDamaged},
		"TOTP Authenticator, no JSON":     {[]byte(`<map><string name="STATIC_TOTP_CODES_LIST">[{</string></map>`), transfer.ErrDamaged},
		"noise":                           {noise(5000), transfer.ErrWrongPassphrase},
		"noise of whole pages":            {noise(4096), transfer.ErrWrongPassphrase},
		"an archive, wrong for its check": {sealed(t, "otpauth/accounts-aes256.zip"), transfer.ErrWrongPassphrase},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := func(context.Context) (string, error) { return "not it", nil }
			b, err := transfer.Read(t.Context(), []transfer.File{{Name: "some.file", Data: test.data}}, transfer.ReadOptions{Passphrase: ask})
			if !errors.Is(err, test.want) || len(b.Accounts) > 0 {
				t.Errorf("%d accounts, %v; want %v", len(b.Accounts), err, test.want)
			}
			var refused *transfer.NotExportableError
			if errors.As(err, &refused) && refused.Do == "" {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
}

// noise is bytes without any order.
func noise(n int) []byte {
	var out []byte
	for i := 0; len(out) < n; i++ {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// Where one token asks for too much, that token is skipped and the reason said.
func TestAuthyTokenAsksTooMuch(t *testing.T) {
	t.Parallel()
	for rounds, reason := range map[string]string{"1000000000000": transfer.ErrTooBig.Error(), "-1": transfer.ErrDamaged.Error(), `"x"`: transfer.ErrDamaged.Error()} {
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: authyAsking(rounds)}}, transfer.ReadOptions{})
		if err != nil || len(b.Accounts) != 0 || len(b.Skipped) != 1 || !strings.Contains(b.Skipped[0].Reason, reason) {
			t.Errorf("%s: %v, %v", rounds, b.Skipped, err)
		}
	}
}

// A database's log and a manifest are read with the file they belong to, in any order,
// and say nothing by themselves.
func TestCompanions(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]string{
		"log":      {"google-db/running-wal", "google-db/running"},
		"manifest": {"steam/sda.maFile.with/manifest.json", "steam/sda.maFile"},
	} {
		var call []transfer.File
		for _, f := range files {
			call = append(call, load(t, filepath.Join("testdata/formats", f)))
		}
		ask := func(context.Context) (string, error) { return "correct horse", nil }
		b, err := transfer.Read(t.Context(), call, transfer.ReadOptions{Passphrase: ask})
		if err != nil || len(b.Accounts) == 0 || len(b.Skipped)+len(b.Warnings) > 0 || len(b.Formats) != 1 {
			t.Errorf("%s: %d accounts, %v, %v, %v", name, len(b.Accounts), b.Warnings, b.Formats, err)
		}
	}
	// Without its log the database is what it was before.
	b, err := transfer.Read(t.Context(), []transfer.File{load(t, "testdata/formats/google-db/running")}, transfer.ReadOptions{})
	if err != nil || len(b.Accounts) != 1 {
		t.Errorf("without the log: %d accounts, %v", len(b.Accounts), err)
	}
}

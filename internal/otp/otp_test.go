package otp_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/otp"
)

func credential(t account.Type, secret []byte) account.Credential {
	c := account.Default(t)
	c.Secret = account.NewSecret(secret)
	return c
}

// RFC 4226, appendix D.
func TestCountRFC4226(t *testing.T) {
	t.Parallel()
	c := credential(account.HOTP, []byte("12345678901234567890"))
	for i, want := range strings.Fields("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489") {
		if got, err := otp.Count(c, uint64(i)); err != nil || got != want {
			t.Errorf("counter %d: got %q, %v; want %q", i, got, err, want)
		}
	}
}

// RFC 6238, appendix B. The secrets of 32 and 64 bytes come from its reference code.
func TestAtRFC6238(t *testing.T) {
	t.Parallel()
	secrets := map[account.Algorithm]string{
		account.SHA1:   "12345678901234567890",
		account.SHA256: "12345678901234567890123456789012",
		account.SHA512: "1234567890123456789012345678901234567890123456789012345678901234",
	}
	for _, row := range []struct {
		at    int64
		codes map[account.Algorithm]string
	}{
		{59, map[account.Algorithm]string{account.SHA1: "94287082", account.SHA256: "46119246", account.SHA512: "90693936"}},
		{1111111109, map[account.Algorithm]string{account.SHA1: "07081804", account.SHA256: "68084774", account.SHA512: "25091201"}},
		{1111111111, map[account.Algorithm]string{account.SHA1: "14050471", account.SHA256: "67062674", account.SHA512: "99943326"}},
		{1234567890, map[account.Algorithm]string{account.SHA1: "89005924", account.SHA256: "91819424", account.SHA512: "93441116"}},
		{2000000000, map[account.Algorithm]string{account.SHA1: "69279037", account.SHA256: "90698825", account.SHA512: "38618901"}},
		{20000000000, map[account.Algorithm]string{account.SHA1: "65353130", account.SHA256: "77737706", account.SHA512: "47863826"}},
	} {
		for algorithm, want := range row.codes {
			c := credential(account.TOTP, []byte(secrets[algorithm]))
			c.Algorithm, c.Digits = algorithm, 8
			if got, err := otp.At(c, time.Unix(row.at, 0)); err != nil || got.Text != want {
				t.Errorf("%s at %d: got %q, %v; want %q", algorithm, row.at, got.Text, err, want)
			}
		}
	}
}

// Published vectors: Steam from steamguard-cli (its test of generate_code) and
// MAKS11060/otp, Mobile-OTP from Aegis (MOTPTest), Yandex from KeeYaOtp and yandexotp.
func TestAtPublishedVectors(t *testing.T) {
	t.Parallel()
	steam, err := base64.StdEncoding.DecodeString("zvIayp3JPvtvX/QGHqsqKBk/44s=")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		kind   account.Type
		secret []byte
		pin    string
		at     int64
		want   string
	}{
		{account.Steam, steam, "", 1616374841, "2F9J5"},
		{account.Steam, make([]byte, 20), "", 0, "RYH4D"},
		{account.Steam, make([]byte, 20), "", 30, "DR2DK"},
		{account.MOTP, []byte("e3152afee62599c8"), "1234", 165892298, "e7d8b6"},
		{account.MOTP, []byte("e3152afee62599c8"), "1234", 123456789, "4ebfb2"},
		{account.MOTP, []byte("bbb1912bb5c515be"), "9999", 1659540020, "ced7b1"},
		{account.MOTP, []byte("bbb1912bb5c515be"), "9999", 1659540022, "ced7b1"},
		{account.MOTP, []byte("bbb1912bb5c515be"), "9999", 1659539878, "1a14f8"},
		{account.Yandex, base32(t, "6SB2IKNM6OBZPAVBVTOHDKS4FAAAAAAADFUTQMBTRY"), "5239", 1641559648, "umozdicq"},
		{account.Yandex, base32(t, "LA2V6KMCGYMWWVEW64RNP3JA3IAAAAAAHTSG4HRZPI"), "7586", 1581064020, "oactmacq"},
		{account.Yandex, base32(t, "LA2V6KMCGYMWWVEW64RNP3JA3I"), "7586", 1581090810, "wemdwrix"},
		{account.Yandex, base32(t, "JBGSAU4G7IEZG6OY4UAXX62JU4AAAAAAHTSG4HXU3M"), "5210481216086702", 1581091469, "dfrpywob"},
		{account.Yandex, base32(t, "JBGSAU4G7IEZG6OY4UAXX62JU4AAAAAAHTSG4HXU3M"), "5210481216086702", 1581093059, "vunyprpd"},
	} {
		c := credential(v.kind, v.secret)
		c.PIN = account.NewSecret([]byte(v.pin))
		if got, err := otp.At(c, time.Unix(v.at, 0)); err != nil || got.Text != v.want {
			t.Errorf("%s at %d: got %q, %v; want %q", v.kind, v.at, got.Text, err, v.want)
		}
	}
}

func base32(t *testing.T, text string) []byte {
	t.Helper()
	s, err := account.ParseBase32(text)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

// testdata/codes.tsv comes from testdata/codes.py, an independent implementation: 5 to 10
// digits, secrets of 1 to 200 bytes, periods of 1 s to 2^31 - 1 s.
func TestCodesOfAnotherImplementation(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("testdata/codes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	for i, line := range lines {
		f := strings.Split(line, "\t")
		if len(f) != 8 {
			t.Fatalf("line %d has %d columns", i+1, len(f))
		}
		secret, err := hex.DecodeString(f[1])
		if err != nil {
			t.Fatal(err)
		}
		c := account.Credential{
			Type: account.Type(f[0]), Secret: account.NewSecret(secret), PIN: account.NewSecret([]byte(f[2])),
			Algorithm: account.Algorithm(f[3]), Digits: int(number(t, f[4])), Period: int(number(t, f[5])),
		}
		var got string
		if c.Type == account.HOTP {
			got, err = otp.Count(c, number(t, f[6]))
		} else {
			var code otp.Code
			code, err = otp.At(c, time.Unix(int64(number(t, f[6])), 0))
			got = code.Text
		}
		if err != nil || got != f[7] {
			t.Errorf("line %d (%s, %s, %s digits, %d bytes): got %q, %v; want %q", i+1, f[0], f[3], f[4], len(secret), got, err, f[7])
		}
	}
	if len(lines) < 500 {
		t.Errorf("only %d codes compared", len(lines))
	}
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCodeIsValidFromUntil(t *testing.T) {
	t.Parallel()
	c := credential(account.TOTP, []byte("12345678901234567890"))
	zone := time.FixedZone("", 5*3600+30*60)
	for _, period := range []int{1, 10, 30, 60, 90, account.MaxPeriod} {
		c.Period = period
		for _, at := range []int64{0, 1, 29, 30, 59, 1111111111} {
			code, err := otp.At(c, time.Unix(at, 999999999).In(zone))
			if err != nil {
				t.Fatal(err)
			}
			same := func(when time.Time) bool { other, err := otp.At(c, when); return err == nil && other == code }
			if !same(code.From) || !same(code.Until.Add(-1)) {
				t.Errorf("period %d: the code at %d is not the one of its own span", period, at)
			}
			if next, err := otp.At(c, code.Until); err != nil || next.From != code.Until {
				t.Errorf("period %d: the code at %d does not end where the next begins", period, at)
			}
			if code.Until.Sub(code.From) != time.Duration(period)*time.Second || code.From.Location() != zone {
				t.Errorf("period %d: valid from %v until %v", period, code.From, code.Until)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	change := func(kind account.Type, f func(*account.Credential)) account.Credential {
		c := credential(kind, secret)
		f(&c)
		return c
	}
	now := time.Unix(1111111111, 0)
	for name, test := range map[string]struct {
		c    account.Credential
		at   time.Time
		want error
	}{
		"needs verification": {account.Credential{}, now, otp.ErrNoSecret},
		"no secret":          {account.Default(account.TOTP), now, otp.ErrNoSecret},
		"HOTP":               {credential(account.HOTP, secret), now, otp.ErrWrongKind},
		"before 1970":        {credential(account.TOTP, secret), time.Unix(-1, 0), otp.ErrInstant},
		"zero time":          {credential(account.TOTP, secret), time.Time{}, otp.ErrInstant},
		"unknown type":       {change(account.TOTP, func(c *account.Credential) { c.Type = "ocra" }), now, account.ErrType},
		"MD5":                {change(account.TOTP, func(c *account.Credential) { c.Algorithm = account.MD5 }), now, account.ErrAlgorithm},
		"no algorithm":       {change(account.TOTP, func(c *account.Credential) { c.Algorithm = "" }), now, account.ErrAlgorithm},
		"4 digits":           {change(account.TOTP, func(c *account.Credential) { c.Digits = 4 }), now, account.ErrDigits},
		"11 digits":          {change(account.TOTP, func(c *account.Credential) { c.Digits = 11 }), now, account.ErrDigits},
		"no period":          {change(account.Steam, func(c *account.Credential) { c.Period = 0 }), now, account.ErrPeriod},
		"Yandex, 20 bytes":   {credential(account.Yandex, secret), now, otp.ErrYandexSecret},
	} {
		if code, err := otp.At(test.c, test.at); !errors.Is(err, test.want) || code.Text != "" {
			t.Errorf("%s: got %q, %v; want %v", name, code.Text, err, test.want)
		}
	}
	for _, kind := range []account.Type{account.TOTP, account.Steam, account.MOTP, account.Yandex} {
		if code, err := otp.Count(credential(kind, secret), 0); !errors.Is(err, otp.ErrWrongKind) || code != "" {
			t.Errorf("Count of %s: got %q, %v", kind, code, err)
		}
	}
	if _, err := otp.Count(account.Default(account.HOTP), 0); !errors.Is(err, otp.ErrNoSecret) {
		t.Errorf("Count without a secret: %v", err)
	}
}

func BenchmarkAt(b *testing.B) {
	c := credential(account.TOTP, []byte("12345678901234567890"))
	for b.Loop() {
		if _, err := otp.At(c, time.Unix(1111111111, 0)); err != nil {
			b.Fatal(err)
		}
	}
}

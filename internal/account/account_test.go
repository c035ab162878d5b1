package account_test

import (
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
)

// secretHex is JBSWY3DPEHPK3PXP in hexadecimal: "Hello!" and deadbeef.
const secretHex = "48656c6c6f21deadbeef"

func TestParseURI(t *testing.T) {
	const s = "secret=JBSWY3DPEHPK3PXP"
	tests := []struct {
		uri          string
		issuer, name string
		kind         account.Type
		algorithm    account.Algorithm
		digits       int
		period       int
		counter      uint64
	}{
		{"otpauth://totp/Example:alice@google.com?secret=jbsw%20y3dp%20ehpk%203pxp&issuer=Example", "Example", "alice@google.com", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/Example%3A%20alice?secret=JBSW-Y3DP-EHPK-3PXP====&algorithm=HmacSHA256", "Example", "alice", account.TOTP, account.SHA256, 6, 30, 0},
		{"OTPAUTH://TOTP/Upper:case?SECRET=JBSWY3DPEHPK3PXP&ISSUER=Upper&Digits=8&PERIOD=60&ALGORITHM=sha-512", "Upper", "case", account.TOTP, account.SHA512, 8, 60, 0},
		{"otpauth://totp/alice?" + s + "&issuer=Air+Canada", "Air Canada", "alice", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/a+b%40example.com?" + s + "&issuer=X", "X", "a+b@example.com", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/?" + s + "&issuer=OnlyIssuer", "OnlyIssuer", "", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp?" + s, "", "", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/A%3AB:c?" + s + "&issuer=A%3AB", "A:B", "c", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/A:b:c?" + s + "&issuer=A", "A", "b:c", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/Org:user?" + s + "&issuer=Microsoft", "Microsoft", "user", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/%3Acool%40x?" + s, "", "cool@x", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/Пример:имя?" + s + "&issuer=Пример", "Пример", "имя", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/100%:x?" + s + "&issuer=100%", "100%", "x", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/user#EXT#@org?" + s, "", "user#EXT#@org", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/e:p?" + s + "&digits=&period=&algorithm=", "e", "p", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/x?" + s + "&digits=10&digits=10&period=10", "", "x", account.TOTP, account.SHA1, 10, 10, 0},
		{"otpauth://totp/x?" + s + "&issuer=Fooperiod=60", "Foo", "x", account.TOTP, account.SHA1, 6, 60, 0},
		{"otpauth://hotp/H:u?" + s + "&counter=18446744073709551615", "H", "u", account.HOTP, account.SHA1, 6, 0, 18446744073709551615},
		{"otpauth://hotp/H:u?" + s, "H", "u", account.HOTP, account.SHA1, 6, 0, 0},
		{"otpauth://steam/Steam:sid?" + s + "&issuer=Steam", "Steam", "sid", account.Steam, account.SHA1, 5, 30, 0},
		{"otpauth://totp/Steam:sid?" + s + "&issuer=Steam", "Steam", "sid", account.Steam, account.SHA1, 5, 30, 0},
		{"otpauth://totp/Steam:shop?" + s + "&issuer=Steam&digits=6", "Steam", "shop", account.TOTP, account.SHA1, 6, 30, 0},
		{"otpauth://totp/KP:s?" + s + "&digits=6&encoder=steam", "KP", "s", account.Steam, account.SHA1, 5, 30, 0},
		{"steam://JBSWY3DPEHPK3PXP", "Steam", "", account.Steam, account.SHA1, 5, 30, 0},
	}
	for _, test := range tests {
		a, err := account.ParseURI(test.uri)
		if err != nil {
			t.Errorf("%s: %v", test.uri, err)
			continue
		}
		if got := hex.EncodeToString(a.Secret.Reveal()); got != secretHex {
			t.Errorf("%s: secret %s", test.uri, got)
		}
		want := account.Account{Issuer: test.issuer, Name: test.name, Counter: test.counter, Credential: account.Credential{
			Type: test.kind, Algorithm: test.algorithm, Digits: test.digits, Period: test.period, Secret: a.Secret,
		}}
		if !reflect.DeepEqual(a, want) {
			t.Errorf("%s:\n got %#v\nwant %#v", test.uri, a, want)
		}
		if again, err := account.ParseURI(a.URI()); err != nil || !reflect.DeepEqual(again, a) {
			t.Errorf("%s: printed as %s: read back as %#v, %v", test.uri, a.URI(), again, err)
		}
	}
}

func TestParseURIMobileOTP(t *testing.T) {
	a, err := account.ParseURI("motp://Corp:bob?secret=e3152afee62599c8&pin=1234")
	if err != nil {
		t.Fatal(err)
	}
	if a.Type != account.MOTP || a.Issuer != "Corp" || a.Name != "bob" || string(a.Secret.Reveal()) != "e3152afee62599c8" || string(a.PIN.Reveal()) != "1234" {
		t.Errorf("got %#v", a)
	}
}

// Each of these would give wrong codes if the parser guessed what was meant.
func TestParseURIRefuses(t *testing.T) {
	tests := map[string]error{
		"https://example.com/?secret=JBSWY3DPEHPK3PXP": account.ErrNotURI,
		"JBSWY3DPEHPK3PXP": account.ErrNotURI,
		"":                 account.ErrNotURI,
		"otpauth://push/x?secret=JBSWY3DPEHPK3PXP":                   account.ErrType,
		"otpauth://totp/x":                                           account.ErrNoParam,
		"otpauth://totp/x?secret=":                                   account.ErrEmptySecret,
		"otpauth://totp/x?secret=A":                                  account.ErrEmptySecret,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD5":     account.ErrAlgorithm,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=GOST":    account.ErrAlgorithm,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=4":          account.ErrDigits,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=11":         account.ErrDigits,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=six":        account.ErrDigits,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=0":          account.ErrPeriod,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=-30":        account.ErrPeriod,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=1e3":        account.ErrPeriod,
		"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=9999999999": account.ErrPeriod,
		"otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=-1":        account.ErrCounter,
	}
	for uri, want := range tests {
		a, err := account.ParseURI(uri)
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", uri, err, want)
		}
		if !reflect.DeepEqual(a, account.Account{}) {
			t.Errorf("%s: an error came with %#v", uri, a)
		}
	}
	var bad *account.Base32Error
	if _, err := account.ParseURI("otpauth://totp/x?secret=JBSW0Y3D"); !errors.As(err, &bad) || bad.Position != 5 || !bad.LookAlike {
		t.Errorf("secret with a zero: %v", err)
	}
}

// Base32 of any length keeps every whole byte, in any case and grouping.
func TestParseBase32KeepsBytes(t *testing.T) {
	for n := 1; n <= 65; n++ {
		raw := make([]byte, n)
		for i := range raw {
			raw[i] = byte(i*37 + n)
		}
		text := base32.StdEncoding.EncodeToString(raw)
		for _, form := range []string{text, strings.TrimRight(text, "="), strings.ToLower(text), grouped(text)} {
			s, err := account.ParseBase32(form)
			if err != nil || string(s.Reveal()) != string(raw) {
				t.Errorf("%d bytes as %q: %x, %v", n, form, s.Reveal(), err)
			}
		}
	}
	// 14 letters are 70 bits: eight bytes and six extra bits. Go's decoder without
	// padding returns five bytes and no error.
	s, err := account.ParseBase32("XBJZBXBXBCBCBB")
	if err != nil || len(s.Reveal()) != 8 {
		t.Errorf("14 letters: %d bytes, %v", len(s.Reveal()), err)
	}
}

func grouped(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i%4 == 0 && i > 0 {
			b.WriteString(" -_"[i/4%3 : i/4%3+1])
		}
		b.WriteRune(r)
	}
	return b.String()
}

// No way of printing a secret by mistake shows it.
func TestSecretIsRedacted(t *testing.T) {
	secret := account.NewSecret([]byte("Hello!marked"))
	type hidden struct{ s account.Secret }
	a := account.Account{Name: "x", Credential: account.Credential{Secret: secret}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+" "+verb+"\n", secret, &secret, a, hidden{secret})
		fmt.Fprintf(&out, verb+" "+verb+"\n", []account.Secret{secret}, map[string]account.Secret{"k": secret})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "s", secret, "a", a)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "s", secret, "a", a)
	for _, leak := range []string{"Hello!", "48656c6c", "48656C6C", "72 101", "0x48", "JBSWY3DP", "SGVsbG8"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q leaked in\n%s", leak, out.String())
		}
	}
	if b, err := json.Marshal(a); !errors.Is(err, account.ErrMarshalSecret) {
		t.Errorf("json.Marshal gave %s, %v", b, err)
	}
}

func TestFold(t *testing.T) {
	same := [][2]string{
		{"GitHub:Alice", " github : alice "},
		{"ÉCOLE:Ünï", "école:ünÏ"},
		{"Air  Canada:x", "air canada:X"},
		{"\u212A:x", "k:x"},
	}
	for _, pair := range same {
		if account.Fold(pair[0]) != account.Fold(pair[1]) {
			t.Errorf("%q and %q fold to %q and %q", pair[0], pair[1], account.Fold(pair[0]), account.Fold(pair[1]))
		}
	}
	if account.Fold("git hub:a") == account.Fold("github:a") {
		t.Error("a space inside a word was dropped")
	}
}

// Everything that parses can be printed and parsed again, and no error shows its input.
func FuzzParseURI(f *testing.F) {
	f.Add("otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXP&issuer=Example")
	f.Add("otpauth://hotp/A%3AB:c?secret=JBSWY3DPEHPK3PXP&issuer=A%3AB&counter=7")
	f.Add("otpauth://yaotp/Yandex:ivan?secret=LA2V6KMCGYMWWVEW64RNP3JA3IAAAAAAHTSG4HRZPI&pin=GEZDG")
	f.Add("steam://JBSWY3DPEHPK3PXP")
	f.Add("motp://Corp:bob?secret=e3152afee62599c8&pin=1234")
	f.Add("otpauth://totp/:x%3Ay?secret=MARKEDSECRET0&digits=4")
	f.Fuzz(func(t *testing.T, uri string) {
		a, err := account.ParseURI(uri)
		if err != nil {
			if !reflect.DeepEqual(a, account.Account{}) {
				t.Errorf("error %v with %#v", err, a)
			}
			return
		}
		again, err := account.ParseURI(a.URI())
		if err != nil {
			t.Fatalf("printed URI is refused: %v", err)
		}
		if !reflect.DeepEqual(a, again) {
			t.Errorf("printed and read again:\n got %#v\nwant %#v", again, a)
		}
	})
}

// Every text of up to six of these characters folds as documented, on the fast path and
// the slow one.
func TestFoldOfSpacesAndColons(t *testing.T) {
	t.Parallel()
	spaces := regexp.MustCompile(`\s+`)
	var try func(s string, more int)
	try = func(s string, more int) {
		parts := strings.SplitN(s, ":", 2)
		for i, p := range parts {
			parts[i] = strings.Trim(spaces.ReplaceAllString(p, " "), " ")
		}
		if got, want := account.Fold(s), strings.ToLower(strings.Join(parts, ":")); got != want {
			t.Errorf("Fold(%q) = %q, want %q", s, got, want)
		}
		if more > 0 {
			for _, c := range []string{"a", "K", " ", ":", "\t", "字"} {
				try(s+c, more-1)
			}
		}
	}
	try("", 6)
}

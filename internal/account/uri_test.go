package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
)

// Every maker's spelling of Steam, taken from their sources, is read as Steam: five
// letters, SHA-1 and 30 seconds, whatever the other parameters are.
func TestSteamInEveryWay(t *testing.T) {
	t.Parallel()
	const secret = "secret=JBSWY3DPEHPK3PXP"
	want := account.Default(account.Steam)
	for maker, uri := range map[string]string{
		"Aegis, Ente":           "otpauth://steam/Steam:gordon?" + secret + "&issuer=Steam",
		"Stratum":               "otpauth://totp/Valve%3Agordon?" + secret + "&issuer=Valve&steam",
		"Stratum, with a value": "otpauth://totp/Valve%3Agordon?" + secret + "&issuer=Valve&steam=1",
		"Stratum, of Steam":     "otpauth://totp/Steam%3Agordon?" + secret + "&issuer=Steam",
		"KeePassXC, gopass":     "otpauth://totp/Valve:gordon?" + secret + "&period=30&digits=5&issuer=Valve&encoder=steam",
		"KeePassXC, six digits": "otpauth://totp/Valve:gordon?" + secret + "&digits=6&encoder=Steam",
		"Bitwarden's CXF":       "otpauth://totp/Valve:gordon?" + secret + "&algorithm=steam&digits=5",
		"Valve":                 "otpauth://totp/Steam:gordon?" + secret + "&issuer=Steam",
		"2FAuth, FreeOTP+":      "otpauth://totp/steam:gordon?" + secret + "&digits=5&period=30&algorithm=SHA1",
		"Proton, Bitwarden":     "steam://JBSWY3DPEHPK3PXP",
		"Apple":                 "apple-otpauth://totp/Steam:gordon?" + secret + "&issuer=Steam",
		"a period of a minute":  "otpauth://totp/Steam:gordon?" + secret + "&issuer=Steam&period=60",
		"a period of none":      "otpauth://steam/Steam:gordon?" + secret + "&period=0",
		"another algorithm":     "otpauth://steam/Steam:gordon?" + secret + "&algorithm=SHA256&digits=8",
	} {
		a, warnings, err := account.InspectURI(uri)
		got := a.Credential
		got.Secret = account.Secret{}
		if err != nil || got != want || len(warnings) > 0 || a.Secret.Base32() != "JBSWY3DPEHPK3PXP" {
			t.Errorf("%s: %+v, %q, %v", maker, a, warnings, err)
		}
	}
	for name, uri := range map[string]string{
		"another issuer with five digits": "otpauth://totp/Valve:gordon?" + secret + "&digits=5",
		"the issuer with six digits":      "otpauth://totp/Steam:gordon?" + secret + "&digits=6",
		"the name":                        "otpauth://totp/steam?" + secret + "&issuer=Valve",
	} {
		if a, err := account.ParseURI(uri); err != nil || a.Type != account.TOTP {
			t.Errorf("%s: %v, %v", name, a.Type, err)
		}
	}
}

// A parameter that decides the code is refused if it is incomplete or contradicts itself.
// A problem with a name is one warning, and the URI is read.
func TestOneRuleForOddURIs(t *testing.T) {
	t.Parallel()
	const uri = "otpauth://totp/Example:alice?issuer=Example&secret=JBSWY3DPEHPK3PXP"
	for odd, want := range map[string]error{
		"&secret=AAAAAAAA":               account.ErrTwice,
		"&digits=6&digits=8":             account.ErrTwice,
		"&period=30&PERIOD=60":           account.ErrTwice,
		"&algorithm=SHA1&algorithm=MD5":  account.ErrTwice,
		"&issuer=Fooperiod=30&period=60": account.ErrTwice,
		"&digits=%3":                     account.ErrEncoding,
		"&algorithm=SHA1%ZZ":             account.ErrEncoding,
		"&period=%zz30":                  account.ErrEncoding,
		"&encoder=battlenet":             account.ErrEncoder,
	} {
		if _, _, err := account.InspectURI(uri + odd); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", odd, err, want)
		}
	}
	for _, secret := range []string{"JBSWY3DPEHPK3PX%", "%ZZJBSWY3DPEHPK3PXP", "JBSWY3DP%2"} {
		if _, err := account.ParseURI("otpauth://totp/x?secret=" + secret); !errors.Is(err, account.ErrEncoding) || strings.Contains(err.Error(), "JBSW") {
			t.Errorf("%s: %v", secret, err)
		}
	}
	// A repeated equal parameter and an empty one cause no warning.
	for _, fine := range []string{"", "&secret=jbswy3dpehpk3pxp", "&digits=&digits=6", "&digits=6&digits=", "&issuer=example", "&image=%ZZ&image=x", "&lock=%"} {
		a, warnings, err := account.InspectURI(uri + fine)
		if err != nil || len(warnings) > 0 || a.Label() != "Example:alice" || a.Digits != 6 {
			t.Errorf("%s: %+v, %q, %v", fine, a, warnings, err)
		}
	}
	for uri, label := range map[string]string{
		"otpauth://totp/Org:alice?secret=JBSWY3DPEHPK3PXP&issuer=Microsoft":            "Microsoft:alice",
		"otpauth://totp/100%25:alice%ZZ?secret=JBSWY3DPEHPK3PXP&issuer=100%25":         "100%:alice%ZZ",
		"otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP&issuer=100%":                     "100%:alice",
		"otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP&issuer=First&issuer=Second":      "First:alice",
		"motp://Org:alice?secret=e3152afee62599c8&issuer=Example":                      "Example:alice",
		"apple-otpauth://totp/Example:100%?secret=JBSWY3DPEHPK3PXP&issuer=Example":     "Example:100%",
		"otpauth://totp/Example%3Aalice%?secret=JBSWY3DPEHPK3PXP&issuer=Example&pin=%": "Example:alice%",
	} {
		a, warnings, err := account.InspectURI(uri)
		if strings.Contains(uri, "pin=%") {
			if !errors.Is(err, account.ErrEncoding) {
				t.Errorf("%s: %v", uri, err)
			}
			continue
		}
		if err != nil || a.Label() != label || len(warnings) != 1 || strings.Contains(warnings[0], "JBSW") {
			t.Errorf("%s: %q, %q, %v", uri, a.Label(), warnings, err)
		}
	}
}

// A URI is read up to the size limit, whatever its parameters are.
func TestLongURI(t *testing.T) {
	t.Parallel()
	const uri = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&image="
	long := uri + strings.Repeat("x", account.MaxURI-len(uri))
	if _, err := account.ParseURI(long); err != nil {
		t.Error(err)
	}
	if _, err := account.ParseURI(long + "x"); !errors.Is(err, account.ErrLongURI) {
		t.Error(err)
	}
}

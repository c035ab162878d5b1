package transfer

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
)

// The secrets are JBSWY3DPEHPK3PXP, the one of Google's Key URI page, in each encoding.
const helloHex = "48656c6c6f21deadbeef"

func TestKeepassEntry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fields map[string]string
		want   string // type algorithm digits period counter, one account a line
		label  string
	}{
		"URI":             {map[string]string{"otp": "otpauth://totp/GitHub:alice?secret=JBSWY3DPEHPK3PXP&issuer=GitHub"}, "totp SHA1 6 30 0", "GitHub:alice"},
		"URI, no label":   {map[string]string{"otp": "otpauth://totp/?secret=JBSWY3DPEHPK3PXP&digits=8"}, "totp SHA1 8 30 0", "Title:user"},
		"KeeOtp":          {map[string]string{"otp": "key=JBSWY3DPEHPK3PXP&size=8&step=60"}, "totp SHA1 8 60 0", "Title:user"},
		"KeeOtp, all":     {map[string]string{"otp": "key=SGVsbG8h3q2%2B7w%3D%3D&encoding=Base64&otpHashMode=Sha256"}, "totp SHA256 6 30 0", "Title:user"},
		"KeeOtp, raw +":   {map[string]string{"otp": "key=SGVsbG8h3q2+7w==&encoding=Base64"}, "totp SHA1 6 30 0", "Title:user"},
		"KeeOtp, HOTP":    {map[string]string{"otp": "key=JBSWY3DPEHPK3PXP&type=hotp&counter=9&step=30"}, "hotp SHA1 6 0 9", "Title:user"},
		"bare":            {map[string]string{"OTP": " jbsw y3dp ehpk 3pxp "}, "totp SHA1 6 30 0", "Title:user"},
		"Tray TOTP":       {map[string]string{"TOTP Seed": "jbsw y3dp ehpk 3pxp", "TOTP Settings": "30;8;https://time.example"}, "totp SHA1 8 30 0", "Title:user"},
		"Tray TOTP alone": {map[string]string{"TOTP Seed": "JBSWY3DPEHPK3PXP"}, "totp SHA1 6 30 0", "Title:user"},
		"Tray TOTP Steam": {map[string]string{"TOTP Seed": "JBSWY3DPEHPK3PXP", "TOTP Settings": "30;S"}, "steam SHA1 5 30 0", "Title:user"},
		"TimeOtp":         {map[string]string{"TimeOtp-Secret-Base32": "JBSWY3DPEHPK3PXP", "TimeOtp-Length": "8", "TimeOtp-Period": "60", "TimeOtp-Algorithm": "HMAC-SHA-512"}, "totp SHA512 8 60 0", "Title:user"},
		"TimeOtp hex":     {map[string]string{"TimeOtp-Secret-Hex": "48656C6C6F21DEADBEEF"}, "totp SHA1 6 30 0", "Title:user"},
		"TimeOtp base64":  {map[string]string{"TimeOtp-Secret-Base64": "SGVsbG8h3q2+7w=="}, "totp SHA1 6 30 0", "Title:user"},
		"HmacOtp":         {map[string]string{"HmacOtp-Secret-Base32": "JBSWY3DPEHPK3PXP", "HmacOtp-Counter": "7"}, "hotp SHA1 6 0 7", "Title:user"},
		"two conventions, one account": {
			map[string]string{"otp": "JBSWY3DPEHPK3PXP", "TimeOtp-Secret-Base32": "JBSWY3DPEHPK3PXP", "otp_1": "key=JBSWY3DPEHPK3PXP&size=8"},
			"totp SHA1 6 30 0\ntotp SHA1 8 30 0", "Title:user",
		},
		"nothing": {map[string]string{"Password": "x", "URL": "https://example.com"}, "", ""},
	} {
		accounts, errs := keepassEntry("Title", "user", "/Work/Deep/", test.fields)
		if len(errs) != 0 {
			t.Errorf("%s: %v", name, errs)
		}
		var got []string
		for _, a := range accounts {
			got = append(got, summary(a))
			if hex.EncodeToString(a.Secret.Reveal()) != helloHex {
				t.Errorf("%s: wrong secret", name)
			}
			if a.Label() != test.label || strings.Join(a.Tags, "|") != "Work/Deep" {
				t.Errorf("%s: label %q, tags %q", name, a.Label(), a.Tags)
			}
		}
		if strings.Join(got, "\n") != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestKeepassEntryPlainTextSecret(t *testing.T) {
	t.Parallel()
	accounts, errs := keepassEntry("", "", "", map[string]string{"TimeOtp-Secret": "12345678901234567890"})
	if len(errs) != 0 || len(accounts) != 1 || string(accounts[0].Secret.Reveal()) != "12345678901234567890" || accounts[0].Tags != nil {
		t.Errorf("got %v, %v", accounts, errs)
	}
}

// A field that cannot be read is named by an error without its text, and costs no other.
func TestKeepassEntryBadField(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]map[string]string{
		"no base32":   {"otp": "hunter2!"},
		"bad query":   {"otp": "key=hunter2!"},
		"bad type":    {"otp": "key=JBSWY3DPEHPK3PXP&type=hunter2!"},
		"bad size":    {"otp": "key=JBSWY3DPEHPK3PXP&size=hunter2!"},
		"bad period":  {"TOTP Seed": "JBSWY3DPEHPK3PXP", "TOTP Settings": "hunter2!;6"},
		"period 0":    {"TOTP Seed": "JBSWY3DPEHPK3PXP", "TOTP Settings": "0;6"},
		"bad hex":     {"TimeOtp-Secret-Hex": "hunter2!"},
		"bad base64":  {"TimeOtp-Secret-Base64": "hunter2!"},
		"bad hash":    {"TimeOtp-Secret": "JBSWY3DPEHPK3PXP", "TimeOtp-Algorithm": "hunter2!"},
		"bad counter": {"HmacOtp-Secret": "JBSWY3DPEHPK3PXP", "HmacOtp-Counter": "hunter2!"},
		"bad URI":     {"otp": "otpauth://hunter2!/x?secret=JBSWY3DPEHPK3PXP"},
	} {
		value["otp_7"] = "otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP&digits=7"
		accounts, errs := keepassEntry("t", "u", "", value)
		if len(accounts) != 1 || accounts[0].Digits != 7 || len(errs) != 1 {
			t.Errorf("%s: %d accounts, errors %v", name, len(accounts), errs)
			continue
		}
		if strings.Contains(errs[0].Error(), "hunter2") {
			t.Errorf("%s: the error quotes the field: %v", name, errs[0])
		}
	}
}

func summary(a account.Account) string {
	return fmt.Sprint(a.Type, " ", a.Algorithm, " ", a.Digits, " ", a.Period, " ", a.Counter)
}

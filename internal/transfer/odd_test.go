package transfer_test

import (
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer"
)

// What is odd about an account is said with its name and without its secret, whatever
// format it comes in.
func TestOddAccountsWarn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"one byte in a URI":  {"otpauth://totp/GitHub:alice?secret=AA&issuer=GitHub\n", "GitHub:alice: its secret is of 8 bits"},
		"one byte in JSON":   {`[{"secret":"AA","issuer":"GitHub","label":"alice","type":"TOTP","algorithm":"SHA1","digits":6,"period":30}]`, "GitHub:alice: its secret is of 8 bits"},
		"one byte in CSV":    {"title,username,otpauth\nGitHub,alice,AA\n", "GitHub:alice: its secret is of 8 bits"},
		"another issuer":     {"otpauth://totp/Org:alice?secret=JBSWY3DPEHPK3PXP&issuer=GitHub\n", `GitHub:alice: its label says "Org"`},
		"two issuers":        {"otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP&issuer=GitHub&issuer=GitLab\n", "GitHub:alice: it names two issuers"},
		"an apple with a %":  {"apple-otpauth://totp/GitHub:alice%ZZ?secret=JBSWY3DPEHPK3PXP&issuer=GitHub\n", "GitHub:alice%ZZ: the percent-encoding of its label"},
		"in a login's field": {"title,username,otpauth\nGitHub,alice,otpauth://totp/Org:alice?secret=JBSWY3DPEHPK3PXP&issuer=GitHub\n", `GitHub:alice: its label says "Org"`},
	} {
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte(test.text)}}, transfer.ReadOptions{})
		if err != nil || len(b.Accounts) != 1 || len(b.Warnings) != 1 || !strings.HasPrefix(b.Warnings[0], strings.SplitN(test.want, ":", 2)[0]) ||
			!strings.Contains(b.Warnings[0], test.want[strings.LastIndex(test.want, ": ")+2:]) {
			t.Errorf("%s: %d accounts, %q, %v", name, len(b.Accounts), b.Warnings, err)
		}
	}
	b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte("otpauth://totp/x:y?secret=JBSWY3DPEHPK3PXP&digits=6&digits=8\n")}}, transfer.ReadOptions{})
	if err != nil || len(b.Accounts) != 0 || len(b.Skipped) != 1 || !strings.Contains(b.Skipped[0].Reason, account.ErrTwice.Error()) {
		t.Errorf("two lengths: %v, %v", b.Skipped, err)
	}
}

// KeePass' plugins have Steam beside a period of their own.
func TestSteamOfKeePass(t *testing.T) {
	t.Parallel()
	const entry = `<KeePassFile><Root><Group><Entry><String><Key>Title</Key><Value>Steam</Value></String>%</Entry></Group></Root></KeePassFile>`
	for name, fields := range map[string]string{
		"KeeTrayTOTP": `<String><Key>TOTP Seed</Key><Value>JBSWY3DPEHPK3PXP</Value></String><String><Key>TOTP Settings</Key><Value>60;S</Value></String>`,
		"KeeOtp":      `<String><Key>otp</Key><Value>key=JBSWY3DPEHPK3PXP&amp;type=steam&amp;step=60&amp;size=6</Value></String>`,
		"KeePassXC":   `<String><Key>otp</Key><Value>otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&amp;period=60&amp;digits=6&amp;encoder=steam</Value></String>`,
	} {
		data := []byte(strings.Replace(entry, "%", fields, 1))
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: data}}, transfer.ReadOptions{})
		if err != nil || len(b.Accounts) != 1 {
			t.Fatalf("%s: %v, %v", name, b.Skipped, err)
		}
		if a := b.Accounts[0]; a.Type != account.Steam || a.Period != 30 || a.Digits != 5 {
			t.Errorf("%s: %+v", name, a.Credential)
		}
	}
}

package transfer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/transfer"
)

const someURI = "otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXP&issuer=Example"

// "No data" is said of files that hold none, and of no other: where a file has a URI, or
// a member whose name means codes, and nothing was read, it is said what was seen and
// on which line.
func TestNoDataIsTrue(t *testing.T) {
	t.Parallel()
	onePUX := `{"accounts":[{"vaults":[{"items":[` + strings.Repeat(`
{"overview":{"title":"x"},"details":{"parts":[{"fields":[{"value":{"totp":"`+someURI+`"}}]}]}},`, 3) + "\n{}]}]}]}"
	for name, test := range map[string]struct {
		data []byte
		rows []string
	}{
		"1PUX of another shape": {zipped(t, map[string]string{"export.data": onePUX}), []string{"line 2", "line 3", "line 4"}},
		"a URI with \\/":        {[]byte(`{"encrypted":false,"items":[{"name":"x","notes":"` + strings.ReplaceAll(someURI, "/", `\/`) + `"}]}`), []string{"line 1"}},
		"a member of no list":   {[]byte("{\"encrypted\":false,\n\"items\":[{\"name\":\"x\",\n\"type\":1, \"TOTP-Key\" : \"JBSWY3DPEHPK3PXP\"}]}"), []string{"line 3"}},
		"a member beside a zip's list": {
			zipped(t, map[string]string{"a.csv": "name,totp\nx,JBSWY3DPEHPK3PXP\n", "b.dat": `{"unknown":{"x":"` + someURI + `"}}`}), []string{"b.dat, line 1"},
		},
		"a note in a CSV file": {[]byte("name,password,note\nx,p,see " + someURI + "\n"), []string{"line 2"}},
	} {
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: test.data}}, transfer.ReadOptions{})
		if err != nil || len(b.Skipped) != len(test.rows) {
			t.Errorf("%s: %v, %v", name, b.Skipped, err)
			continue
		}
		for i, s := range b.Skipped {
			if s.Row != test.rows[i] || strings.Contains(s.Reason, "JBSW") {
				t.Errorf("%s: %v, want %s", name, s, test.rows[i])
			}
		}
	}
	for name, data := range map[string]string{
		"Chrome":                  "name,url,username,password\nx,https://x.example,y,p\n",
		"Bitwarden without codes": `{"encrypted":false,"items":[{"name":"totp","type":1,"login":{"username":"otp","totp":null}},{"name":"x","type":1,"login":{"totp":""}}]}`,
		"words":                   "# otpauth:\n",
	} {
		if _, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte(data)}}, transfer.ReadOptions{}); !errors.Is(err, transfer.ErrNoOTPData) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A whole file of a format that is not read is no damaged one.
func TestOnePIF(t *testing.T) {
	t.Parallel()
	const item = `{"uuid":"x","title":"x","secureContents":{"fields":[]}}` + "\n***5642bee8-a5ff-11dc-8314-0800200c9a66***\n"
	_, err := transfer.Read(t.Context(), []transfer.File{{Name: "data.1pif", Data: []byte(item + item)}}, transfer.ReadOptions{})
	var no *transfer.NotExportableError
	if !errors.As(err, &no) || !strings.Contains(no.What, "1PIF") || !strings.Contains(no.Do, "1PUX") || errors.Is(err, transfer.ErrDamaged) {
		t.Error(err)
	}
}

// One value of a KeePass file that cannot be decoded costs its entry and no other.
func TestKeePassValueThatIsNoBase64(t *testing.T) {
	t.Parallel()
	entry := func(title, value string) string {
		return `<Entry><String><Key>Title</Key><Value>` + title + `</Value></String><String><Key>otp</Key><Value Protected="True">` + value + `</Value></String></Entry>`
	}
	xml := `<KeePassFile><Root><Group>` + entry("Bad", "!!!") + entry("Good", "SkJTV1kzRFBFSFBLM1BYUA==") + `</Group></Root></KeePassFile>`
	b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte(xml)}}, transfer.ReadOptions{})
	if err != nil || len(b.Accounts) != 1 || b.Accounts[0].Issuer != "Good" || b.Accounts[0].Secret.Base32() != "JBSWY3DPEHPK3PXP" ||
		len(b.Skipped) != 1 || b.Skipped[0].Row != "Bad" {
		t.Errorf("%v, %v, %v", b.Accounts, b.Skipped, err)
	}
}

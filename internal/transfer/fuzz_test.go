package transfer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/transfer"
)

// checkBatch holds what is true of everything that is read.
func checkBatch(t *testing.T, b transfer.Batch, err error) {
	t.Helper()
	if err != nil && len(b.Accounts) > 0 {
		t.Fatalf("accounts and an error: %v", err)
	}
	for _, a := range b.Accounts {
		if !a.NeedsVerification() {
			if err := a.Validate(); err != nil {
				t.Fatalf("an account that no code can be computed from: %v", err)
			}
		}
		if a.ID != "" || a.Issuer != strings.TrimSpace(a.Issuer) || a.Name != strings.TrimSpace(a.Name) {
			t.Fatal("an account that is not clean")
		}
	}
	for _, s := range b.Skipped {
		if s.Row == "" || s.Reason == "" {
			t.Fatal("a row that is skipped without a name or a reason")
		}
	}
}

// FuzzRead reads anything as every format would have it: seeds are one file of each.
func FuzzRead(f *testing.F) {
	for _, fixture := range fixtures(f) {
		f.Add(fixture.file.Data, fixture.format)
	}
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		if _, found := transfer.Find(format); !found {
			format = ""
		}
		ask := func(context.Context) (string, error) { return "correct horse", nil }
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: data}}, transfer.ReadOptions{Format: format, Passphrase: ask})
		checkBatch(t, b, err)
	})
}

// FuzzReadTexts reads texts of QR codes; what comes out of a URI comes out of its list.
func FuzzReadTexts(f *testing.F) {
	for _, fixture := range fixtures(f) {
		if fixture.format == "otpauth" || fixture.format == "google" || fixture.format == "ente" {
			for line := range strings.SplitSeq(string(fixture.file.Data), "\n") {
				f.Add(line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := transfer.ReadTexts([]string{text, text})
		checkBatch(t, b, err)
		if len(b.Accounts)%2 != 0 {
			t.Fatal("the same text gives different accounts")
		}
	})
}

func BenchmarkImport(b *testing.B) {
	var uris, csv, aegis strings.Builder
	csv.WriteString("Title,Username,OTPAuth\n")
	for i := range 10_000 {
		uri := fmt.Sprintf("otpauth://totp/Issuer%d:user%d@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Issuer%d&digits=6&period=30", i, i, i)
		uris.WriteString(uri + "\n")
		fmt.Fprintf(&csv, "Issuer%d,user%d,%s\n", i, i, uri)
		fmt.Fprintf(&aegis, `{"type":"totp","uuid":"%d","name":"user%d","issuer":"Issuer%d","note":"","favorite":false,"icon":null,"info":{"secret":"JBSWY3DPEHPK3PXP","algo":"SHA1","digits":6,"period":30},"groups":[]},`, i, i, i)
	}
	for name, data := range map[string]string{
		"otpauth": uris.String(), "csv": csv.String(),
		"aegis": `{"version":1,"header":{"slots":null,"params":null},"db":{"version":3,"entries":[` + strings.TrimSuffix(aegis.String(), ",") + `],"groups":[]}}`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				batch, err := transfer.Read(b.Context(), []transfer.File{{Name: "x", Data: []byte(data)}}, transfer.ReadOptions{})
				if err != nil || len(batch.Accounts) != 10_000 {
					b.Fatalf("%d accounts, %v", len(batch.Accounts), err)
				}
			}
		})
	}
}

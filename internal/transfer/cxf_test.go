package transfer_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer"
)

// What is sealed for another app is called so, with the way on.
func TestSealedExchange(t *testing.T) {
	t.Parallel()
	const jwe = "eyJhbGciOiJIUEtFLTAiLCJlbmMiOiJkaXIifQ.a.b.c.d" // {"alg":"HPKE-0","enc":"dir"}
	for name, data := range map[string]string{
		"answer":         `{"version":0,"hpke":{"mode":"base","kem":32,"kdf":1,"aead":1},"exporter":"x.example","payload":"AAAA"}`,
		"Android":        `{"version":{"major":1,"minor":0},"exporterRpId":"x.example","exporterDisplayName":"x","payload":"AAAA"}`,
		"JWE":            jwe,
		"archive of JWE": string(zipped(t, map[string]string{"index.jwe": jwe, "documents/x.jwe": jwe})),
		"request":        `{"version":0,"hpke":[],"importer":"x.example","credentialTypes":["totp"]}`,
	} {
		_, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte(data)}}, transfer.ReadOptions{})
		var no *transfer.NotExportableError
		if !errors.As(err, &no) || !strings.Contains(no.What, "Credential Exchange Protocol") || no.Do == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every shape of a file that the specification or Apple's encoder has.
func TestExchangeShapes(t *testing.T) {
	t.Parallel()
	const item = `{"id":"aQ","title":"Example","credentials":[{"type":"totp","secret":"JBSWY3DPEHPK3PXP======","period":30,"digits":6,"algorithm":"sha1","username":"alice"}]}`
	const one = `{"id":"YQ","username":"u","email":"e","collections":[],"items":[` + item + `]}`
	for name, data := range map[string]string{
		"header":          `{"version":{"major":1,"minor":0},"exporterRpId":"x","exporterDisplayName":"x","timestamp":1,"accounts":[` + one + `]}`,
		"account":         one,
		"two accounts":    `{"accounts":[{"id":"Yg","items":[]},` + one + `]}`,
		"odd collections": strings.Replace(one, `"collections":[]`, `"collections":null`, 1),
		"defaults":        strings.Replace(one, `"period":30,"digits":6,"algorithm":"sha1",`, "", 1),
		"an issuer":       strings.Replace(one, `"algorithm":"sha1"`, `"algorithm":"sha1","issuer":"Example"`, 1),
		"basic-auth":      strings.Replace(strings.Replace(one, `,"username":"alice"`, "", 1), `"credentials":[`, `"credentials":[{"type":"basic-auth","username":{"fieldType":"email","value":"alice"}},`, 1),
	} {
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte(data)}}, transfer.ReadOptions{})
		if err != nil || len(b.Accounts) != 1 || len(b.Skipped)+len(b.Warnings) > 0 || b.Formats[0] != "cxf" {
			t.Errorf("%s: %v, %v, %v", name, b, b.Formats, err)
			continue
		}
		a, want := b.Accounts[0], account.Default(account.TOTP)
		want.Secret = a.Secret
		if a.Label() != "Example:alice" || a.Credential != want || a.Secret.Base32() != "JBSWY3DPEHPK3PXP" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte(strings.Replace(one, "sha1", "sha3", 1))}}, transfer.ReadOptions{})
	if err != nil || len(b.Accounts) != 0 || len(b.Skipped) != 1 || b.Skipped[0].Reason != account.ErrAlgorithm.Error() {
		t.Errorf("an unknown algorithm: %v, %v", b.Skipped, err)
	}
	long := account.Account{Issuer: "x", Credential: account.Default(account.TOTP)}
	long.Secret, long.Period = account.NewSecret([]byte("12345678901234567890")), 256
	out, err := transfer.Write("cxf", []account.Account{long}, transfer.WriteOptions{Rand: rand.Reader, Now: now})
	if err != nil || len(out.Skipped) != 1 {
		t.Errorf("a period that is no uint8: %v, %v", out.Skipped, err)
	}
}

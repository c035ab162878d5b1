package keyring_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	gokeyring "github.com/zalando/go-keyring"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// snapshot has the shape and the randomness of a vault with n accounts.
func snapshot(n int) []byte {
	random := func(bytes int) []byte {
		b := make([]byte, bytes)
		_, _ = rand.Read(b)
		return b
	}
	device := hex.EncodeToString(random(16))
	issuers := []string{"GitHub", "Google", "Amazon Web Services", "Example Bank", "Mastodon", "Proton", "Dropbox", "GitLab"}
	records := []map[string]any{}
	for i := range n {
		records = append(records, map[string]any{
			"id":      hex.EncodeToString(random(16)),
			"created": fmt.Sprintf("%d@%s", 1790000000000+int64(i)*7919017, device),
			"issuer":  issuers[i%len(issuers)], "name": fmt.Sprintf("%x@example.com", random(4)),
			"type": "totp", "algorithm": "SHA1", "digits": 6, "period": 30,
			"secret": base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random(20)),
		})
	}
	data, err := json.Marshal(map[string]any{"version": 1, "id": device, "records": records})
	if err != nil {
		panic(err)
	}
	return data
}

var sizes = []int{1, 30, 100, 1000}

// BenchmarkSecretService is what a lookup pays on a real gnome-keyring, inside
// a process that is already connected, beside go-keyring's own Get of one
// small item.
func BenchmarkSecretService(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("needs a Secret Service, on Linux")
	}
	s := keyringtest.SecretService(b, keyringtest.ServiceOptions{})
	b.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Bus)
	if err := gokeyring.Set("auth-bench", "bare", strings.Repeat("x", 100)); err != nil {
		b.Fatal(err)
	}
	b.Run("bare Get of 100 bytes", func(b *testing.B) {
		for b.Loop() {
			if _, err := gokeyring.Get("auth-bench", "bare"); err != nil {
				b.Fatal(err)
			}
		}
	})
	for i, n := range sizes {
		k := keyring.System(keyring.SystemOptions{Service: fmt.Sprintf("auth%d", i), Bus: s.Bus})
		benchmarkStore(b, fmt.Sprintf("%d accounts", n), k, snapshot(n))
	}
	// A thousand accounts in chunks of macOS's size, for what chunks cost.
	k := keyring.System(keyring.SystemOptions{Service: "authchunks", Bus: s.Bus})
	benchmarkStore(b, "1000 accounts in 2800-byte items", limited{k, 2800}, snapshot(1000))
}

// limited is a keyring with a lower limit.
type limited struct {
	keyring.Keyring
	limit int
}

func (k limited) Limit() int { return k.limit }

func benchmarkStore(b *testing.B, name string, k keyring.Keyring, data []byte) {
	store := keyring.NewStore(k)
	generation := uint64(0)
	save := func(b *testing.B) {
		generation++
		if err := store.Save(b.Context(), generation, data); err != nil {
			b.Fatal(err)
		}
	}
	save(b)
	b.Run("Load/"+name, func(b *testing.B) {
		for b.Loop() {
			if _, err := store.Load(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Save/"+name, func(b *testing.B) {
		for b.Loop() {
			save(b)
		}
	})
}

// BenchmarkStore is the same without a keyring: packing, hashing, encoding.
func BenchmarkStore(b *testing.B) {
	for _, n := range sizes {
		benchmarkStore(b, fmt.Sprintf("%d accounts", n), new(keyringtest.Memory), snapshot(n))
	}
}

// BenchmarkEncoding reports bytes an account for ways to make text of one.
func BenchmarkEncoding(b *testing.B) {
	for _, n := range sizes {
		data := snapshot(n)
		for _, level := range []int{flate.HuffmanOnly, 1, 6, 9} {
			b.Run(fmt.Sprintf("%d accounts/flate level %d", n, level), func(b *testing.B) {
				var packed bytes.Buffer
				for b.Loop() {
					packed.Reset()
					w, _ := flate.NewWriter(&packed, level)
					_, _ = w.Write(data)
					_ = w.Close()
				}
				per := func(bytes int, unit string) { b.ReportMetric(float64(bytes)/float64(n), unit) }
				per(len(data), "json/account")
				per(packed.Len(), "raw/account")
				per(base64.RawURLEncoding.EncodedLen(packed.Len()), "base64/account")
				per(ascii85.Encode(make([]byte, ascii85.MaxEncodedLen(packed.Len())), packed.Bytes()), "ascii85/account")
			})
		}
	}
}

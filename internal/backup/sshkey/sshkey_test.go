package sshkey_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/authcli/auth/internal/backup/sshkey"
)

// A pair is a key as files: what .pub and the private file hold.
type pair struct {
	name, public string
	private      []byte
}

func publicLine(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(public))
}

// pairs are keys of both kinds in every format.
func pairs(t *testing.T) []pair {
	t.Helper()
	var list []pair
	add := func(name string, key crypto.Signer, block *pem.Block, err error) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, pair{name, publicLine(t, key.Public()), pem.EncodeToMemory(block)})
	}
	pkcs8 := func(key any) *pem.Block {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(ed, "alice@example.com")
	add("Ed25519, OpenSSH", ed, block, err)
	add("Ed25519, PKCS 8", ed, pkcs8(ed), nil)
	for _, bits := range []int{2048, 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		block, err := ssh.MarshalPrivateKey(key, "")
		add("RSA, OpenSSH", key, block, err)
		add("RSA, PKCS 1", key, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}, nil)
		add("RSA, PKCS 8", key, pkcs8(key), nil)
	}
	return list
}

// carry encrypts to r and decrypts with id.
func carry(r age.Recipient, id age.Identity) error {
	const message = "the accounts"
	var file bytes.Buffer
	w, err := age.Encrypt(&file, r)
	if err != nil {
		return err
	}
	if _, err = io.WriteString(w, message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	plain, err := age.Decrypt(&file, id)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(plain)
	if err == nil && string(got) != message {
		err = errors.New("it is another message")
	}
	return err
}

// What age encrypts is opened here, and the other way round.
func TestAgainstAge(t *testing.T) {
	t.Parallel()
	keys := pairs(t)
	if path, err := exec.LookPath("ssh-keygen"); err == nil {
		for _, args := range [][]string{{"-t", "ed25519"}, {"-t", "rsa", "-b", "2048"}, {"-t", "rsa", "-b", "2048", "-m", "PEM"}, {"-t", "rsa", "-m", "PKCS8"}} {
			file := filepath.Join(t.TempDir(), "key")
			if out, err := exec.Command(path, append(args, "-q", "-N", "", "-f", file)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
			private, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			public, err := os.ReadFile(file + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, pair{"ssh-keygen " + strings.Join(args, " "), string(public), private})
		}
	}
	var others []age.Identity
	for _, key := range keys {
		id, err := sshkey.ParseIdentity(key.private)
		if err != nil {
			t.Fatalf("%s: %v", key.name, err)
		}
		others = append(others, id)
	}
	for i, key := range keys {
		r, err := sshkey.ParseRecipient(key.public)
		if err != nil {
			t.Fatalf("%s: %v", key.name, err)
		}
		theirs, err := agessh.ParseRecipient(key.public)
		if err != nil {
			t.Fatal(err)
		}
		theirID, err := agessh.ParseIdentity(key.private)
		if err != nil {
			t.Fatal(err)
		}
		for how, err := range map[string]error{
			"ours to ours": carry(r, others[i]), "ours to age": carry(r, theirID), "age to ours": carry(theirs, others[i]),
		} {
			if err != nil {
				t.Errorf("%s, %s: %v", key.name, how, err)
			}
		}
		for j, other := range others {
			if keys[j].public == key.public {
				continue
			}
			var none *age.NoIdentityMatchError
			if err := carry(r, other); !errors.As(err, &none) {
				t.Errorf("%s opened by %s: %v", key.name, keys[j].name, err)
			}
		}
	}
}

// Half of all texts of 32 bytes are no point of the curve. Which, age knows too.
func TestPointsOfTheCurve(t *testing.T) {
	t.Parallel()
	taken := 0
	for range 300 {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		line := publicLine(t, ed25519.PublicKey(key))
		_, want := agessh.ParseRecipient(line)
		_, got := sshkey.ParseRecipient(line)
		if (got == nil) != (want == nil) {
			t.Errorf("%x: %v, age says %v", key, got, want)
		}
		if got == nil {
			taken++
		}
	}
	if taken == 0 || taken == 300 {
		t.Errorf("%d of 300 are on the curve", taken)
	}
	neutral := ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))
	if _, err := sshkey.ParseRecipient(publicLine(t, neutral)); !errors.Is(err, sshkey.ErrKey) {
		t.Errorf("the neutral point: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := publicLine(t, ed.Public())
	for name, line := range map[string]string{
		"nothing": "", "one word": "ssh-ed25519", "no base64": "ssh-ed25519 @@@@",
		"RSA of 1024 bits": publicLine(t, small.Public()), "ECDSA": publicLine(t, ec.Public()),
		"another kind than it says": strings.Replace(good, "ssh-ed25519", "ssh-rsa", 1),
	} {
		if _, err := sshkey.ParseRecipient(line); !errors.Is(err, sshkey.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sealed, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	ecdsaKey, err := ssh.MarshalPrivateKey(ec, "")
	if err != nil {
		t.Fatal(err)
	}
	stranger := slices.Clone(ed)
	stranger[40] ^= 1 // a public key that is not the seed's
	mixed, err := ssh.MarshalPrivateKey(stranger, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "a public key": []byte(good), "under a passphrase": pem.EncodeToMemory(sealed),
		"ECDSA": pem.EncodeToMemory(ecdsaKey), "halves that do not belong together": pem.EncodeToMemory(mixed),
	} {
		if _, err := sshkey.ParseIdentity(data); !errors.Is(err, sshkey.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key that is cut short or altered is refused or is a key; it never panics.
func TestDamage(t *testing.T) {
	t.Parallel()
	for _, key := range pairs(t)[:5] {
		block, _ := pem.Decode(key.private)
		for i := range block.Bytes {
			cut := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes[:i]})
			if _, err := sshkey.ParseIdentity(cut); !errors.Is(err, sshkey.ErrKey) {
				t.Errorf("%s cut at %d: %v", key.name, i, err)
			}
			if i%32 != 0 { // an RSA key takes a while to be checked
				continue
			}
			flipped := slices.Clone(block.Bytes)
			flipped[i] ^= 0x80
			_, err := sshkey.ParseIdentity(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: flipped}))
			if err != nil && !errors.Is(err, sshkey.ErrKey) {
				t.Errorf("%s flipped at %d: %v", key.name, i, err)
			}
		}
		kind, rest, _ := strings.Cut(strings.TrimSpace(key.public), " ")
		blob, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			t.Fatal(err)
		}
		for i := range blob {
			line := kind + " " + base64.StdEncoding.EncodeToString(blob[:i])
			if _, err := sshkey.ParseRecipient(line); !errors.Is(err, sshkey.ErrKey) {
				t.Errorf("%s cut at %d: %v", key.public, i, err)
			}
		}
	}
}

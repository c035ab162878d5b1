package backup_test

import (
	"bytes"
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
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/testenv"
)

// keygen makes an SSH key with ssh-keygen and returns the path of the private file.
func keygen(t *testing.T, passphrase string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	cmd := exec.Command(testenv.Program(t, "ssh-keygen", "openssh-client"), append(args, "-q", "-N", passphrase, "-f", path)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// answering returns the identity file at path, with passphrase as the answer. asked
// counts the questions.
func answering(t *testing.T, path, passphrase string, asked *int) backup.IdentityFile {
	t.Helper()
	return backup.IdentityFile{
		Data:       read(t, path),
		Passphrase: func() (string, error) { *asked++; return passphrase, nil },
		PublicKey:  func() ([]byte, error) { return os.ReadFile(path + ".pub") },
	}
}

// silent returns an identity file that must not ask for a passphrase.
func silent(t *testing.T, data []byte) backup.IdentityFile {
	t.Helper()
	return backup.IdentityFile{
		Data:       data,
		Passphrase: func() (string, error) { t.Error("a passphrase is asked for"); return "", nil },
		PublicKey:  func() ([]byte, error) { return nil, os.ErrNotExist },
	}
}

func identities(t *testing.T, file backup.IdentityFile) []backup.Identity {
	t.Helper()
	ids, err := file.Identities()
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

const message = "the accounts"

// sealTo seals the message to a recipient.
func sealTo(t *testing.T, recipient string) []byte {
	t.Helper()
	r, err := backup.ParseRecipient(recipient)
	if err != nil {
		t.Fatalf("%s: %v", recipient, err)
	}
	data, err := backup.Seal([]byte(message), backup.SealTo(r))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// stockAge runs the program age on data.
func stockAge(t *testing.T, data []byte, args ...string) []byte {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(testenv.Program(t, "age", "age"), args...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("age %v: %v\n%s", args, err, errs.String())
	}
	return out
}

// Every kind of SSH key that age accepts encrypts and decrypts here and with stock age.
// It does not open a file for another key.
func TestSSHKeys(t *testing.T) {
	t.Parallel()
	stranger := identities(t, silent(t, read(t, keygen(t, "", "-t", "ed25519"))))
	for name, args := range map[string][]string{
		"Ed25519, OpenSSH": {"-t", "ed25519"},
		"RSA, OpenSSH":     {"-t", "rsa", "-b", "2048"},
		"RSA, PKCS 1":      {"-t", "rsa", "-b", "2048", "-m", "PEM"},
		"RSA, PKCS 8":      {"-t", "rsa", "-b", "3072", "-m", "PKCS8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := keygen(t, "", args...)
			public := string(read(t, path+".pub"))
			ids := identities(t, silent(t, read(t, path)))
			sealed := sealTo(t, public)
			if got, err := backup.Unseal(sealed, ids...); err != nil || string(got) != message {
				t.Errorf("opened as %q, %v", got, err)
			}
			if _, err := backup.Unseal(sealed, stranger...); !errors.Is(err, backup.ErrWrongKey) {
				t.Errorf("opened by another key: %v", err)
			}
			if got := stockAge(t, sealed, "-d", "-i", path); string(got) != message {
				t.Errorf("age opens it as %q", got)
			}
			theirs := stockAge(t, []byte(message), "-r", strings.TrimSpace(public))
			if got, err := backup.Unseal(theirs, ids...); err != nil || string(got) != message {
				t.Errorf("a file of age is opened as %q, %v", got, err)
			}
		})
	}
}

// An Ed25519 key in PKCS #8, which openssl writes and ssh-keygen does not.
func TestSSHKeyPKCS8(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	ids := identities(t, silent(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if got, err := backup.Unseal(sealTo(t, publicLine(t, public)), ids...); err != nil || string(got) != message {
		t.Errorf("opened as %q, %v", got, err)
	}
}

// The passphrase of an SSH key is asked for once, and only if a file is encrypted to that
// key.
func TestEncryptedSSHKeys(t *testing.T) {
	t.Parallel()
	other := read(t, keygen(t, "", "-t", "ed25519")+".pub")
	for name, args := range map[string][]string{
		"Ed25519, OpenSSH": {"-t", "ed25519"},
		"RSA, OpenSSH":     {"-t", "rsa", "-b", "2048"},
		"RSA, PEM":         {"-t", "rsa", "-b", "2048", "-m", "PEM"}, // its public key is in FILE.pub alone
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const passphrase = "correct horse"
			path := keygen(t, passphrase, args...)
			sealed := sealTo(t, string(read(t, path+".pub")))

			asked := 0
			ids := identities(t, answering(t, path, passphrase, &asked))
			if _, err := backup.Unseal(sealTo(t, string(other)), ids...); !errors.Is(err, backup.ErrWrongKey) {
				t.Errorf("another's file: %v", err)
			}
			if asked != 0 {
				t.Errorf("asked %d times for another's file", asked)
			}
			for range 2 {
				if got, err := backup.Unseal(sealed, ids...); err != nil || string(got) != message {
					t.Errorf("opened as %q, %v", got, err)
				}
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}

			asked = 0
			ids = identities(t, answering(t, path, "wrong", &asked))
			for range 2 {
				if _, err := backup.OpenSealed([][]byte{sealed, sealed}, ids...); !errors.Is(err, backup.ErrIdentityPassphrase) {
					t.Errorf("wrong passphrase: %v", err)
				}
			}
			if asked != 1 {
				t.Errorf("a wrong passphrase is asked for %d times", asked)
			}

			nobody := errors.New("nobody to ask")
			ids = identities(t, backup.IdentityFile{
				Data:       read(t, path),
				Passphrase: func() (string, error) { return "", nobody },
				PublicKey:  func() ([]byte, error) { return os.ReadFile(path + ".pub") },
			})
			if _, err := backup.Unseal(sealed, ids...); !errors.Is(err, nobody) {
				t.Errorf("without an answer: %v", err)
			}
		})
	}
}

// An old encrypted SSH key without its public key beside it, or with the wrong one.
func TestEncryptedSSHKeyNeedsPublicKey(t *testing.T) {
	t.Parallel()
	path := keygen(t, "correct horse", "-t", "rsa", "-b", "2048", "-m", "PEM")
	if _, err := silent(t, read(t, path)).Identities(); !errors.Is(err, backup.ErrIdentityFile) || !strings.Contains(err.Error(), ".pub") {
		t.Errorf("without the public key: %v", err)
	}
	other := read(t, keygen(t, "", "-t", "rsa", "-b", "2048")+".pub")
	asked := 0
	file := answering(t, path, "correct horse", &asked)
	file.PublicKey = func() ([]byte, error) { return other, nil }
	ids := identities(t, file)
	if _, err := backup.Unseal(sealTo(t, string(other)), ids...); err == nil {
		t.Error("a key opens what is sealed to another's public key")
	}
}

// A passphrase-encrypted identity file, as age -p writes it, yields the identities in it.
func TestEncryptedIdentityFile(t *testing.T) {
	t.Parallel()
	key, err := backup.NewRecoveryKey(true)
	if err != nil {
		t.Fatal(err)
	}
	scrypt, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	encrypt := func(r age.Recipient, armored bool) []byte {
		var out bytes.Buffer
		to := io.WriteCloser(nopCloser{&out})
		if armored {
			to = armor.NewWriter(&out)
		}
		w, err := age.Encrypt(to, r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, "# created: 2026-03-01\n"+key.Text()+"\n")
		if err := errors.Join(err, w.Close(), to.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	sealed := sealTo(t, key.Recipient())
	for name, armored := range map[string]bool{"binary": false, "armored": true} {
		data, asked := encrypt(scrypt, armored), 0
		file := backup.IdentityFile{Data: data, Passphrase: func() (string, error) { asked++; return "correct horse", nil }}
		ids := identities(t, file)
		if got, err := backup.Unseal(sealed, ids...); err != nil || string(got) != message || asked != 1 {
			t.Errorf("%s: opened as %q, %v, asked %d times", name, got, err, asked)
		}
		if got, ok := backup.AsRecoveryKey(ids...); !ok || got.Text() != key.Text() {
			t.Errorf("%s: the recovery key in it is not taken", name)
		}
		for _, passphrase := range []string{"wrong", ""} {
			file.Passphrase = func() (string, error) { return passphrase, nil }
			if _, err := file.Identities(); !errors.Is(err, backup.ErrIdentityPassphrase) {
				t.Errorf("%s, passphrase %q: %v", name, passphrase, err)
			}
		}
		nobody := errors.New("nobody to ask")
		file.Passphrase = func() (string, error) { return "", nobody }
		if _, err := file.Identities(); !errors.Is(err, nobody) {
			t.Errorf("%s, without an answer: %v", name, err)
		}
		file.Passphrase = func() (string, error) { return "correct horse", nil }
		file.Data = data[:len(data)-20]
		if _, err := file.Identities(); !errors.Is(err, backup.ErrIdentityFile) {
			t.Errorf("%s, cut: %v", name, err)
		}
	}
	recipient, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := silent(t, encrypt(recipient, false)).Identities(); !errors.Is(err, backup.ErrIdentityFile) {
		t.Errorf("sealed to a key: %v", err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func publicLine(t *testing.T, key any) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(public))
}

// A text that is not a key for age is refused, and the error contains nothing from it.
func TestKeysRefused(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := publicLine(t, public)
	for name, line := range map[string]string{
		"nothing": "", "one word": "ssh-ed25519", "no base64": "ssh-ed25519 @@@@",
		"RSA of 1024 bits": publicLine(t, small.Public()), "ECDSA": publicLine(t, ec.Public()),
		"another kind than it says": strings.Replace(good, "ssh-ed25519", "ssh-rsa", 1),
		"two keys":                  good + good,
		"no point of the curve":     publicLine(t, ed25519.PublicKey(append([]byte{2}, make([]byte, 31)...))),
		"two recipients of age":     "age1f3m3n0glh8rp6mfy5xcygv3n2w6sgfew8clf9ff30u7vdqt4efesds8z35\nage1f3m3n0glh8rp6mfy5xcygv3n2w6sgfew8clf9ff30u7vdqt4efesds8z35",
	} {
		if _, err := backup.ParseRecipient(line); err == nil {
			t.Errorf("%s is taken for a recipient", name)
		}
	}
	openSSH := func(key any, passphrase string) []byte {
		block, err := ssh.MarshalPrivateKey(key, "")
		if passphrase != "" {
			block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
		}
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(block)
	}
	whole := openSSH(private, "")
	for name, data := range map[string][]byte{
		"nothing": nil, "a public key": []byte(good), "text": []byte("hello"),
		"ECDSA": openSSH(ec, ""), "ECDSA under a passphrase": openSSH(ec, "passphrase"),
		"half a key":                whole[:len(whole)/2],
		"PKCS 8 under a passphrase": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("1")}),
		"a damaged age file":        []byte("age-encryption.org/v1\n-> scrypt"),
	} {
		_, err := silent(t, data).Identities()
		if !errors.Is(err, backup.ErrIdentityFile) {
			t.Errorf("%s: %v", name, err)
		} else if len(data) > 4 && strings.Contains(err.Error(), string(data)) {
			t.Errorf("%s is in the error", name)
		}
	}
}

// Nothing is encrypted to the Ed25519 point that would make the shared secret public.
func TestNeutralPoint(t *testing.T) {
	t.Parallel()
	neutral := ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))
	r, err := backup.ParseRecipient(publicLine(t, neutral))
	if err != nil {
		return
	}
	if _, err := backup.Seal([]byte(message), backup.SealTo(r)); err == nil {
		t.Error("a file is sealed to it")
	}
}

// A key that is cut or altered anywhere is refused or parsed. It never panics.
func TestDamagedKeys(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ssh.MarshalPrivateKey(private, "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"plain": plain, "under a passphrase": locked} {
		for i := range block.Bytes {
			cut := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes[:i]})
			if _, err := silent(t, cut).Identities(); !errors.Is(err, backup.ErrIdentityFile) {
				t.Errorf("%s, cut at %d: %v", name, i, err)
			}
			flipped := slices.Clone(block.Bytes)
			flipped[i] ^= 0x80
			data := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: flipped})
			if _, err := silent(t, data).Identities(); err != nil && !errors.Is(err, backup.ErrIdentityFile) {
				t.Errorf("%s, flipped at %d: %v", name, i, err)
			}
		}
	}
	kind, rest, _ := strings.Cut(strings.TrimSpace(publicLine(t, public)), " ")
	blob, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		t.Fatal(err)
	}
	for i := range blob {
		if _, err := backup.ParseRecipient(kind + " " + base64.StdEncoding.EncodeToString(blob[:i])); err == nil {
			t.Errorf("a public key cut at %d is taken", i)
		}
	}
}

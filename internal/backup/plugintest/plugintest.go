// Package plugintest has a plugin of age for tests, on age's own framework. A test binary
// is the plugin's program too: see [Main] and [Install].
package plugintest

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"filippo.io/age/tag"
)

// The program of the plugin writes a line to the file that LogEnv names when it is run. It
// does what ModeEnv says; with nothing it encrypts and decrypts without a word.
const (
	LogEnv  = "AUTH_TEST_PLUGIN_LOG"
	ModeEnv = "AUTH_TEST_PLUGIN_MODE"
)

// What the program can do besides.
const (
	Ask     = "ask"     // asks for [PIN], and fails if the answer is another one
	Public  = "public"  // asks for the name of the key, which is [KeyName]
	Confirm = "confirm" // asks whether to go on
	Press   = "press"   // asks to go on, with one answer
	Tell    = "tell"    // says [Message]
	Refuse  = "refuse"  // fails, with [Message]
	Die     = "die"     // ends without an answer
	Hang    = "hang"    // does not answer
)

const (
	PIN     = "314159"
	KeyName = "the blue one"
	// Message would turn a terminal red and retitle it.
	Message = "touch \x1b[31mthe key\x1b]0;title\a now"
)

// stanza is the type of stanza that the plugin writes. What is in it is age's X25519.
const stanza = "plugintest"

// A Key is a key of the plugin.
type Key struct{ Recipient, Identity string }

// The kinds of keys.
const (
	Own    = "own"   // encrypted to by the program too
	Tag    = "tag"   // age1tag1…: anybody can encrypt to it without a program, as to a key in hardware
	TagPQ  = "tagpq" // age1tagpq1…: the same, hybrid
	prefix = "age-plugin-"
)

// NewKey returns a new key of a kind for the plugin of a name.
func NewKey(t testing.TB, name, kind string) Key {
	t.Helper()
	key, err := newKey(name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKey(name, kind string) (Key, error) {
	if kind == Own {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return Key{}, err
		}
		return Key{plugin.EncodeRecipient(name, []byte(id.Recipient().String())), plugin.EncodeIdentity(name, []byte(id.String()))}, nil
	}
	data := map[string][]byte{Tag: []byte(classic), TagPQ: []byte(quantum)}[kind]
	if data == nil {
		return Key{}, fmt.Errorf("unknown kind of key %q", kind)
	}
	seed := make([]byte, 64)
	rand.Read(seed)
	data = append(data, seed...)
	_, r, err := tagged(data)
	if err != nil {
		return Key{}, err
	}
	return Key{r.String(), plugin.EncodeIdentity(name, data)}, nil
}

// How the identity of a tagged key begins, before its seed.
const (
	classic = "p256:"
	quantum = "mlkem768p256:"
)

// tagged returns the two halves of a tagged key.
func tagged(data []byte) (hpke.PrivateKey, *tag.Recipient, error) {
	if seed, ok := bytes.CutPrefix(data, []byte(quantum)); ok {
		private, err := hpke.MLKEM768P256().DeriveKeyPair(seed)
		if err != nil {
			return nil, nil, err
		}
		r, err := tag.NewHybridRecipient(private.PublicKey().Bytes())
		return private, r, err
	}
	private, err := hpke.DHKEM(ecdh.P256()).DeriveKeyPair(bytes.TrimPrefix(data, []byte(classic)))
	if err != nil {
		return nil, nil, err
	}
	point := private.PublicKey().Bytes() // 4, X, Y; compressed it is 2 or 3 for an even or odd Y, and X
	r, err := tag.NewClassicRecipient(append([]byte{2 + point[64]&1}, point[1:33]...))
	return private, r, err
}

// Install puts the program of a plugin into a folder: this test binary, whose TestMain has
// to call [Main].
func Install(t testing.TB, dir, name string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, prefix+name)
	if runtime.GOOS != "windows" {
		err = os.Symlink(exe, path)
	} else {
		err = os.Link(exe, path+".exe")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Main is the program of a plugin, and returns its exit code. ok is false if this process
// is no such program.
func Main() (code int, ok bool) {
	name, ok := strings.CutPrefix(strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"), prefix)
	if !ok {
		return 0, false
	}
	code, err := program(name, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code, true
}

// program is the program of a plugin. With --age-plugin=… it speaks with age; with the kind
// of a key it makes one, and prints it as age-keygen does.
func program(name string, args []string) (code int, err error) {
	if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		key, err := newKey(name, args[0])
		if err != nil {
			return 1, err
		}
		_, err = fmt.Printf("# recipient: %s\n%s\n", key.Recipient, key.Identity)
		return 0, err
	}
	if err := note(name); err != nil {
		return 1, err
	}
	p, err := plugin.New(name)
	if err != nil {
		return 1, err
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) {
		r, err := age.ParseX25519Recipient(string(data))
		return recipient{p, r}, err
	})
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		if !bytes.HasPrefix(data, []byte("AGE-")) {
			private, r, err := tagged(data)
			return taggedIdentity{p, private, r}, err
		}
		id, err := age.ParseX25519Identity(string(data))
		return identity{p, id}, err
	})
	return p.Main(), nil
}

// note writes down that the program was run.
func note(name string) error {
	path := os.Getenv(LogEnv)
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, name, strings.Join(os.Args[1:], " "))
	return errors.Join(err, f.Close())
}

// Runs returns the lines of the log: one for each run of a program.
func Runs(t testing.TB, log string) []string {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })
}

type recipient struct {
	p *plugin.Plugin
	r *age.X25519Recipient
}

func (r recipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	if err := behave(r.p); err != nil {
		return nil, err
	}
	stanzas, err := r.r.Wrap(fileKey)
	if err == nil {
		stanzas[0].Type = stanza
	}
	return stanzas, err
}

type identity struct {
	p  *plugin.Plugin
	id *age.X25519Identity
}

func (i identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	var ours []*age.Stanza
	for _, s := range stanzas {
		if s.Type == stanza {
			ours = append(ours, &age.Stanza{Type: "X25519", Args: s.Args, Body: s.Body})
		}
	}
	fileKey, err := i.id.Unwrap(ours)
	if err != nil {
		return nil, age.ErrIncorrectIdentity
	}
	return fileKey, behave(i.p)
}

type taggedIdentity struct {
	p       *plugin.Plugin
	private hpke.PrivateKey
	r       *tag.Recipient
}

// Unwrap is of https://c2sp.org/age#the-p256tag-recipient-stanza and the one below it.
func (i taggedIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	kind := "p256tag"
	if i.r.Hybrid() {
		kind = "mlkem768p256tag"
	}
	for _, s := range stanzas {
		if s.Type != kind || len(s.Args) != 2 {
			continue
		}
		enc, err := base64.RawStdEncoding.DecodeString(s.Args[1])
		if err != nil {
			return nil, err
		}
		mark, err := i.r.Tag(enc)
		if err != nil {
			return nil, err
		}
		if base64.RawStdEncoding.EncodeToString(mark) != s.Args[0] {
			continue
		}
		recipient, err := hpke.NewRecipient(enc, i.private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte("age-encryption.org/"+kind))
		if err != nil {
			return nil, err
		}
		fileKey, err := recipient.Open(nil, s.Body)
		return fileKey, errors.Join(err, behave(i.p))
	}
	return nil, age.ErrIncorrectIdentity
}

// behave does what the environment says. A key in hardware asks only if a file is for it.
func behave(p *plugin.Plugin) error {
	switch mode := os.Getenv(ModeEnv); mode {
	case "":
		return nil
	case Ask:
		return answered(PIN)(p.RequestValue("enter the \x1b[31mPIN:", true))
	case Public:
		return answered(KeyName)(p.RequestValue("which key?", false))
	case Confirm, Press:
		no := "no, stop"
		if mode == Press {
			no = ""
		}
		yes, err := p.Confirm("use the key?", "yes, go on", no)
		if err == nil && !yes {
			err = errors.New("not confirmed")
		}
		return err
	case Tell:
		return p.DisplayMessage(Message)
	case Refuse:
		return errors.New(Message)
	case Die:
		os.Exit(7)
	case Hang:
		_, _ = io.Copy(io.Discard, os.Stdin) // until nobody is at the other end
	}
	return fmt.Errorf("unknown mode %q", os.Getenv(ModeEnv))
}

func answered(want string) func(string, error) error {
	return func(got string, err error) error {
		if err == nil && got != want {
			err = errors.New("wrong answer")
		}
		return err
	}
}

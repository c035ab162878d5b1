package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/plugintest"
)

func TestMain(m *testing.M) {
	if code, ok := plugintest.Main(); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// A keyholder answers the programs of plugins, and notes what they say.
type keyholder struct {
	answer   string
	yes      bool
	err      error
	patience time.Duration
	asked    chan struct{} // closed at the first question, if it is there
	heard    []string
}

func (k *keyholder) Tell(program, message string) {
	k.heard = append(k.heard, fmt.Sprintf("%s says %q", program, message))
}

func (k *keyholder) Ask(ctx context.Context, program, question string, secret bool) (string, error) {
	k.heard = append(k.heard, fmt.Sprintf("%s asks %q, secret %v", program, question, secret))
	if k.asked != nil {
		close(k.asked)
		<-ctx.Done()
		return "", ctx.Err()
	}
	return k.answer, k.err
}

func (k *keyholder) Choose(_ context.Context, program, question, yes, no string) (bool, error) {
	k.heard = append(k.heard, fmt.Sprintf("%s asks %q: %q or %q", program, question, yes, no))
	return k.yes, k.err
}

func (k *keyholder) Waiting(string)          {}
func (k *keyholder) Patience() time.Duration { return k.patience }

// withPlugins makes programs of plugins the only ones in PATH, and returns the plugins with
// a person, and the log of the runs.
func withPlugins(t *testing.T, person backup.PluginPerson, names ...string) (p backup.Plugins, log string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		plugintest.Install(t, dir, name)
	}
	log = filepath.Join(t.TempDir(), "log")
	t.Setenv("PATH", dir)
	t.Setenv(plugintest.LogEnv, log)
	return backup.Plugins{LookPath: exec.LookPath, Person: person}, log
}

// sealFor seals the message to a recipient of a plugin or of age.
func sealFor(t *testing.T, p backup.Plugins, recipient string) []byte {
	t.Helper()
	r, err := p.ParseRecipient(t.Context(), recipient)
	if err != nil {
		t.Fatal(err)
	}
	data, err := backup.Seal([]byte(message), backup.SealTo(r))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keyFile returns the identities of an identity file with these lines.
func keyFile(t *testing.T, p backup.Plugins, lines ...string) []backup.Identity {
	t.Helper()
	file := silent(t, []byte(strings.Join(lines, "\n")+"\n"))
	file.Plugin = func(line string) (backup.Identity, error) { return p.ParseIdentity(t.Context(), line) }
	return identities(t, file)
}

func opens(t *testing.T, data []byte, ids []backup.Identity) {
	t.Helper()
	if got, err := backup.Unseal(data, ids...); err != nil || string(got) != message {
		t.Errorf("opened %q, error %v", got, err)
	}
}

// isFault checks that err is a fault of a program, for a reason.
func isFault(t *testing.T, err, reason error, program string, identity bool) {
	t.Helper()
	fault, ok := errors.AsType[*backup.PluginError](err)
	if !ok || !errors.Is(err, reason) || fault.Program != program || fault.Identity != identity {
		t.Errorf("the error is %#v (%v), want %v of %s", err, err, reason, program)
	}
}

// A plugin encrypts and decrypts. Another key of it opens nothing, and is told from one
// that could not be used.
func TestPlugin(t *testing.T) {
	p, log := withPlugins(t, nil, "try")
	key, other := plugintest.NewKey(t, "try", plugintest.Own), plugintest.NewKey(t, "try", plugintest.Own)
	data := sealFor(t, p, key.Recipient+"\n")
	opens(t, data, keyFile(t, p, "# my key", "", key.Identity+"\r"))
	if _, err := backup.Unseal(data, keyFile(t, p, other.Identity)...); !errors.Is(err, backup.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	opens(t, data, keyFile(t, p, other.Identity, key.Identity))
	native := newKey(t)
	opens(t, sealTo(t, native.Recipient()), keyFile(t, p, other.Identity, native.Text()))
	if runs := plugintest.Runs(t, log); len(runs) != 5 {
		t.Errorf("the program was run %d times: %q", len(runs), runs)
	}
}

// Tagged recipients need no program. The identity of any plugin opens them.
func TestTaggedRecipient(t *testing.T) {
	p, log := withPlugins(t, nil, "card")
	for i, kind := range []string{plugintest.Tag, plugintest.TagPQ} {
		key := plugintest.NewKey(t, "card", kind)
		if !strings.HasPrefix(key.Recipient, "age1"+kind+"1") {
			t.Fatalf("the recipient is %s", key.Recipient)
		}
		data := sealTo(t, key.Recipient) // which knows no plugins
		if runs := plugintest.Runs(t, log); len(runs) != i {
			t.Errorf("to encrypt, it was run: %q", runs)
		}
		opens(t, data, keyFile(t, p, key.Identity))
		if _, err := backup.ParseRecipient(key.Recipient[:len(key.Recipient)-1]); err == nil {
			t.Error("a cut recipient is taken")
		}
	}
}

// What a program says goes to the person, named, with every byte; what the person answers
// goes to the program. A program that had another answer fails.
func TestPluginQuestions(t *testing.T) {
	const asks = "age-plugin-try asks "
	p, _ := withPlugins(t, nil, "try")
	key := plugintest.NewKey(t, "try", plugintest.Own)
	data := sealFor(t, p, key.Recipient)
	for _, tt := range []struct {
		mode         string
		right, else_ keyholder
		heard        string
	}{
		{plugintest.Ask, keyholder{answer: plugintest.PIN}, keyholder{answer: "1"}, asks + `"enter the \x1b[31mPIN:", secret true`},
		{plugintest.Public, keyholder{answer: plugintest.KeyName}, keyholder{}, asks + `"which key?", secret false`},
		{plugintest.Confirm, keyholder{yes: true}, keyholder{}, asks + `"use the key?": "yes, go on" or "no, stop"`},
		{plugintest.Press, keyholder{yes: true}, keyholder{err: errNobody}, asks + `"use the key?": "yes, go on" or ""`},
		{plugintest.Tell, keyholder{}, keyholder{}, fmt.Sprintf("age-plugin-try says %q", plugintest.Message)},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Setenv(plugintest.ModeEnv, tt.mode)
			p.Person = &tt.right
			opens(t, data, keyFile(t, p, key.Identity))
			sealFor(t, p, key.Recipient)
			if want := []string{tt.heard, tt.heard}; !slices.Equal(tt.right.heard, want) {
				t.Errorf("the person heard %q, want %q", tt.right.heard, want)
			}
			if tt.mode == plugintest.Tell {
				return
			}
			p.Person = &tt.else_
			if _, err := backup.Unseal(data, keyFile(t, p, key.Identity)...); err == nil {
				t.Error("it opens with another answer")
			}
		})
	}
}

var errNobody = errors.New("nobody answers")

// A question that nobody answers ends at once, with the person's own error, and so does
// one at which the command is interrupted.
func TestPluginUnanswered(t *testing.T) {
	p, _ := withPlugins(t, &keyholder{err: errNobody}, "try")
	key := plugintest.NewKey(t, "try", plugintest.Own)
	data := sealFor(t, p, key.Recipient)
	t.Setenv(plugintest.ModeEnv, plugintest.Ask)
	if _, err := backup.Unseal(data, keyFile(t, p, key.Identity)...); !errors.Is(err, errNobody) {
		t.Errorf("to open: %v", err)
	}
	if _, err := backup.OpenSealed([][]byte{data}, keyFile(t, p, key.Identity)...); !errors.Is(err, errNobody) {
		t.Errorf("to open sealed keys: %v", err)
	}
	r, err := p.ParseRecipient(t.Context(), key.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Seal([]byte(message), backup.SealTo(r)); !errors.Is(err, errNobody) || err.Error() != errNobody.Error() {
		t.Errorf("to seal: %v", err)
	}

	waiting := &keyholder{asked: make(chan struct{})}
	p.Person = waiting
	ctx, cancel := context.WithCancel(t.Context())
	id, err := p.ParseIdentity(ctx, key.Identity)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-waiting.asked; cancel() }()
	if _, err := backup.Unseal(data, id); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// A program that fails, dies or hangs is named, with what it said. It does not look like
// an end of input or an interruption of auth.
func TestPluginFaults(t *testing.T) {
	p, log := withPlugins(t, &keyholder{patience: 50 * time.Millisecond}, "try")
	patient := p
	patient.Person = &keyholder{}
	key := plugintest.NewKey(t, "try", plugintest.Own)
	data := sealFor(t, patient, key.Recipient)
	for mode, want := range map[string]error{
		plugintest.Refuse: backup.ErrPluginFailed, plugintest.Die: backup.ErrPluginEnded, plugintest.Hang: backup.ErrPluginSilent,
	} {
		t.Run(mode, func(t *testing.T) {
			t.Setenv(plugintest.ModeEnv, mode)
			ran := len(plugintest.Runs(t, log))
			p := patient
			if mode == plugintest.Hang {
				p.Person = &keyholder{patience: 50 * time.Millisecond}
			}
			_, err := backup.Unseal(data, keyFile(t, p, key.Identity)...)
			isFault(t, err, want, "age-plugin-try", true)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, age.ErrIncorrectIdentity) {
				t.Errorf("the error is also another one: %v", err)
			}
			if mode == plugintest.Refuse && !strings.Contains(err.Error(), plugintest.Message) {
				t.Errorf("what the program said is lost: %v", err)
			}
			r, err := p.ParseRecipient(t.Context(), key.Recipient)
			if err != nil {
				t.Fatal(err)
			}
			_, err = backup.Seal([]byte(message), backup.SealTo(r))
			isFault(t, err, want, "age-plugin-try", false)
			for len(plugintest.Runs(t, log)) < ran+2 { // or it writes its log into a folder that is being removed
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// A program that is not there is named. A recipient says so before anything is encrypted,
// an identity when it is needed: another one of the file may open it.
func TestPluginMissing(t *testing.T) {
	p, _ := withPlugins(t, nil, "try")
	key := plugintest.NewKey(t, "absent", plugintest.Own)
	_, err := p.ParseRecipient(t.Context(), key.Recipient)
	isFault(t, err, backup.ErrPluginMissing, "age-plugin-absent", false)
	native := newKey(t)
	data := sealTo(t, native.Recipient())
	opens(t, data, keyFile(t, p, key.Identity, native.Text()))
	_, err = backup.Unseal(data, keyFile(t, p, key.Identity)...)
	isFault(t, err, backup.ErrPluginMissing, "age-plugin-absent", true)
	_, err = backup.OpenSealed([][]byte{data}, keyFile(t, p, key.Identity)...)
	isFault(t, err, backup.ErrPluginMissing, "age-plugin-absent", true)
	if keys, err := backup.OpenSealed(nil, keyFile(t, p, key.Identity)...); len(keys) != 0 || err != nil {
		t.Errorf("of no file: %v, %v", keys, err)
	}
	if _, err := (backup.Plugins{}).ParseRecipient(t.Context(), key.Recipient); !errors.Is(err, backup.ErrPluginMissing) {
		t.Errorf("without plugins: %v", err)
	}
	if _, err := silent(t, []byte(key.Identity)).Identities(); !errors.Is(err, backup.ErrIdentityFile) {
		t.Errorf("an identity file without plugins: %v", err)
	}
}

// Attack: a program in the current folder, and a PATH that leads there. age's own client
// refuses it too, which this holds it to.
func TestPluginInTheCurrentFolder(t *testing.T) {
	p, log := withPlugins(t, nil, "try")
	absolute := os.Getenv("PATH")
	here := t.TempDir()
	plugintest.Install(t, here, "evil")
	plugintest.Install(t, filepath.Join(here, "bin"), "evil")
	t.Chdir(here)
	key := plugintest.NewKey(t, "evil", plugintest.Own)
	list := string(os.PathListSeparator)
	for _, path := range []string{"", ".", "." + list + absolute, list + absolute, absolute + list, "bin", "./bin" + list + absolute, absolute} {
		for _, debug := range []string{"", "execerrdot=0"} {
			t.Run(path+" "+debug, func(t *testing.T) {
				t.Setenv("PATH", path)
				t.Setenv("GODEBUG", debug)
				want := backup.ErrPluginHere
				if (path == absolute || path == "") && runtime.GOOS != "windows" { // which looks here first, whatever PATH is
					want = backup.ErrPluginMissing
				}
				_, err := p.ParseRecipient(t.Context(), key.Recipient)
				isFault(t, err, want, "age-plugin-evil", false)
				_, err = backup.Unseal(sealTo(t, newKey(t).Recipient()), keyFile(t, p, key.Identity)...)
				isFault(t, err, want, "age-plugin-evil", true)
				theirs, err := plugin.NewRecipient(key.Recipient, &plugin.ClientUI{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := theirs.Wrap(make([]byte, 16)); err == nil {
					t.Error("age's client runs it")
				}
			})
		}
	}
	if runs := plugintest.Runs(t, log); len(runs) != 0 {
		t.Errorf("run: %q", runs)
	}
	t.Setenv("PATH", absolute+list+here)
	sealFor(t, p, key.Recipient)
	if runs := plugintest.Runs(t, log); len(runs) != 1 {
		t.Errorf("in a folder that PATH names, it was run as %q", runs)
	}
}

// Attack: a name that leads to another folder.
func TestPluginNames(t *testing.T) {
	p, log := withPlugins(t, nil, "try")
	here := t.TempDir()
	t.Chdir(here)
	for _, name := range []string{"/evil", "x/../evil", "../evil", `..\evil`, `c:\evil`, "evil ", "evil\x00", "évil", ""} {
		recipient, identity := bech32(t, "age1"+name, nil), bech32(t, "AGE-PLUGIN-"+strings.ToUpper(name)+"-", nil)
		if r, err := p.ParseRecipient(t.Context(), recipient); err == nil {
			t.Errorf("%q: the recipient is taken as %T", name, r)
		}
		if id, err := p.ParseIdentity(t.Context(), identity); err == nil {
			t.Errorf("%q: the identity is taken as %T", name, id)
		}
	}
	// What was refused was the name: the same encoder makes a key of another name that is taken.
	if got, want := bech32(t, "age1try", []byte("12345")), plugin.EncodeRecipient("try", []byte("12345")); got != want {
		t.Errorf("the encoder makes %s of %s", got, want)
	}
	if got, want := bech32(t, "AGE-PLUGIN-TRY-", []byte("12345")), plugin.EncodeIdentity("try", []byte("12345")); got != want {
		t.Errorf("the encoder makes %s of %s", got, want)
	}
	if runs := plugintest.Runs(t, log); len(runs) != 0 {
		t.Errorf("run: %q", runs)
	}
}

// bech32 encodes data as BIP 173 says, without asking what the first part is. Of an upper
// case one it is upper case.
func bech32(t *testing.T, prefix string, data []byte) string {
	t.Helper()
	const letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	lower := strings.ToLower(prefix)
	var values []byte
	for i := range len(data)*8/5 + min(1, len(data)*8%5) {
		value := 0
		for bit := i * 5; bit < i*5+5; bit++ {
			value <<= 1
			if bit < len(data)*8 {
				value |= int(data[bit/8]) >> (7 - bit%8) & 1
			}
		}
		values = append(values, byte(value))
	}
	var all []byte
	for _, c := range []byte(lower) {
		all = append(all, c>>5)
	}
	all = append(all, 0)
	for _, c := range []byte(lower) {
		all = append(all, c&31)
	}
	all = append(append(all, values...), 0, 0, 0, 0, 0, 0)
	sum := uint32(1)
	for _, v := range all {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	sum ^= 1
	for i := range 6 {
		values = append(values, byte(sum>>(5*(5-i))&31))
	}
	text := lower + "1"
	for _, v := range values {
		text += letters[v : v+1]
	}
	if prefix != lower {
		text = strings.ToUpper(text)
	}
	return text
}

// Attack: files that somebody put into the location. Their stanzas name no program. One
// that is under a passphrase, or that the plugin cannot read, does not keep the right one
// from being opened, and the program is not run for ever.
func TestPluginAndPlantedFiles(t *testing.T) {
	p, log := withPlugins(t, nil, "try", "evil")
	key, evil := plugintest.NewKey(t, "try", plugintest.Own), plugintest.NewKey(t, "evil", plugintest.Own)
	recovery := newKey(t)
	seal := func(s backup.Sealing) []byte {
		_, data, err := recovery.Seal(s)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	to := func(recipient string) []byte {
		r, err := p.ParseRecipient(t.Context(), recipient)
		if err != nil {
			t.Fatal(err)
		}
		return seal(backup.SealTo(r))
	}
	right := to(key.Recipient)
	locked := seal(backup.Sealing{Passphrase: "correct horse battery staple", WorkFactor: 4})
	named := seal(backup.SealTo(stanzaOf{"evil", "age-plugin-evil", evil.Recipient}))
	remove(t, log)

	keys, err := backup.OpenSealed([][]byte{locked, named, right}, keyFile(t, p, key.Identity)...)
	if err != nil || len(keys) != 1 || keys[0].ID() != recovery.ID() {
		t.Errorf("opened %v, error %v", keys, err)
	}
	if runs := plugintest.Runs(t, log); !slices.Equal(runs, []string{"try --age-plugin=identity-v1", "try --age-plugin=identity-v1"}) {
		t.Errorf("run: %q", runs)
	}
	remove(t, log)
	pass, err := backup.PassphraseIdentity("correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	for name, ids := range map[string][]backup.Identity{"a passphrase": {pass}, "a key": {recovery.Identity()}} {
		if _, err := backup.Unseal(named, ids...); !errors.Is(err, backup.ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A recovery key is age's own, whatever a sealed key holds.
	r, err := p.ParseRecipient(t.Context(), key.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	holds, err := backup.Seal([]byte(evil.Identity+"\n"), backup.SealTo(r))
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := backup.OpenSealed([][]byte{holds}, keyFile(t, p, key.Identity)...); len(keys) != 0 || err != nil {
		t.Errorf("opened %v, error %v", keys, err)
	}
	for _, run := range plugintest.Runs(t, log) {
		if strings.HasPrefix(run, "evil") {
			t.Errorf("run: %q", run)
		}
	}

	// Of many files the program is tried on eight.
	remove(t, log)
	many := append(slices.Repeat([][]byte{named}, 20), right)
	_, err = backup.OpenSealed(many, keyFile(t, p, key.Identity)...)
	isFault(t, err, backup.ErrPluginTries, "age-plugin-try", true)
	if runs := plugintest.Runs(t, log); len(runs) != 8 {
		t.Errorf("%d runs, want 8", len(runs))
	}
	keys, err = backup.OpenSealed(append([][]byte{right}, many...), keyFile(t, p, key.Identity)...)
	if err != nil || len(keys) != 1 {
		t.Errorf("opened %v, error %v", keys, err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// stanzaOf is a recipient that writes a stanza of a type and its arguments.
type stanzaOf []string

func (s stanzaOf) Wrap([]byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: s[0], Args: s[1:], Body: make([]byte, 32)}}, nil
}

// age's client would print the file key if AGEDEBUG asks for it. Nothing is run then.
func TestPluginTraced(t *testing.T) {
	p, log := withPlugins(t, nil, "try")
	key := plugintest.NewKey(t, "try", plugintest.Own)
	p.Traced = true
	_, err := p.ParseRecipient(t.Context(), key.Recipient)
	isFault(t, err, backup.ErrPluginTraced, "age-plugin-try", false)
	_, err = backup.Unseal(sealTo(t, newKey(t).Recipient()), keyFile(t, p, key.Identity)...)
	isFault(t, err, backup.ErrPluginTraced, "age-plugin-try", true)
	if runs := plugintest.Runs(t, log); len(runs) != 0 {
		t.Errorf("run: %q", runs)
	}
}

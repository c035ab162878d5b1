package device_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/plugintest"
	"github.com/authcli/auth/internal/device"
)

func TestMain(m *testing.M) {
	if code, ok := plugintest.Main(); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// withPlugin gives this process, and machines, one plugin of age, and returns the log of
// its program.
func withPlugin(t *testing.T, name string, machines ...*machine) (log string) {
	t.Helper()
	dir := t.TempDir()
	plugintest.Install(t, dir, name)
	log = filepath.Join(t.TempDir(), "log")
	t.Setenv("PATH", dir)
	t.Setenv(plugintest.LogEnv, log)
	for _, m := range machines {
		m.options.LookPath = exec.LookPath
	}
	return log
}

func identityFile(name, line string) device.IdentityFile {
	return device.IdentityFile{Name: name, Data: []byte(line + "\n")}
}

// Attack: as in TestSwappedRecoveryKey, with a key in hardware. Its plugin opens whatever
// anybody encrypted to it, so what it opens is adopted only by its id.
func TestSwappedRecoveryKeyOfAPlugin(t *testing.T) {
	m, dir := enrolled(t)
	victim := newMachine(t)
	withPlugin(t, "card", m, victim)
	card := plugintest.NewKey(t, "card", plugintest.Tag)
	if _, err := m.open().AddRecipients(t.Context(), []string{card.Recipient}); err != nil {
		t.Fatal(err)
	}
	source := device.KeySource{Identities: []device.IdentityFile{identityFile("card.txt", card.Identity)}}
	restore := func() error {
		_, err := victim.open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: source})
		return err
	}
	wantErr(t, restore(), errNobody)
	if q := victim.person.questions; len(q) != 1 || q[0].Kind != device.AdoptKey || q[0].Name != m.key().ID() {
		t.Errorf("asked %+v", q)
	}

	x := thief{t, dir, newKey(t)}
	x.seal(card.Recipient)
	x.backup(x.key, "evil", noon.Add(time.Hour))
	err := restore()
	several, ok := errors.AsType[*device.SeveralKeysError](err)
	if !ok || !slices.Contains(several.IDs, m.key().ID()) || !slices.Contains(several.IDs, x.key.ID()) {
		t.Errorf("the error is %v, want one that lists both keys", err)
	}
	victim.has()
	source.KeyID = m.key().ID()
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	victim.has("first")
	if got := victim.key().ID(); got != m.key().ID() {
		t.Errorf("the new device is enrolled on the key %s", got)
	}
}

// The programs of all recipients are looked for before anything is encrypted, and the key
// is sealed for all or none.
func TestAddRecipientsOfPlugins(t *testing.T) {
	m, dir := enrolled(t)
	log := withPlugin(t, "card", m)
	card, absent := plugintest.NewKey(t, "card", plugintest.Own), plugintest.NewKey(t, "absent", plugintest.Own)
	had := sealedKeys(t, dir)
	_, err := m.open().AddRecipients(t.Context(), []string{card.Recipient, absent.Recipient})
	wantErr(t, err, backup.ErrPluginMissing)
	if runs := plugintest.Runs(t, log); len(runs) != 0 || len(sealedKeys(t, dir)) != len(had) {
		t.Errorf("runs %q, sealed keys %q", runs, sealedKeys(t, dir))
	}
	t.Setenv(plugintest.ModeEnv, plugintest.Refuse)
	_, err = m.open().AddRecipients(t.Context(), []string{newKey(t).Recipient(), card.Recipient})
	wantErr(t, err, backup.ErrPluginFailed)
	if got := sealedKeys(t, dir); !slices.Equal(got, had) {
		t.Errorf("sealed keys %q, had %q", got, had)
	}
	m.current()
}

// A plugin that is not here does not keep the key of another file from being used. Alone
// it is named.
func TestPluginOfOneFileIsMissing(t *testing.T) {
	m, dir := enrolled(t)
	further, absent := newKey(t), plugintest.NewKey(t, "absent", plugintest.Own)
	if _, err := m.open().AddRecipients(t.Context(), []string{further.Recipient()}); err != nil {
		t.Fatal(err)
	}
	source := device.KeySource{Identities: []device.IdentityFile{identityFile("card.txt", absent.Identity)}, KeyID: m.key().ID()}
	other := newMachine(t)
	_, err := other.open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: source})
	wantErr(t, err, backup.ErrPluginMissing)
	source.Identities = append(source.Identities, keyFile(further))
	other.restore(device.RestoreOptions{From: dir, KeySource: source})
	other.has("first")
}

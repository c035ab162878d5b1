package device_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// The settings of this device are kept in a file, one at a time; an empty value removes one.
func TestSettings(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	d := m.open()
	if settings, err := d.Settings(); err != nil || len(settings) > 0 {
		t.Errorf("of a new device: %v, %v", settings, err)
	}
	for _, pair := range [][2]string{{"a", "1"}, {"b", "2"}, {"a", "3"}, {"b", ""}} {
		if err := d.SetSetting(pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	settings, err := device.ReadSettings(m.options.Config)
	if err != nil || len(settings) != 1 || settings["a"] != "3" {
		t.Errorf("%v, %v", settings, err)
	}
}

// A file of settings that is not understood is an error that names it, and is left alone.
func TestSettingsDamaged(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	path := filepath.Join(m.options.Config, "config.json")
	d := m.open()
	if err := d.SetSetting("a", "1"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "not JSON")
	if err := d.SetSetting("a", "2"); err == nil || readFile(t, path) != "not JSON" {
		t.Errorf("%v, and the file is %q", err, readFile(t, path))
	}
	if _, err := device.Open(m.options); err == nil {
		t.Error("a device is opened without knowing where its vault is")
	}
	remove(t, path)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settings(); err == nil {
		t.Error("a folder is taken for settings")
	}
}

// Which keyring the vault is looked for in: the one that the user insists on, then where the marker says that it is, then
// what the settings say, then the system's.
func TestKeyringKind(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	kind := func() string { return m.open().KeyringKind() }
	if got := kind(); got != device.SystemKeyring {
		t.Errorf("by itself %s", got)
	}
	if err := m.open().SetSetting("keyring", device.FileKeyring); err != nil {
		t.Fatal(err)
	}
	if got := kind(); got != device.FileKeyring {
		t.Errorf("by the settings %s", got)
	}
	m.options.Keyring = device.SystemKeyring
	if got := kind(); got != device.SystemKeyring {
		t.Errorf("insisting %s", got)
	}
	m.add("first")
	m.options.Keyring = ""
	if got := kind(); got != device.SystemKeyring {
		t.Errorf("by the marker %s", got)
	}
	wantErr(t, m.open().SetSetting("keyring", device.FileKeyring), device.ErrVaultElsewhere)
	if err := m.open().SetSetting("keyring", device.SystemKeyring); err != nil {
		t.Error(err)
	}
	m.options.Keyring = "nonsense"
	_, err := device.Open(m.options)
	wantErr(t, err, device.ErrKeyringKind)
}

// How long the keyring may take: what the caller says, or what the settings say. It is an error of its own when it is over.
func TestKeyringWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where a loaded machine takes no time
		hanging := &keyringtest.Memory{Fault: func(keyringtest.Op) keyringtest.Fault { return keyringtest.Hang }}
		m := newMachine(t)
		m.options.OpenKeyring = func(string) keyring.Keyring { return hanging }
		waits := func(want time.Duration) {
			t.Helper()
			begin := time.Now()
			_, err := m.open().Read(t.Context())
			wantErr(t, err, device.ErrKeyringTimeout)
			if waited := time.Since(begin); waited != want {
				t.Errorf("it waited for %s, want %s", waited, want)
			}
		}
		m.options.KeyringWait = 7 * time.Second
		waits(7 * time.Second)
		m.options.KeyringWait = 0
		for _, bad := range []string{"soon", "0", "-1s"} {
			if err := m.open().SetSetting("keyring-timeout", bad); err != nil {
				t.Fatal(err)
			}
			_, err := device.Open(m.options)
			wantErr(t, err, device.ErrSetting)
			remove(t, m.options.Config)
		}
		if err := m.open().SetSetting("keyring-timeout", "20s"); err != nil {
			t.Fatal(err)
		}
		waits(20 * time.Second)
	})
}

// A duration is seconds, or says its unit.
func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"5": 5 * time.Second, "5s": 5 * time.Second, "2m": 2 * time.Minute, "10ms": 10 * time.Millisecond} {
		if got, err := device.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	if _, err := device.ParseDuration("soon"); err == nil {
		t.Error("soon is a duration")
	}
}

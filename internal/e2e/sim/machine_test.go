package sim

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// A machine is a device with its disk, its keyring, its clock and its sync client.
type machine struct {
	w       *world
	name    string
	dir     string
	keyring *keyringtest.Memory
	folders map[string]*folder // by the name of the cloud
	off     time.Duration      // how wrong its clock is
	dead    bool
	damaged bool   // its vault is, and is to be repaired
	gaveUp  bool   // its user made a new key in the end, for backups that nobody can open
	disk    string // the name of the machine that it, or what it was cloned from, was first

	seen  holdings          // what its vault held when it was last looked at
	image map[string]string // of its keyring, for an old image of the disk to come back
}

func (w *world) newMachine() *machine {
	w.made++
	name := "machine" + string(rune('A'+w.made-1))
	m := &machine{
		w: w, name: name, disk: name, dir: filepath.Join(w.t.TempDir(), name), keyring: new(keyringtest.Memory),
		folders: map[string]*folder{}, off: time.Duration(w.chance.IntN(20*24)-10*24) * time.Hour,
	}
	for name, c := range w.clouds {
		m.folders[name] = newFolder(c, m.name)
	}
	w.machines = append(w.machines, m)
	return m
}

// now is what the machine's clock says.
func (m *machine) now() time.Time { return m.w.now.Add(m.off) }

// open opens the device, as each command does.
func (m *machine) open() *device.Device {
	d, err := device.Open(device.Options{
		Config: filepath.Join(m.dir, "config"), State: m.state(), Data: filepath.Join(m.dir, "data"),
		Service: "auth-test", Dir: m.dir, Home: m.dir, Name: m.name, Holder: "auth test", KeyringWait: time.Hour,
		LocationWait: time.Hour, WorkFactor: 1, Asker: m.w.person, Now: m.now,
		Getenv:   func(string) string { return "" },
		LookPath: func(string) (string, error) { return "", errors.New("no programs here") },
		ReadFile: func(_ context.Context, path string, _ int64) ([]byte, error) { return os.ReadFile(path) },
		OpenKeyring: func(kind string) keyring.Keyring {
			if kind == device.SystemKeyring {
				return m.keyring
			}
			return nil
		},
		OpenLocation: func(name string) (location.Location, error) {
			if f := m.folders[name]; f != nil {
				return f, nil
			}
			return nil, location.ErrInvalid
		},
	})
	if err != nil {
		m.w.t.Fatal(err)
	}
	return d
}

func (m *machine) state() string { return filepath.Join(m.dir, "state") }

// id returns the id under which the machine writes backups; empty for none.
func (m *machine) id() string {
	var item struct{ ID string }
	_ = json.Unmarshal([]byte(m.keyring.Items()[vault.DeviceItem.String()]), &item)
	return item.ID
}

// read returns the vault's state; nil where it cannot be read.
func (m *machine) read() *vault.State {
	s, err := m.open().Read(m.w.t.Context())
	if err != nil {
		return nil
	}
	return s
}

// enrolment returns how the machine takes part in a location.
func (m *machine) enrolment() (backup.Enrolment, bool) {
	e, err := backup.ParseEnrolment(m.keyring.Items()[vault.EnrolmentItem.String()])
	return e, err == nil
}

// location returns where the machine backs up to; empty for nowhere.
func (m *machine) location() string {
	e, ok := m.enrolment()
	if !ok || !e.On {
		return ""
	}
	return e.Location
}

// key returns the id of the machine's recovery key; empty for none.
func (m *machine) key() string {
	e, ok := m.enrolment()
	if !ok {
		return ""
	}
	return e.Key.ID()
}

// sealed returns the name of the sealed key that the machine knows of last; empty for none.
func (m *machine) sealed() string {
	e, _ := m.enrolment()
	if len(e.Sealed) == 0 {
		return ""
	}
	return e.Sealed[len(e.Sealed)-1].Name
}

// A person has all machines of a history, and every passphrase.
type person struct {
	known []word   // oldest first
	next  string   // is given where a new one is asked for
	used  bool     // it was
	try   []string // are given to open a location
	agree bool     // to what is asked
}

// A word is a passphrase, the key that it was made for, and the sealed key that it opens.
type word struct {
	text, key, sealed string
	by                *machine
}

var _ device.Asker = (*person)(nil)

// Passphrase implements [device.Asker].
func (p *person) Passphrase(_ context.Context, purpose device.Purpose) (string, error) {
	switch purpose.Kind {
	case device.NewForLocation:
		p.used = true
		return p.next, nil
	case device.OpenLocation:
		if len(p.try) == 0 {
			return "", device.ErrNoOther
		}
		text := p.try[0]
		p.try = p.try[1:]
		return text, nil
	default:
		return "", device.ErrNoOther
	}
}

// Confirm implements [device.Asker].
func (p *person) Confirm(_ context.Context, q device.Question) (bool, error) {
	return q.Kind != device.AdoptKey && p.agree, nil
}

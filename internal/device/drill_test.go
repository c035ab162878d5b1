package device_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// drilled practises a restore, and returns what it found of each account.
func (m *machine) drilled(t *testing.T, source device.KeySource) (device.Drill, map[string]device.DrillOutcome) {
	t.Helper()
	drill, err := m.open().Drill(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]device.DrillOutcome{}
	for _, step := range drill.Accounts {
		found[step.Account.Shown] = step.Outcome
	}
	return drill, found
}

// A drill says of each account whether it would come back, by the passphrase or the sheet
// alone. It changes nothing at the location, and in the vault.
func TestDrill(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	hotp := account.Default(account.HOTP)
	hotp.Secret = account.NewSecret([]byte("counter-secret-123456"))
	m.change(func(tx *vault.Tx) error {
		for _, a := range []account.Account{{Name: "bound", Credential: totp("", "bound-secret-1234567").Credential, DeviceBound: true}, {Name: "counter", Credential: hotp}} {
			if _, err := tx.Add(a); err != nil {
				return err
			}
		}
		return nil
	})
	before, state := contents(t, dir), m.read().Generation
	if m.status().Backup.Drill.Due != true {
		t.Error("no drill is due, although there was none")
	}
	for what, source := range map[string]device.KeySource{
		"passphrase": {}, "sheet": {Identities: []device.IdentityFile{keyFile(m.key())}},
	} {
		drill, found := m.drilled(t, source)
		want := map[string]device.DrillOutcome{"first": device.DrillSame, "counter": device.DrillSame, "bound": device.DrillNameOnly}
		if !drill.Whole() || !maps.Equal(found, want) || drill.KeyID != m.key().ID() {
			t.Errorf("%s: %+v", what, drill)
		}
	}
	if !maps.Equal(before, contents(t, dir)) || m.read().Generation != state {
		t.Error("the drill changed something")
	}
	if s := m.status().Backup.Drill; s.Due || s.Failed != "" || !s.Time.Equal(noon) {
		t.Errorf("status says %+v", s)
	}
	if s := m.later(device.DrillEvery + time.Hour).status().Backup.Drill; !s.Due {
		t.Error("no drill is due after three months")
	}
}

// What would not come back is named, and the drill counts as failed: a change that is in
// no backup, a newest backup that is gone, a passphrase that does not open.
func TestDrillFails(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.later(time.Minute).add("second")
	last := filepath.Join(dir, m.status().Backup.File)
	data := readFile(t, last)
	remove(t, last)
	drill, found := m.drilled(t, device.KeySource{})
	if drill.Whole() || found["first"] != device.DrillSame || found["second"] != device.DrillMissing {
		t.Errorf("%+v", found)
	}
	if s := m.status().Backup.Drill; !s.Due || s.Failed == "" {
		t.Errorf("status says %+v", s)
	}
	write(t, last, data[:len(data)-1])
	if drill, _ := m.drilled(t, device.KeySource{}); drill.Whole() || len(drill.Skipped) != 1 || drill.Location != dir {
		t.Errorf("with a damaged backup: %+v", drill)
	}
	write(t, last, data)
	if drill, _ := m.drilled(t, device.KeySource{}); !drill.Whole() {
		t.Errorf("%+v", drill)
	}
	m.person.passphrases[device.OpenLocation] = next
	_, err := m.open().Drill(t.Context(), device.KeySource{})
	wantErr(t, err, backup.ErrWrongKey)
	if s := m.status().Backup.Drill; !s.Due || s.Failed == "" {
		t.Errorf("status says %+v", s)
	}
	// A drill that was given up is none, whatever the one before it said.
	for _, failed := range []bool{true, false} {
		m.person.passphrases[device.OpenLocation] = passphrase
		if !failed {
			m.drilled(t, device.KeySource{})
		}
		before := m.status().Backup.Drill
		ctx, cancel := context.WithCancel(t.Context())
		interrupted := m.another(func(o *device.Options) { o.Asker = interrupting{m.person, cancel} })
		_, err = interrupted.open().Drill(ctx, device.KeySource{})
		wantErr(t, err, context.Canceled)
		if after := m.status().Backup.Drill; after != before || (after.Failed != "") != failed {
			t.Errorf("given up after %+v, status says %+v", before, after)
		}
	}
	// A changed secret that was not backed up is told from one that is there.
	off := m.failing(func(call) error { return os.ErrPermission })
	off.change(on("first", func(tx *vault.Tx, id string) error {
		return tx.SetCredential(id, totp("", "another-secret-12345").Credential, 0)
	}))
	if _, found := m.drilled(t, device.KeySource{}); found["first"] != device.DrillDiffers {
		t.Errorf("%+v", found)
	}
}

// An age that is here, knows the keys and does not open the newest backup is a failure too.
func TestDrillWhereAgeFails(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the age here is a shell script")
	}
	m, _ := enrolled(t)
	age := filepath.Join(t.TempDir(), "age")
	testenv.Executable(t, age, "#!/bin/sh\n[ \"$1\" = --version ] && echo v9.9 && exit\necho no identity matched >&2\nexit 1\n")
	m.options.LookPath = func(string) (string, error) { return age, nil }
	drill, _ := m.drilled(t, device.KeySource{})
	if !drill.Whole() || !drill.Age.Fails() || drill.Age.Version != "v9.9" {
		t.Errorf("%+v", drill)
	}
	if s := m.status().Backup.Drill; s.Failed != device.ErrAgeFails.Error() {
		t.Errorf("status says %+v", s)
	}
}

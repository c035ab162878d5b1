package device_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

// One portable file needs no location: under a passphrase or to recipients, with the accounts that are in it counted apart
// from those that are in it by name only. It is 0600, and its bytes are what is returned.
func TestBackUpToFile(t *testing.T) {
	t.Parallel()
	m, key := newMachine(t), newKey(t)
	m.change(func(tx *vault.Tx) error {
		bound := totp("bound", "stays here")
		bound.DeviceBound = true
		_, err := tx.Add(bound)
		return errors.Join(err, adding("first", "of the first")(tx), adding("second", "of the second")(tx))
	})
	right, err := backup.PassphraseIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	m.person.passphrases[device.NewForBackupFile] = passphrase
	for _, c := range []struct {
		to   device.FileOptions
		open backup.Identity
	}{
		{device.FileOptions{}, right},
		{device.FileOptions{Recipients: []string{newKey(t).Recipient(), key.Recipient()}}, key.Identity()},
	} {
		c.to.Path = filepath.Join(t.TempDir(), "vault.age")
		p, err := m.open().BackUpToFile(t.Context(), c.to)
		if err != nil {
			t.Fatal(err)
		}
		if p.Accounts != 2 || p.NameOnly != 1 || string(p.Data) != readFile(t, c.to.Path) {
			t.Errorf("written: %d accounts, %d by name only", p.Accounts, p.NameOnly)
		}
		if info, err := os.Stat(c.to.Path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		content, err := backup.Open(p.Data, c.open)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(content.State.Accounts()); got != 3 || bytes.Contains(p.Data, []byte("first")) {
			t.Errorf("%d accounts are in it", got)
		}
		if _, err := age.Decrypt(bytes.NewReader(p.Data), c.open); err != nil {
			t.Errorf("age does not open it: %v", err)
		}
	}
	if b := m.status().Backup; b.On || b.Stale {
		t.Errorf("backup is %+v", b)
	}

	// Without a path the bytes are returned, and no file is written.
	before := files(t, m.options.Dir, "")
	p, err := m.open().BackUpToFile(t.Context(), device.FileOptions{})
	if err != nil || len(p.Data) == 0 || len(files(t, m.options.Dir, "")) != len(before) {
		t.Errorf("%d bytes, %v, %q", len(p.Data), err, files(t, m.options.Dir, ""))
	}
}

// A file that exists is replaced only where that is asked for, and is looked for before anybody types a passphrase.
func TestBackUpToFileThatExists(t *testing.T) {
	t.Parallel()
	m, path := newMachine(t), filepath.Join(t.TempDir(), "vault.age")
	m.add("first")
	write(t, path, "of the user")
	_, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Path: path})
	wantErr(t, err, fs.ErrExist)
	if len(m.person.asked) > 0 || readFile(t, path) != "of the user" {
		t.Errorf("asked for %v, and the file is %q", m.person.asked, readFile(t, path))
	}
	m.person.passphrases[device.NewForBackupFile] = passphrase
	if p, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Path: path, Replace: true}); err != nil || readFile(t, path) != string(p.Data) {
		t.Error(err)
	}
}

// A file counts when it has been read back. Where the disk returns other bytes than it was given there is none, and the
// one that it was to replace stays.
func TestBackUpToFileIsReadBack(t *testing.T) {
	t.Parallel()
	m, path := newMachine(t), filepath.Join(t.TempDir(), "vault.age")
	m.add("first")
	m.person.passphrases[device.NewForBackupFile] = passphrase
	torn := m.another(func(o *device.Options) {
		o.ReadFile = func(_ context.Context, path string, _ int64) ([]byte, error) {
			data, err := os.ReadFile(path)
			if len(data) > 0 {
				data[len(data)-1] ^= 1
			}
			return data, err
		}
	})
	for _, o := range []device.FileOptions{{Path: path}, {Path: path, Recipients: []string{newKey(t).Recipient()}}} {
		if _, err := torn.open().BackUpToFile(t.Context(), o); err == nil || len(files(t, filepath.Dir(path), "")) > 0 {
			t.Errorf("%v, and there is %q", err, files(t, filepath.Dir(path), ""))
		}
	}
	write(t, path, "an older one")
	if _, err := torn.open().BackUpToFile(t.Context(), device.FileOptions{Path: path, Replace: true}); err == nil || readFile(t, path) != "an older one" {
		t.Errorf("%v, and the older file is %q", err, readFile(t, path))
	}
}

// What was read back has to decrypt to what was meant, with the passphrase that was typed.
func TestReadBackIsDecrypted(t *testing.T) {
	t.Parallel()
	sealing := backup.Sealing{Passphrase: passphrase, WorkFactor: 4}
	data, err := backup.Seal([]byte("payload"), sealing)
	if err != nil {
		t.Fatal(err)
	}
	if err := device.CheckReadBack(data, data, []byte("payload"), sealing); err != nil {
		t.Error(err)
	}
	if err := device.CheckReadBack(data, data, []byte("another payload"), sealing); err == nil {
		t.Error("a backup of something else counts")
	}
	other := backup.Sealing{Passphrase: next}
	if err := device.CheckReadBack(data, data, []byte("payload"), other); !errors.Is(err, backup.ErrWrongKey) {
		t.Errorf("a backup that the passphrase does not open: %v", err)
	}
}

// What cannot be written is not written in part.
func TestBackUpToFileRefused(t *testing.T) {
	t.Parallel()
	m, dir := newMachine(t), t.TempDir()
	_, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Path: filepath.Join(dir, "a")})
	wantErr(t, err, device.ErrVaultEmpty)
	m.add("first")
	_, err = m.open().BackUpToFile(t.Context(), device.FileOptions{Path: filepath.Join(dir, "a")})
	wantErr(t, err, errNobody)
	var input *device.InputError
	if _, err = m.open().BackUpToFile(t.Context(), device.FileOptions{Path: filepath.Join(dir, "a"), Recipients: []string{"nobody"}}); !errors.As(err, &input) {
		t.Errorf("the error is %v", err)
	}
	m.person.passphrases[device.NewForBackupFile] = "secret"
	_, err = m.open().BackUpToFile(t.Context(), device.FileOptions{Path: filepath.Join(dir, "a")})
	wantErr(t, err, device.ErrWeak)
	if _, err := m.open().BackUpToFile(t.Context(), device.FileOptions{Weak: true}); err != nil {
		t.Errorf("a weak passphrase that will do: %v", err)
	}
	m.person.passphrases[device.NewForBackupFile] = passphrase
	_, err = m.open().BackUpToFile(t.Context(), device.FileOptions{Path: filepath.Join(dir, "no such folder", "a")})
	wantErr(t, err, fs.ErrNotExist)
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := m.another(func(o *device.Options) { o.Asker = interrupting{m.person, cancel} })
	_, err = interrupted.open().BackUpToFile(ctx, device.FileOptions{Path: filepath.Join(dir, "a")})
	wantErr(t, err, context.Canceled)
	if got := files(t, dir, ""); len(got) > 0 {
		t.Errorf("%q was written", got)
	}
}

// An interrupting person answers, and presses Ctrl-C.
type interrupting struct {
	*person

	cancel func()
}

func (p interrupting) Passphrase(ctx context.Context, purpose device.Purpose) (string, error) {
	defer p.cancel()
	return p.person.Passphrase(ctx, purpose)
}

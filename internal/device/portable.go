package device

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/authcli/auth/internal/atomicfile"
	"github.com/authcli/auth/internal/backup"
)

// FileOptions say how a single portable backup file is written.
type FileOptions struct {
	Path       string   // empty: the bytes are returned, and no file is written
	Replace    bool     // replace a file that exists
	Recipients []string // as age takes them; none: the file is under a passphrase
	Weak       bool     // a weak passphrase will do
}

// A Portable is a single backup file.
type Portable struct {
	Data     []byte
	Accounts int
	NameOnly int // accounts that are in it without their secret
}

// BackUpToFile writes one portable file, which needs no location. It counts when it has
// been read back and, where the passphrase is known here, decrypted. Errors are
// [ErrVaultEmpty], [ErrWeak], [fs.ErrExist] and *[InputError].
func (d *Device) BackUpToFile(ctx context.Context, o FileOptions) (Portable, error) {
	if _, err := os.Lstat(o.Path); o.Path != "" && err == nil && !o.Replace {
		return Portable{}, &fs.PathError{Op: "write", Path: o.Path, Err: fs.ErrExist} // before anybody types a passphrase
	}
	sealing := backup.Sealing{WorkFactor: d.o.WorkFactor}
	for _, text := range o.Recipients {
		r, err := d.plugins().ParseRecipient(ctx, text)
		if fault, ok := errors.AsType[*backup.PluginError](err); ok {
			return Portable{}, fault
		}
		if err != nil {
			return Portable{}, &InputError{"recipient", err}
		}
		sealing.Recipients = append(sealing.Recipients, r)
	}
	state, err := d.Read(ctx)
	if err != nil {
		return Portable{}, err
	}
	if len(state.Records) == 0 {
		return Portable{}, ErrVaultEmpty
	}
	if len(sealing.Recipients) == 0 {
		if sealing.Passphrase, err = askNew(ctx, d.o.Asker, NewForBackupFile, o.Weak); err != nil {
			return Portable{}, err
		}
	}
	payload, err := backup.Encode(backup.Content{Created: d.o.Now(), State: state})
	if err != nil {
		return Portable{}, err
	}
	var p Portable
	p.Data, err = d.sealFile(payload, sealing)
	if err != nil {
		return p, err
	}
	for _, a := range state.Accounts() {
		if a.NeedsVerification() || a.DeviceBound {
			p.NameOnly++
		} else {
			p.Accounts++
		}
	}
	if err := ctx.Err(); err != nil || o.Path == "" {
		return p, err
	}
	return p, atomicfile.WriteFunc(o.Path, atomicfile.Options{NoReplace: !o.Replace}, func(f *os.File) error {
		return d.writeBack(ctx, f, p.Data, payload, sealing)
	})
}

// sealFile encrypts a payload. Deriving is said for a passphrase alone: a plugin may ask its
// person.
func (d *Device) sealFile(payload []byte, sealing backup.Sealing) ([]byte, error) {
	if sealing.Passphrase != "" {
		defer d.deriving()()
	}
	return backup.Seal(payload, sealing)
}

// writeBack writes data and reads it back from the disk.
func (d *Device) writeBack(ctx context.Context, f *os.File, data, payload []byte, sealing backup.Sealing) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	read, err := d.o.ReadFile(ctx, f.Name(), backup.MaxBytes)
	if err != nil {
		return err
	}
	if sealing.Passphrase != "" {
		defer d.deriving()()
	}
	return checkReadBack(read, data, payload, sealing)
}

// checkReadBack checks that what was read back is what was written and, wherever its
// passphrase is known, that it decrypts to the payload.
func checkReadBack(read, data, payload []byte, sealing backup.Sealing) error {
	if !bytes.Equal(read, data) {
		return errors.New("the backup reads back differently than it was written")
	}
	if sealing.Passphrase == "" {
		return nil
	}
	id, err := backup.PassphraseIdentity(sealing.Passphrase)
	if err != nil {
		return err
	}
	opened, err := backup.Unseal(read, id)
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, payload) {
		return errors.New("the backup decrypts to something else than was written")
	}
	return nil
}

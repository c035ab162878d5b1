package transfer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/authcli/auth/internal/transfer/kdbx"
)

// keepass is the database of KeePass, KeePassXC and their kin. KeePass' XML and
// KeePassXC's CSV have formats of their own; all three hand their entries to
// keepassEntry.
func keepass() Format {
	return Format{
		Name: "kdbx", Title: "KeePass, KeePassXC (KDBX 3 and 4)", Encrypted: true,
		Detect: func(s *Source) bool { return s.Has(keepass1) || kdbx.Is(s.Data) },
		Read:   readKeepass,
		Notes:  "With AES-KDF, Argon2d or Argon2id. Databases that need a key file or a hardware key: export as XML or CSV. The recycle bin and old versions of entries are left out; groups are tags.",
	}
}

// keepass1 is the mark of KeePass 1.
const keepass1 = "\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"

func readKeepass(ctx context.Context, s *Source) (Batch, error) {
	if s.Has(keepass1) {
		return Batch{}, &NotExportableError{
			What: "a database of KeePass 1",
			Do:   "Open it with KeePass 2 or KeePassXC (Import), and give the new database.",
		}
	}
	// The decrypted copy, what it unpacks to, and the entries.
	if !s.take(len(s.Data) + kdbx.MaxXML + kdbx.MaxEntries) {
		return Batch{}, s.call.over
	}
	d, err := kdbx.Parse(s.Data)
	if err != nil {
		return Batch{}, kdbxError(err)
	}
	if err := s.affordKDF(ctx, d.KDF); err != nil {
		return Batch{}, err
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return Batch{}, err
	}
	entries, err := d.Open([]byte(passphrase))
	if err != nil {
		return Batch{}, kdbxError(err)
	}
	return keepassBatch(entries), nil
}

// keepassBatch reads the accounts in entries.
func keepassBatch(entries []kdbx.Entry) Batch {
	var b Batch
	for i, e := range entries {
		if b.full() {
			break
		}
		accounts, errs := keepassEntry(e.Title, e.User, e.Group, e.Fields)
		row := rowName(i, e.Title, e.User)
		for _, a := range accounts {
			a.Note = e.Fields["Notes"]
			b.add(row, a, nil)
		}
		for _, err := range errs {
			b.skip(row, err.Error())
		}
		if e.Damaged && len(accounts)+len(errs) == 0 {
			b.skip(row, "a protected value of the entry is not base64")
		}
	}
	return b
}

// affordKDF takes the price of the key of a database.
func (s *Source) affordKDF(ctx context.Context, k kdbx.KDF) error {
	if k.Name != kdbx.AES {
		return s.affordArgon2(ctx, clamp(k.Time), clamp(k.Memory), clamp(k.Threads))
	}
	return s.afford(ctx, newCost(0, float64(k.Rounds)*aesNanos))
}

func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// kdbxError gives an error of package kdbx the meaning that [Read] promises.
func kdbxError(err error) error {
	switch {
	case errors.Is(err, kdbx.ErrPassphrase):
		return fmt.Errorf("%w, or the database needs a key file too", ErrWrongPassphrase)
	case errors.Is(err, kdbx.ErrTooBig):
		return fmt.Errorf("%w: the database unpacks to more than is reasonable", ErrTooBig)
	case errors.Is(err, kdbx.ErrVersion), errors.Is(err, kdbx.ErrUnsupported):
		return &NotExportableError{
			What: "a KeePass database of a version or with a cipher that is not supported",
			Do:   "Export it as XML or CSV from KeePass or KeePassXC, and give that file.",
		}
	}
	return ErrDamaged
}

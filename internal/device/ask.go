package device

import (
	"context"

	"github.com/authcli/auth/internal/passphrase"
)

// An Asker answers questions, by asking a person or from a file that the person named.
type Asker interface {
	// Passphrase returns a passphrase. It returns an error if nobody can be asked. An empty
	// passphrase is an error too, unless the purpose gives it a meaning. After a wrong
	// passphrase it is called again; it returns [ErrNoOther] if it has no other one.
	Passphrase(ctx context.Context, p Purpose) (string, error)
	// Confirm reports whether the answer is yes. If nobody can be asked, it returns an
	// error, or no for [OfferFileKeyring] and [StayOn].
	Confirm(ctx context.Context, q Question) (bool, error)
}

// askNew asks for a new passphrase. It returns [ErrWeak] for a weak one, unless weak is
// true. An empty passphrase is not weak.
func askNew(ctx context.Context, asker Asker, kind PurposeKind, weak bool) (string, error) {
	text, err := asker.Passphrase(ctx, Purpose{Kind: kind})
	if err == nil && text != "" && !weak && passphrase.Weak(text) {
		return "", ErrWeak
	}
	return text, err
}

// A Purpose is what a passphrase is for.
type Purpose struct {
	Kind  PurposeKind
	Name  string // of the file that it opens, for OpenIdentity
	Wrong int    // how many were wrong before this one; see [ErrNoOther]
}

// A PurposeKind is a kind of [Purpose].
type PurposeKind int

// The purposes of passphrases.
const (
	OpenVault        PurposeKind = iota // opens the file keyring
	NewForVault                         // is to open the file keyring from now on; empty is none
	OpenLocation                        // opens a location's recovery key
	NewForLocation                      // is to open a location's recovery key from now on
	OpenBackupFile                      // opens a single backup file
	NewForBackupFile                    // is to open a single backup file
	OpenIdentity                        // opens a file of keys
)

// A Question is answered by yes or no.
type Question struct {
	Kind QuestionKind
	Err  error  // why it is asked
	Name string // of a location or a key
	// Device is the one that is meant by LoseDevice and ForgetDevice.
	Device DeviceDate
	// Of the Accounts accounts a merge would remove as many as Removed, and give another
	// secret to as many as Replaced.
	Removed, Replaced, Accounts int
}

// A QuestionKind says what a [Question] asks.
type QuestionKind int

// The questions.
const (
	// OfferFileKeyring asks whether to keep the vault in a file, since the system has
	// no keyring: Err.
	OfferFileKeyring QuestionKind = iota
	// MergeMany asks whether to merge what would remove or replace much.
	MergeMany
	// LoseDevice asks whether Device is gone: its backups are deleted, and the key
	// is replaced.
	LoseDevice
	// ForgetDevice asks whether to bring in what Device has, and delete its backups.
	ForgetDevice
	// AdoptKey asks whether the recovery key of the id Name is the location's: a further
	// key opened it, and anybody could have sealed one for that.
	AdoptKey
	// StayOn asks whether to back up to the location Name, which was restored, from now
	// on: this vault has accounts of its own, or was not restored whole.
	StayOn
	// ReplaceKey asks whether to make a new recovery key although another device is said to
	// have changed it: Err. Whoever can open that device's key should join it instead.
	ReplaceKey
	// GiveVaultUp asks whether to start an empty vault in place of one that is lost.
	GiveVaultUp
)

package device

import (
	"context"

	"github.com/authcli/auth/internal/passphrase"
)

// An Asker says what only a person can say, or a file that the person named.
type Asker interface {
	// Passphrase returns a passphrase. One that is needed and that nobody can be asked
	// for is an error, and so is an empty one but where the purpose says what that means.
	// After a wrong one it is asked for again; whoever has no other returns [ErrNoOther].
	Passphrase(ctx context.Context, p Purpose) (string, error)
	// Confirm reports whether the answer is yes. Where nobody can be asked it is an
	// error, or no for [OfferFileKeyring] and [StayOn].
	Confirm(ctx context.Context, q Question) (bool, error)
}

// askNew asks for a new passphrase. A weak one is [ErrWeak], unless weak says that it will
// do; none at all is not weak.
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
	Name string // of a device
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
	// ForgetDevice asks whether to bring in what the device Name has, and delete its backups.
	ForgetDevice
	// AdoptKey asks whether the recovery key of the id Name is the location's: a further
	// key opened it, and anybody could have sealed one for that.
	AdoptKey
	// StayOn asks whether to back up to the location Name, which was restored, from now
	// on: this vault has accounts of its own, or was not restored whole.
	StayOn
	// GiveVaultUp asks whether to start an empty vault in place of one that is lost.
	GiveVaultUp
)

package backup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/slip39"
)

// ShareWords is how many words a share of a recovery key has.
const ShareWords = 35

// ErrOtherShares is returned for shares that give something else than a recovery key, for
// example the seed of a wallet.
var ErrOtherShares = errors.New("the shares give something else than a recovery key")

// ErrShareForm is returned for shares of a form that [RecoveryKey.Shares] does not make. Shares
// vouch for the key that they give, because several people or places have to agree. A share
// that is enough alone vouches for nothing.
var ErrShareForm = errors.New("auth makes no shares of that form: alone enough, of several groups, or at a higher cost")

// seedLength is the length of the seed of a recovery key in bytes.
const seedLength = 32

// The kinds of recovery keys in shares: the first two bytes of the secret that is split.
// The seed follows them.
const (
	hybridSeed = "PQ"
	x25519Seed = "EC"
)

// Shares splits the recovery key into count shares, any threshold of which give it back by
// [JoinShares]. They have no passphrase. The error is [slip39.ErrThreshold].
func (k RecoveryKey) Shares(threshold, count int) ([]slip39.Share, error) {
	kind, begin := x25519Seed, x25519Begin
	if k.Quantum() {
		kind, begin = hybridSeed, hybridBegin
	}
	seed, ok := bech32Data(strings.TrimPrefix(k.Text(), begin))
	if !ok || len(seed) != seedLength {
		return nil, ErrRecoveryKey
	}
	shares, err := slip39.Split(append([]byte(kind), seed...), nil, threshold, count)
	if err != nil {
		return nil, err
	}
	// As a backup is read back before it counts.
	if back, err := JoinShares(shares); err != nil || back.Text() != k.Text() {
		return nil, fmt.Errorf("the shares do not give the key back: %w", errors.Join(err, ErrRecoveryKey))
	}
	return shares, nil
}

// JoinShares returns the recovery key that shares are of. The error is one of
// [slip39.Combine], [ErrShareForm] or [ErrOtherShares].
func JoinShares(shares []slip39.Share) (RecoveryKey, error) {
	if slices.ContainsFunc(shares, func(s slip39.Share) bool { return !s.Plain() }) {
		return RecoveryKey{}, ErrShareForm
	}
	secret, err := slip39.Combine(shares, nil)
	if err != nil {
		return RecoveryKey{}, err
	}
	if len(secret) != len(hybridSeed)+seedLength {
		return RecoveryKey{}, ErrOtherShares
	}
	seed := secret[len(hybridSeed):]
	begin := hybridBegin
	switch string(secret[:len(hybridSeed)]) {
	case hybridSeed:
	case x25519Seed:
		begin = x25519Begin
	default:
		return RecoveryKey{}, ErrOtherShares
	}
	human := strings.ToLower(strings.TrimSuffix(begin, "1"))
	return ParseRecoveryKey(strings.ToUpper(bech32Text(human, seed)))
}

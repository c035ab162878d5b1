// Package slip39 splits a secret into shares of words, and joins shares to the secret. Any
// threshold of them give it back, and fewer say nothing about it. Words, checksum,
// encryption and arithmetic are those of SLIP-0039
// (https://github.com/satoshilabs/slips/blob/master/slip-0039.md).
package slip39

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// MaxShares is the largest number of shares of one secret.
const MaxShares = 16

// minSecret is the length of the shortest secret in bytes: 128 bits.
const minSecret = 16

// Errors of [Split].
var (
	ErrThreshold = fmt.Errorf("a secret is split into 2 to %d shares, of which 2 or more are needed", MaxShares)
	ErrSecret    = errors.New("the secret has fewer than 128 bits, or an odd number of bytes")
)

// Errors of [Combine], beside [MissingError].
var (
	// ErrMixed is returned for shares that were not made together.
	ErrMixed = errors.New("the shares are of different sets")
	// ErrTwice is returned for two shares with one number.
	ErrTwice = errors.New("a share is there twice")
	// ErrDigest is returned for shares that look as if they were made together, and do not
	// give the secret that they were made from.
	ErrDigest = errors.New("the shares do not fit together: one of them is false")
)

// A MissingError says that more shares are needed.
type MissingError struct {
	Have, Need int // shares, or groups of them
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%d of %d shares are there", e.Have, e.Need)
}

// A Share is one part of a secret. It is printed only by [Share.Words].
type Share struct{ p *share }

// A share has the fields of a mnemonic, in their order. Counts and thresholds begin at 1,
// indices at 0.
type share struct {
	set
	group     int
	index     int
	threshold int    // how many shares of this group are needed
	value     []byte // of the polynomials at index
}

// A set is what all shares of a secret have in common.
type set struct {
	id             int // 15 random bits
	extendable     bool
	exponent       int // of the cost of the encryption
	groupThreshold int // how many groups are needed
	groups         int
}

// Number returns which of its shares this one is, from 1.
func (s Share) Number() int { return s.p.index + 1 }

// Threshold returns how many shares are needed. For shares in several groups, which [Split]
// does not make, it is how many of this group.
func (s Share) Threshold() int { return s.p.threshold }

// Equal reports whether two shares have the same words.
func (s Share) Equal(other Share) bool {
	return s.p.set == other.p.set && s.p.group == other.p.group && s.p.index == other.p.index &&
		s.p.threshold == other.p.threshold && bytes.Equal(s.p.value, other.p.value)
}

// Together reports whether two shares were made together, as far as the first words say.
func (s Share) Together(other Share) bool {
	return s.p.set == other.p.set && len(s.p.value) == len(other.p.value) &&
		(s.p.group != other.p.group || s.p.threshold == other.p.threshold)
}

// plainExponent is the highest exponent of a plain share. Other programs make shares of 1.
const plainExponent = 1

// Plain reports whether a share is of the form that [Split] makes: two or more shares of one
// group are needed, and the encryption costs little. The standard has others. Each step of the
// exponent doubles the cost, up to 80 seconds.
func (s Share) Plain() bool {
	return s.p.groups == 1 && s.p.group == 0 && s.p.threshold >= 2 && s.p.exponent <= plainExponent
}

// String does not show the share.
func (s Share) String() string { return "(share)" }

// Format does not show the share, whatever the verb.
func (s Share) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(share)")) }

// Split splits a secret into count shares in one group. Any threshold of them give it
// back to those who know the passphrase, which may be empty. The error is [ErrThreshold]
// or [ErrSecret].
func Split(secret, passphrase []byte, threshold, count int) ([]Share, error) {
	switch {
	case threshold < 2 || threshold > count || count > MaxShares:
		return nil, ErrThreshold
	case len(secret) < minSecret || len(secret)%2 != 0:
		return nil, ErrSecret
	}
	var id [2]byte
	rand.Read(id[:])
	// Not extendable, which readers from before 2024 do not know. Extendable sets give one
	// secret under one passphrase, which those without a passphrase do anyway.
	common := set{id: int(binary.BigEndian.Uint16(id[:]) >> 1), groupThreshold: 1, groups: 1}
	values := splitSecret(encrypt(secret, passphrase, common), threshold, count)
	shares := make([]Share, count)
	for i := range shares {
		shares[i] = Share{&share{set: common, index: i, threshold: threshold, value: values[i]}}
	}
	return shares, nil
}

// Combine joins shares to their secret. A wrong passphrase gives another secret and no
// error. More shares than are needed have to fit the others. The error is [ErrMixed],
// [ErrTwice], [ErrDigest] or a *[MissingError].
func Combine(shares []Share, passphrase []byte) ([]byte, error) {
	if len(shares) == 0 {
		return nil, &MissingError{0, 1}
	}
	groups := map[int][]Share{}
	for i, s := range shares {
		for _, before := range shares[:i] {
			switch {
			case !s.Together(before):
				return nil, ErrMixed
			case s.p.group == before.p.group && s.p.index == before.p.index:
				return nil, ErrTwice
			}
		}
		groups[s.p.group] = append(groups[s.p.group], s)
	}
	common := shares[0].p.set
	if len(groups) < common.groupThreshold {
		if common.groups == 1 {
			return nil, &MissingError{len(groups), common.groupThreshold}
		}
		return nil, fmt.Errorf("%w, each in a group of its own", &MissingError{len(groups), common.groupThreshold})
	}
	var parts []point
	for _, index := range slices.Sorted(maps.Keys(groups)) {
		group := groups[index]
		if len(group) < group[0].Threshold() {
			return nil, &MissingError{len(group), group[0].Threshold()}
		}
		value, err := recoverSecret(points(group), group[0].Threshold())
		if err != nil {
			return nil, err
		}
		parts = append(parts, point{index, value})
	}
	encrypted, err := recoverSecret(parts, common.groupThreshold)
	if err != nil {
		return nil, err
	}
	return decrypt(encrypted, passphrase, common), nil
}

// points returns the shares of one group as points, in the order of their indices.
func points(group []Share) []point {
	list := make([]point, len(group))
	for i, s := range group {
		list[i] = point{s.p.index, s.p.value}
	}
	slices.SortFunc(list, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	return list
}

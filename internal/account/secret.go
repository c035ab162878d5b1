package account

import (
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
)

// A Secret holds the bytes that an account shares with its issuer. Printing, logging or
// marshalling it gives [Redacted] or an error. Only [Secret.Reveal] and [Secret.Base32]
// return the bytes. The bytes are behind two pointers: fmt cannot call methods on an
// unexported field of another struct, and would print the bytes there, even through one
// pointer (with %s). A pointer to a pointer prints as an address.
type Secret struct{ p **[]byte }

// Redacted is the printed form of a Secret.
const Redacted = "(secret)"

// ErrMarshalSecret is returned to an encoder that meets a Secret.
var ErrMarshalSecret = errors.New("a secret is not marshalled implicitly")

// NewSecret returns a Secret with a copy of b.
func NewSecret(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	b = append([]byte(nil), b...)
	p := &b
	return Secret{p: &p}
}

func (s Secret) bytes() []byte {
	if s.p == nil {
		return nil
	}
	return **s.p
}

// Reveal returns a copy of the secret's bytes.
func (s Secret) Reveal() []byte { return append([]byte(nil), s.bytes()...) }

// Base32 returns the secret as RFC 4648 base32 in upper case without padding.
func (s Secret) Base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.bytes())
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return len(s.bytes()) == 0 }

// Equal compares two secrets. Its running time depends only on their lengths.
func (s Secret) Equal(t Secret) bool { return subtle.ConstantTimeCompare(s.bytes(), t.bytes()) == 1 }

// String returns [Redacted].
func (Secret) String() string { return Redacted }

// GoString returns [Redacted], so that %#v shows nothing.
func (Secret) GoString() string { return Redacted }

// Format writes [Redacted] for every verb, so that %x shows nothing.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue returns [Redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON returns [ErrMarshalSecret]. A format that is meant to contain secrets calls
// [Secret.Base32].
func (Secret) MarshalJSON() ([]byte, error) { return nil, ErrMarshalSecret }

// MarshalText returns [ErrMarshalSecret].
func (Secret) MarshalText() ([]byte, error) { return nil, ErrMarshalSecret }

// MarshalBinary returns [ErrMarshalSecret], for gob.
func (Secret) MarshalBinary() ([]byte, error) { return nil, ErrMarshalSecret }

// A Base32Error says where a text is not base32. It does not contain the text.
type Base32Error struct {
	Position  int  // of the character in the original text, starting at 1
	LookAlike bool // the character is 0, 1 or 8, which look like O, I and B
}

func (e *Base32Error) Error() string {
	if e.LookAlike {
		return fmt.Sprintf("not base32: character %d is 0, 1 or 8, which base32 does not have (is it O, I or B?)", e.Position)
	}
	return fmt.Sprintf("not base32: character %d is none of A-Z and 2-7", e.Position)
}

// ParseBase32 parses a secret as sites print it: in any case, grouped by spaces, - or _,
// with or without padding. Trailing bits that fill no whole byte are dropped, as every
// authenticator does. No whole byte is dropped; base32.NoPadding drops up to three bytes
// without an error if the length is 3 or 6 modulo 8. Errors are [ErrEmptySecret] and
// *[Base32Error].
func ParseBase32(text string) (Secret, error) {
	out := make([]byte, 0, len(text)*5/8)
	var bits, n uint
	position := 0
	for _, r := range text {
		position++
		var v rune
		switch {
		case r >= 'A' && r <= 'Z':
			v = r - 'A'
		case r >= 'a' && r <= 'z':
			v = r - 'a'
		case r >= '2' && r <= '7':
			v = r - '2' + 26
		case strings.ContainsRune("-_=", r), unicode.IsSpace(r), r == '\ufeff', r == '\u200b':
			continue
		default:
			return Secret{}, &Base32Error{Position: position, LookAlike: r == '0' || r == '1' || r == '8'}
		}
		bits, n = bits<<5|uint(v), n+5
		if n >= 8 {
			n -= 8
			out = append(out, byte(bits>>n))
		}
	}
	if len(out) == 0 {
		return Secret{}, ErrEmptySecret
	}
	return NewSecret(out), nil
}

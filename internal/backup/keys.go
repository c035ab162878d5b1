package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"filippo.io/age/tag"

	"github.com/authcli/auth/internal/passphrase"
)

// maxWorkFactor is the base-2 logarithm of the largest scrypt cost that is accepted. It
// is four times the cost that age writes. With age's own limit, a forged file could ask
// for 4 GiB of memory.
const maxWorkFactor = 20

// A Sealing says how a backup is encrypted: either with a passphrase or to recipients.
type Sealing struct {
	Passphrase string
	WorkFactor int // base-2 logarithm of the scrypt cost; 0 for age's default
	Recipients []age.Recipient
}

// SealTo returns a Sealing to one recipient.
func SealTo(r age.Recipient) Sealing { return Sealing{Recipients: []age.Recipient{r}} }

func (s Sealing) recipients() ([]age.Recipient, error) {
	if s.Passphrase == "" {
		return s.Recipients, nil
	}
	r, err := age.NewScryptRecipient(s.Passphrase)
	if err != nil {
		return nil, err
	}
	if s.WorkFactor != 0 {
		r.SetWorkFactor(s.WorkFactor)
	}
	return []age.Recipient{r}, nil
}

// errRecipient is returned for a text that is no recipient, without the text.
var errRecipient = errors.New("not a recipient (age1…, age1pq1…, age1NAME1… of a plugin, or an SSH public key)")

// ParseRecipient parses a recipient that age encrypts to by itself: age1…, age1pq1…, age1tag1…,
// age1tagpq1…, or a single line with an SSH public key (ssh-ed25519, or ssh-rsa of at least
// 2048 bits). [Plugins.ParseRecipient] takes those of plugins too.
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "ssh-") {
		r, err := agessh.ParseRecipient(text)
		if err != nil || strings.Contains(text, "\n") { // of several lines, agessh would silently use one
			return nil, errors.New("not an SSH public key that age takes (ssh-ed25519, ssh-rsa)")
		}
		return r, nil
	}
	if tagged(text) {
		r, err := tag.ParseRecipient(text)
		if err != nil {
			return nil, errRecipient
		}
		return r, nil
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(list) != 1 {
		return nil, errRecipient
	}
	return list[0], nil
}

// An Identity decrypts a file. It is age's own type.
type Identity = age.Identity

// PassphraseIdentity returns the identity of a passphrase as the user typed it. A
// passphrase that auth generated also matches in another case and with other spacing; see
// [passphrase.Generated].
func PassphraseIdentity(typed string) (age.Identity, error) {
	id, err := age.NewScryptIdentity(typed)
	if err != nil {
		return nil, err
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	generated, ok := passphrase.Generated(typed)
	if !ok || generated == typed {
		return id, nil
	}
	other, err := age.NewScryptIdentity(generated)
	if err != nil {
		return nil, err
	}
	other.SetMaxWorkFactor(maxWorkFactor)
	return either{id, other}, nil
}

// either tries two identities, one after the other.
type either [2]age.Identity

func (e either) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := e[0].Unwrap(stanzas)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return e[1].Unwrap(stanzas)
	}
	return key, err
}

// UnderPassphrase reports whether an age file is encrypted with a passphrase. It returns
// [ErrForeign] if data is not an age file, [ErrDamaged] if its header is broken, and
// [ErrWorkFactor] if its scrypt cost is above the limit.
func UnderPassphrase(data []byte) (bool, error) {
	header, err := age.ExtractHeader(dearmor(data))
	if err != nil {
		if bytes.HasPrefix(data, []byte("age-encryption.org/")) {
			return false, fmt.Errorf("%w: its header is cut or altered", ErrDamaged)
		}
		return false, ErrForeign
	}
	for line := range strings.Lines(string(header)) {
		args := strings.Fields(line)
		if len(args) >= 2 && args[0] == "->" && args[1] == "scrypt" {
			if len(args) != 4 {
				return false, fmt.Errorf("%w: its header is altered", ErrDamaged)
			}
			var factor int
			if _, err := fmt.Sscanf(args[3], "%d", &factor); err != nil {
				return false, fmt.Errorf("%w: its header is altered", ErrDamaged)
			}
			if factor > maxWorkFactor {
				return false, fmt.Errorf("%w (work factor %d, %d at most)", ErrWorkFactor, factor, maxWorkFactor)
			}
			return true, nil
		}
	}
	return false, nil
}

// dearmor returns a reader of the binary age file in data, which may be armored.
func dearmor(data []byte) io.Reader {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); bytes.HasPrefix(trimmed, []byte(armor.Header)) {
		return armor.NewReader(bytes.NewReader(trimmed))
	}
	return bytes.NewReader(data)
}

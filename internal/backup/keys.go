package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/authcli/auth/internal/backup/sshkey"
)

// maxWorkFactor is the logarithm of the largest scrypt cost that is tried: four
// times what age writes. Its own limit would let a forged file ask for 4 GiB.
const maxWorkFactor = 20

// A Sealing says to whom a backup is encrypted: under a passphrase, or to
// recipients, as age does. One of the two is given.
type Sealing struct {
	Passphrase string
	WorkFactor int // logarithm of the scrypt cost; 0 is age's own
	Recipients []age.Recipient
}

// SealTo returns the sealing to one recipient.
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

// ParseRecipient reads a recipient as age takes it: age1…, age1pq1…, or a line of
// an SSH public key.
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "ssh-") {
		r, err := sshkey.ParseRecipient(text)
		if err != nil {
			return nil, errors.New("not an SSH public key that age takes (ssh-ed25519, ssh-rsa)")
		}
		return r, nil
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(list) != 1 {
		return nil, errors.New("not a recipient (age1…, age1pq1… or an SSH public key)")
	}
	return list[0], nil
}

// ParseIdentities reads an identity file as age takes it: AGE-SECRET-KEY lines, or
// an SSH private key without a passphrase. Nothing of it is in an error.
func ParseIdentities(data []byte) ([]age.Identity, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		id, err := sshkey.ParseIdentity(data)
		if err != nil {
			return nil, errors.New("not an SSH private key that can be used here (one under a passphrase cannot)")
		}
		return []age.Identity{id}, nil
	}
	ids, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil {
		return nil, errors.New("not an identity file (AGE-SECRET-KEY-1… lines, or an SSH private key)")
	}
	return ids, nil
}

// An Identity decrypts, as in age.
type Identity = age.Identity

// PassphraseIdentity returns the identity of a passphrase.
func PassphraseIdentity(passphrase string) (age.Identity, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return id, nil
}

// UnderPassphrase reports whether an age file is sealed with a passphrase. A file
// that is no age file is [ErrForeign], a passphrase at an absurd cost [ErrWorkFactor].
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

// dearmor returns a reader of the age file in data, armored or not.
func dearmor(data []byte) io.Reader {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); bytes.HasPrefix(trimmed, []byte(armor.Header)) {
		return armor.NewReader(bytes.NewReader(trimmed))
	}
	return bytes.NewReader(data)
}

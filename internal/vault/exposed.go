package vault

import "strings"

// exposedPrefix begins the key of a setting that says that a secret was on a device which
// was lost; the rest is the [Hash] of its credential, and the value names the device. It
// travels as settings do, so that every device counts the accounts down.
const exposedPrefix = "exposed:"

// Expose records that the secrets of the given accounts were on a device that was lost.
func (t *Tx) Expose(accounts []Account, device string) {
	for _, a := range accounts {
		if hash := Hash(a.Credential); hash != "" {
			t.Set(exposedPrefix+hash, device)
		}
	}
}

// Exposed returns the lost device that held the secret which an account has now; ok is
// false where there is none. An account is exposed until it has another secret.
func (s *State) Exposed(a Account) (device string, ok bool) {
	hash := Hash(a.Credential)
	if hash == "" {
		return "", false
	}
	reg, ok := s.Settings[exposedPrefix+hash]
	return reg.Value, ok && reg.Value != ""
}

// IsExposure reports whether a setting is of this kind, and nothing that a user sets.
func IsExposure(key string) bool { return strings.HasPrefix(key, exposedPrefix) }

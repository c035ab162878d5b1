package backup

import (
	"fmt"
	"strings"
)

// Names of the README, which explains the files of a location to a stranger.
const (
	readmeName   = "README.txt"
	readmeBeside = "README-auth.txt" // used if README.txt is somebody else's
	readmeOurs   = "written by auth" // words that every README of ours contains
)

// Beside reports whether a file, by its name and bytes, is one of those that lie beside
// the backups of a location and are none: a README of ours, a sealed key or a succession.
func Beside(name string, data []byte) bool {
	readme := strings.Contains(string(data[:min(len(data), 4096)]), readmeOurs) && strings.Contains(string(data), "auth restore")
	_, err := UnderPassphrase(data)
	return err != nil && readme || err == nil && (isSealed(name) || isSuccession(name))
}

// Readme returns the text of a location's README. It explains how to restore with auth,
// and with age alone.
func Readme(k RecoveryKey) string {
	age := "age (age-encryption.org)"
	if k.Quantum() {
		age = "age 1.3 or later (age-encryption.org)"
	}
	return fmt.Sprintf(`These are encrypted backups of one-time-password accounts, written by auth.
Keep this folder. Nobody can read it without the recovery passphrase.

To bring everything back, on any computer with auth:

    auth restore THIS-FOLDER

Without auth, with %s and the passphrase. BACKUP is the
newest .age file here whose name does not begin with "recovery-":

    age -d -i recovery-%s-....age BACKUP

which asks for the recovery passphrase, and prints the accounts with their
otpauth URIs. With a further key, in the file KEY, instead of the passphrase:

    age -d -i KEY recovery-%s-....age | age -d -i - BACKUP

The files "recovery-..." hold the key to all others, sealed. Without one of them
nothing here can be opened: never delete them.
`, age, k.ID(), k.ID())
}

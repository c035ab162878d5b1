package location

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
)

// maxName is the longest name that all file systems of note take, in bytes.
const maxName = 255

// plain refuses a name that could lead out of a location or means something
// else than a file to this system: a path, "..", a device of Windows.
func plain(name string) error {
	if len(name) > maxName || name == "." || name != filepath.Base(name) || !filepath.IsLocal(name) || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%w: not a plain file name", ErrInvalid)
	}
	return nil
}

// control reports whether a text holds characters that no path of a person does.
func control(text string) bool {
	return strings.ContainsFunc(text, unicode.IsControl)
}

// The name of a file that is being written: .~auth-RANDOM.tmp. Nextcloud,
// ownCloud and Dropbox leave out what begins with ".~"; OneDrive and iCloud
// Drive what ends with ".tmp".
const (
	tempPrefix = ".~auth-"
	tempSuffix = ".tmp"
)

func tempName() string { return tempPrefix + rand.Text() + tempSuffix }

// isTemp reports whether a name is one of tempName's, so that no file of
// anybody else is taken for a leftover.
func isTemp(name string) bool {
	middle, ok := strings.CutPrefix(name, tempPrefix)
	if !ok {
		return false
	}
	middle, ok = strings.CutSuffix(middle, tempSuffix)
	return ok && len(middle) == len(rand.Text()) && strings.Trim(middle, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// stubbed returns the file that an old iCloud stub (.NAME.icloud) stands for.
func stubbed(name string) (string, bool) {
	name, ok := strings.CutSuffix(name, ".icloud")
	if !ok || len(name) < 2 || name[0] != '.' {
		return "", false
	}
	return name[1:], true
}

// stub is the name of an old iCloud stub for a file.
func stub(name string) string { return "." + name + ".icloud" }

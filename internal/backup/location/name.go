package location

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
)

// maxName is the longest file name that all common file systems accept, in bytes.
const maxName = 255

// checkName refuses a name that could lead out of the location or that this system does
// not treat as a file: a path, "..", or a Windows device.
func checkName(name string) error {
	if len(name) > maxName || name == "." || name != filepath.Base(name) || !filepath.IsLocal(name) || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%w: not a plain file name", ErrInvalid)
	}
	return nil
}

// hasControl reports whether a text contains control characters.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, unicode.IsControl)
}

// A temporary file is called .~auth-RANDOM.tmp. Nextcloud, ownCloud and Dropbox ignore
// names that begin with ".~". OneDrive and iCloud Drive ignore names that end with ".tmp".
const (
	tempPrefix = ".~auth-"
	tempSuffix = ".tmp"
)

func tempName() string { return tempPrefix + rand.Text() + tempSuffix }

// isTemp reports whether tempName made a name. It is strict, so that somebody else's file
// never counts as a leftover.
func isTemp(name string) bool {
	middle, ok := strings.CutPrefix(name, tempPrefix)
	if !ok {
		return false
	}
	middle, ok = strings.CutSuffix(middle, tempSuffix)
	return ok && len(middle) == len(rand.Text()) && strings.Trim(middle, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// fromStub returns the name of the file that an old iCloud stub (.NAME.icloud) stands
// for. ok is false if name is not a stub.
func fromStub(name string) (string, bool) {
	name, ok := strings.CutSuffix(name, ".icloud")
	if !ok || len(name) < 2 || name[0] != '.' {
		return "", false
	}
	return name[1:], true
}

// stubName returns the name of a file's old iCloud stub.
func stubName(name string) string { return "." + name + ".icloud" }

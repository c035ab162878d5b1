package cmd

import (
	"os"
	"strings"

	"github.com/authcli/auth/internal/vault"
)

// A command that auth prints will be pasted into a shell, and a label or a path may
// come from somebody else. No quotes are right in every shell: fish reads a backslash
// in them, PowerShell and cmd.exe have others. So a word of a printed command is only
// ever one that needs no quotes anywhere; what is not is left to the user.

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// plainWord reports whether every shell, and then auth, takes text for one word that says
// what it says: letters and digits of ASCII with the given marks between them. It begins
// with a letter or a digit: "-" begins a flag, "@" is an operator of PowerShell.
func plainWord(text, marks string) bool {
	return text != "" && strings.Trim(text, letters+marks) == "" && strings.Contains(letters, text[:1])
}

// queryWord is a word of a printed command that names an account: its label, or its id
// where a shell could take the label for more than a word.
func queryWord(a vault.Account) string {
	const marks = ".-_@:"
	isID := len(a.Shown) > 2 && strings.EqualFold(a.Shown[:3], "id:")
	if !plainWord(a.Shown, marks) || isID || looksSecret(a.Shown) {
		return idWord(a)
	}
	return a.Shown
}

// idWord is queryWord of an account that only its id names. Ids come with files of others,
// too.
func idWord(a vault.Account) string {
	if !plainWord(a.ID, "") {
		return "QUERY"
	}
	return "id:" + a.ID
}

// locationWord is a word of a printed command that names a location: the word of the help
// where a shell could take the path for more than a word.
func locationWord(location string) string {
	marks := ".-_@:" + string(os.PathSeparator)
	if plainWord(strings.TrimPrefix(location, "/"), marks) && !looksSecret(location) {
		return location
	}
	return "LOCATION"
}

package cmd

import (
	"os"
	"strings"

	"github.com/authcli/auth/internal/vault"
)

// People paste the commands that auth prints into a shell, and a label or a path may come
// from somebody else. No way of quoting works in every shell: fish reads backslashes in
// quotes, PowerShell and cmd.exe have other rules. A printed command therefore contains
// only words that need no quotes. For any other word it has a placeholder.

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// plainWord reports whether every shell, and then auth, reads text as one literal word:
// ASCII letters and digits with the given marks between them. It has to begin with a
// letter or digit, because "-" begins a flag and "@" is an operator in PowerShell.
func plainWord(text, marks string) bool {
	return text != "" && strings.Trim(text, letters+marks) == "" && strings.Contains(letters, text[:1])
}

// queryWord returns a word for a printed command that names an account: its label, or its
// id if a shell could misread the label.
func queryWord(a vault.Account) string {
	const marks = ".-_@:"
	isID := len(a.Shown) > 2 && strings.EqualFold(a.Shown[:3], "id:")
	if !plainWord(a.Shown, marks) || isID || looksSecret(a.Shown) {
		return idWord(a)
	}
	return a.Shown
}

// idWord is queryWord for an account that only its id names. Ids are checked too, because
// they can come from other people's files.
func idWord(a vault.Account) string {
	if !plainWord(a.ID, "") {
		return "QUERY"
	}
	return "id:" + a.ID
}

// locationWord returns a word for a printed command that names a location: its path, or
// the placeholder of the help if a shell could misread the path.
func locationWord(location string) string {
	marks := ".-_@:" + string(os.PathSeparator)
	if plainWord(strings.TrimPrefix(location, "/"), marks) && !looksSecret(location) {
		return location
	}
	return "LOCATION"
}

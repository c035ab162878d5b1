package account

import (
	"strings"
	"unicode"
)

// Label returns the label of the account, "issuer:name". If one of the two is empty, it
// returns the other.
func (a Account) Label() string { return JoinLabel(a.Issuer, a.Name) }

// JoinLabel joins issuer and name to a label.
func JoinLabel(issuer, name string) string {
	switch {
	case issuer == "":
		return name
	case name == "":
		return issuer
	default:
		return issuer + ":" + name
	}
}

// SplitLabel splits a label at its first colon. A label without one is a name.
func SplitLabel(label string) (issuer, name string) {
	before, after, found := strings.Cut(label, ":")
	if !found {
		return "", Clean(label)
	}
	return Clean(before), Clean(after)
}

// Clean makes s valid as an issuer, a name or an alias: valid UTF-8 without surrounding
// space.
func Clean(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD")) }

// Fold returns the form in which labels, aliases and queries are compared. It folds the
// case (Unicode simple folding), removes space around s and around the colon of a label,
// and replaces other runs of space by a single one.
func Fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	parts := strings.SplitN(Clean(s), ":", 2)
	for i, p := range parts {
		parts[i] = strings.Map(foldRune, strings.Join(strings.Fields(p), " "))
	}
	return strings.Join(parts, ":")
}

// plain reports whether s is ASCII and has no space that [Fold] would remove. Most labels
// are plain, and a lookup folds every label of the vault.
func plain(s string) bool {
	after := byte(' ') // the previous character; a space may not follow a space, a colon or the beginning
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 0x80, c < ' ', c == ' ' && (after == ' ' || after == ':'), c == ':' && after == ' ':
			return false
		}
		after = c
	}
	return after != ' '
}

// foldRune returns the smallest rune that equals r under simple folding.
func foldRune(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		// K and S equal runes outside ASCII (the Kelvin sign, the long s). The lower-case
		// ASCII letter represents them.
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if f < least {
			least = f
		}
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

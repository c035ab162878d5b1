package account

import (
	"strings"
	"unicode"
)

// Label returns what a user calls the account: "issuer:name", or the one of the
// two that there is.
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

// Clean makes s fit to be an issuer, a name or an alias: valid UTF-8, without
// space around it.
func Clean(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD")) }

// Fold returns the form of s in which labels, aliases and queries are compared:
// case folded (Unicode simple folding), without space around it or around the
// colon of a label, other runs of space as one.
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

// plain reports whether s is ASCII without a space that [Fold] would take away, as
// most labels are: a lookup among a thousand folds them all.
func plain(s string) bool {
	after := byte(' ') // what a space may not stand after, as at the beginning
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

// foldRune maps r to the smallest rune that it is equal to under simple folding.
func foldRune(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		// K and S have equals outside ASCII (the Kelvin sign, the long s); the
		// lower-case ASCII letter stands for all of them.
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

package transfer

import (
	"fmt"
	"strings"
)

// maxUnread is how many places are named.
const maxUnread = 10

// isCodeName reports whether the name of a column or member means one-time codes, in
// any spelling: "TOTP KEY$", login_totp, oneTimeCode, otpSecret.
func isCodeName(name string) bool {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	for _, word := range []string{"totp", "otpauth", "onetimecode", "onetimepass", "authenticatorkey", "twofasecret"} {
		if strings.Contains(letters, word) {
			return true
		}
	}
	return letters == "otp" || strings.HasPrefix(letters, "otpse") || strings.HasPrefix(letters, "otpur") || letters == "2fa" || letters == "mfa"
}

// unread returns where a file of which nothing was read says that it holds one-time
// passwords: "no data" would not be true of it. The lines are counted from 1.
func unread(s *Source) []Skip {
	var out []Skip
	text := s.Text()
	line, from := 1, 0
	note := func(at int, what string) bool {
		line += strings.Count(text[from:at], "\n")
		from = at
		out = append(out, Skip{Row: fmt.Sprintf("line %d", line), Reason: what + ", where this format has no account in use"})
		return len(out) < maxUnread
	}
	for at := 0; ; {
		i := strings.Index(text[at:], "otpauth")
		if i < 0 {
			break
		}
		at += i + len("otpauth")
		if rest := text[at:]; strings.HasPrefix(rest, "://") || strings.HasPrefix(rest, `:\/\/`) || hasPrefixFold(rest, "%3a%2f%2f") {
			if !note(at, "an otpauth URI") {
				return out
			}
		}
	}
	if len(out) == 0 && (s.Object() != nil || s.List() != nil) {
		jsonTexts(text, func(at int, name string) bool {
			return !isCodeName(name) || note(at, fmt.Sprintf("a member %q with a text", name))
		})
	}
	return out
}

// jsonTexts calls f for each member of a valid JSON text that is a text and not empty,
// with its place and its name, until f returns false. Long names are left out.
func jsonTexts(text string, f func(at int, name string) bool) {
	name, colon := "", false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
		case ':':
			colon = true
		case '"':
			start := i + 1
			for i = start; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			value := text[start:min(i, len(text))]
			if colon && name != "" && value != "" && !f(start, name) {
				return
			}
			if name, colon = value, false; len(name) > 40 {
				name = ""
			}
		default:
			name, colon = "", false
		}
	}
}

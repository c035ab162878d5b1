package sqlite

import "strings"

// A token is a word, a quoted name or a mark of an SQL statement.
type token struct {
	text   string
	quoted bool
}

// is reports whether t is this keyword or mark, in any case.
func (t token) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

// tokens splits an SQL statement. It is exact where names of columns stand and
// forgiving elsewhere: all that is wanted of a CREATE TABLE is its names.
func tokens(sql string) []token {
	var all []token
	for i := 0; i < len(sql); {
		rest := sql[i:]
		switch c := rest[0]; {
		case strings.IndexByte(" \t\r\n\f", c) >= 0:
			i++
		case strings.HasPrefix(rest, "--"):
			i += until(rest, 2, "\n")
		case strings.HasPrefix(rest, "/*"):
			i += until(rest, 2, "*/")
		case c == '[':
			n := until(rest, 1, "]")
			all = append(all, token{strings.TrimSuffix(rest[1:n], "]"), true})
			i += n
		case c == '"', c == '`', c == '\'':
			text, n := quoted(rest)
			all = append(all, token{text, true})
			i += n
		case isMark(c):
			all = append(all, token{text: rest[:1]})
			i++
		default:
			n := 1
			for n < len(rest) && !isMark(rest[n]) && strings.IndexByte(" \t\r\n\f\"`'[", rest[n]) < 0 {
				n++
			}
			all = append(all, token{text: rest[:n]})
			i += n
		}
	}
	return all
}

func isMark(c byte) bool { return strings.IndexByte("(),;", c) >= 0 }

// until returns the index behind the first end at or after from, or the length of s.
func until(s string, from int, end string) int {
	if n := strings.Index(s[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(s)
}

// quoted reads a name or text in quotes, in which a doubled quote stands for one,
// and returns it with the number of bytes read.
func quoted(s string) (string, int) {
	q := s[:1]
	var b strings.Builder
	for i := 1; ; {
		n := strings.Index(s[i:], q)
		if n < 0 {
			b.WriteString(s[i:])
			return b.String(), len(s)
		}
		b.WriteString(s[i : i+n])
		i += n + 1
		if !strings.HasPrefix(s[i:], q) {
			return b.String(), i
		}
		b.WriteString(q)
		i++
	}
}

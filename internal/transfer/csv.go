package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// The columns of password managers' CSV files, in lower case, the most telling first.
var (
	csvCodes  = []string{"otpauth", "login_totp", "totp", "otp", "otpsecret", "otpurl", "twofasecret", "one-time password", "one time password", "authenticator key", "timeotp-secret-base32", "hmacotp-secret-base32", "totp seed", "one-time passwort"}
	csvTitles = []string{"title", "name", "display_name", "nickname", "account", "secret name", "password name", "beschreibung"}
	csvUsers  = []string{"username", "login_username", "user name", "login name", "login", "email", "username2", "benutzername"}
	csvGroups = []string{"folder", "grouping", "group", "tags", "category", "organisationseinheit", "chambername"}
	csvNotes  = []string{"notes", "note", "extra", "additionalinfo", "informationen"}
	// A file with one of these and none of csvCodes is a whole export without codes.
	csvPasswords = []string{"password", "pwd", "login_password", "secretdata", "master-password", "passwort"}
)

// spreadsheet is every CSV export of a password manager: 1Password, Apple Passwords,
// Bitwarden and its Authenticator, Dashlane, KeePassXC, LastPass, Myki, Proton Pass,
// SafeInCloud, Synology C2. They are told by a column of codes.
func spreadsheet() Format {
	return Format{
		Name: "csv", Title: "CSV of password managers",
		Detect: func(s *Source) bool {
			t := s.table()
			return t != nil && (t.has(csvCodes) || t.has(csvPasswords) || len(t.codes) > 0) || isHeadless(s)
		},
		Read:  readSpreadsheet,
		Notes: "1Password, Apple Passwords, Bitwarden and Bitwarden Authenticator, Dashlane, KeePassXC, LastPass, Myki, Netwrix, Proton Pass, RoboForm, SafeInCloud, Synology C2, Zoho Vault and others with a column of one-time passwords, and otpauth URIs in any other column (Keeper). Files of Chrome, Firefox, NordPass and the like have none, and the answer says so.",
	}
}

// Bounds of a CSV file.
const (
	maxHeader = 64 << 10 // bytes of its first line
	maxRows   = 1_000_000
	maxCells  = 10_000 // of a row
)

// A table is a CSV file: the places of its columns by name in lower case, and its rows.
type table struct {
	columns map[string]int
	codes   []string // columns that are none of csvCodes, and whose names mean codes
	rows    csvReader
}

// table reads the header of a CSV file parted by commas, semicolons or tabs. It
// returns nil where the first line is none.
func (s *Source) table() *table {
	text := strings.TrimLeft(s.Text(), "\n ")
	line, _, _ := strings.Cut(text, "\n")
	if len(line) > maxHeader || strings.Contains(line, "://") || strings.HasPrefix(line, "<") || strings.HasPrefix(line, "{") || strings.HasPrefix(line, "[") {
		return nil
	}
	for _, comma := range []byte(",;\t") {
		if strings.IndexByte(line, comma) < 0 {
			continue
		}
		t := &table{columns: map[string]int{}, rows: csvReader{text: text, comma: comma}}
		header, ok := t.rows.next()
		if !ok || len(header) < 2 {
			continue
		}
		for i, name := range header {
			name = strings.ToLower(strings.TrimSpace(name))
			if _, seen := t.columns[name]; !seen && name != "" {
				t.columns[name] = i
				if isCodeName(name) && !slices.Contains(csvCodes, name) {
					t.codes = append(t.codes, name)
				}
			}
		}
		return t
	}
	return nil
}

// each calls f with the records below the header, counted from 0. A record is good
// until f returns. The errors are [ErrTooBig] and that of ctx.
func (t *table) each(ctx context.Context, b *Batch, f func(i int, record []string)) error {
	for i := 0; !b.full(); i++ {
		record, ok := t.rows.next()
		switch {
		case t.rows.over || ok && i == maxRows:
			return fmt.Errorf("%w: more than %d rows, or %d cells in one", ErrTooBig, maxRows, maxCells)
		case !ok:
			return nil
		case i%1000 == 0 && ctx.Err() != nil:
			return ctx.Err()
		}
		f(i, record)
	}
	return nil
}

// A csvReader splits a text into records as encoding/csv does with LazyQuotes and
// FieldsPerRecord of -1. Its fields are parts of the text and no copies of it, and a
// record has at most maxCells of them: encoding/csv has no bound.
type csvReader struct {
	text   string // what is left
	comma  byte
	record []string
	over   bool // a record had too many cells
}

// next returns the next record that is no empty line. It is good until the next call.
func (r *csvReader) next() ([]string, bool) {
	r.text = strings.TrimLeft(r.text, "\n")
	if r.text == "" {
		return nil, false
	}
	r.record = r.record[:0]
	for more := true; more; {
		if len(r.record) == maxCells {
			r.over = true
			return nil, false
		}
		var field string
		field, more = r.field()
		r.record = append(r.record, field)
	}
	return r.record, true
}

// field takes one field, and what is behind it; more says that another follows in the
// same record.
func (r *csvReader) field() (field string, more bool) {
	if !strings.HasPrefix(r.text, `"`) {
		at := strings.IndexAny(r.text, string(r.comma)+"\n")
		if at < 0 {
			field, r.text = r.text, ""
			return field, false
		}
		field, more, r.text = r.text[:at], r.text[at] == r.comma, r.text[at+1:]
		return field, more
	}
	var b strings.Builder // where the field has quotes in it
	for rest := r.text[1:]; ; {
		at := strings.IndexByte(rest, '"')
		if at < 0 {
			at = len(rest)
		}
		before, after := rest[:at], rest[min(at+1, len(rest)):]
		switch {
		case after == "" || after[0] == r.comma || after[0] == '\n':
			if field = before; b.Len() > 0 {
				b.WriteString(before)
				field = b.String()
			}
			if r.text = after; after == "" {
				return field, false
			}
			r.text = after[1:]
			return field, after[0] == r.comma
		case after[0] == '"':
			after = after[1:]
		}
		b.WriteString(before)
		b.WriteByte('"')
		rest = after
	}
}

func (t *table) has(names []string) bool {
	for _, name := range names {
		if _, found := t.columns[name]; found {
			return true
		}
	}
	return false
}

// first returns the first of the named columns that is not empty in a record.
func (t *table) first(record []string, names ...string) string {
	for _, name := range names {
		if i, found := t.columns[name]; found && i < len(record) {
			if v := strings.TrimSpace(record[i]); v != "" {
				return v
			}
		}
	}
	return ""
}

func readSpreadsheet(ctx context.Context, s *Source) (Batch, error) {
	t := s.table()
	if t == nil && isHeadless(s) {
		return readHeadless(ctx, s)
	}
	if t == nil {
		return Batch{}, ErrDamaged
	}
	var b Batch
	err := t.each(ctx, &b, func(i int, record []string) { t.read(&b, i, record) })
	return b, err
}

// read adds the accounts of one record: one, none, or more where KeePass' fields are
// columns.
func (t *table) read(b *Batch, i int, record []string) {
	title, user := t.first(record, csvTitles...), t.first(record, csvUsers...)
	if user == "" { // Zoho has it in a cell of several lines
		_, rest, _ := strings.Cut(t.first(record, "secretdata"), "User Name:")
		user, _, _ = strings.Cut(rest, "\n")
	}
	row := rowName(i, title, user)
	tags := t.tags(record)
	add := func(a account.Account, err error) {
		addTags(&a, tags...)
		a.Note = t.first(record, csvNotes...)
		if v := strings.ToLower(t.first(record, "favorite", "fav")); v == "true" || v == "1" {
			a.Tags = append(a.Tags, Favourite)
		}
		b.add(row, a, err)
	}
	switch {
	case t.has([]string{"timeotp-secret-base32", "hmacotp-secret-base32", "totp seed"}):
		fields := map[string]string{}
		for name, i := range t.columns {
			if i < len(record) {
				fields[name] = record[i]
			}
		}
		accounts, errs := keepassEntry(title, user, "", fields)
		for _, a := range accounts {
			add(a, nil)
		}
		for _, err := range errs {
			add(account.Account{}, err)
		}
	default:
		text := t.first(record, csvCodes...)
		if text == "" && len(t.codes) > 0 {
			text = t.first(record, t.codes...)
		}
		if text != "" {
			add(readLogin(b, row, title, user, text))
			return
		}
		for _, cell := range record {
			if text := codeInCell(cell); text != "" {
				add(readLogin(b, row, title, user, text))
			}
		}
	}
}

// codeInCell returns the URI or secret in a cell of a column of no such name, or
// nothing: Keeper has fields of the user's own at the end of a row, and so has
// RoboForm, as "TOTP KEY$,,,txt,SECRET" or "TOTP KEY$:txt:SECRET".
func codeInCell(cell string) string {
	cell = strings.TrimSpace(cell)
	if isURI(cell) && !hasPrefixFold(cell, "steam://") { // also the address of a game
		return cell
	}
	rest, found := strings.CutPrefix(cell, "TOTP KEY$")
	if !found {
		return ""
	}
	if field := strings.SplitN(rest, ",", 5); len(field) == 5 {
		return strings.TrimSpace(field[4])
	}
	if field := strings.SplitN(rest, ":", 3); len(field) == 3 {
		return strings.TrimSpace(field[2])
	}
	return ""
}

// tags returns the folder of a record. KeePassXC writes the name of the root group in
// front of each path; 1Password writes several tags.
func (t *table) tags(record []string) []string {
	group := t.first(record, csvGroups...)
	if group == "" {
		return nil
	}
	if t.has([]string{"last modified"}) {
		_, group, _ = strings.Cut(group, "/")
		if group == "" {
			return nil
		}
	}
	if _, found := t.columns["tags"]; !found {
		return []string{group}
	}
	var out []string
	for tag := range strings.SplitSeq(group, ",") {
		if out = append(out, tag); len(out) > maxTags {
			break
		}
	}
	return out
}

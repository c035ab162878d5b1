package transfer

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// The columns of password managers' CSV files, in lower case, the most telling first.
var (
	csvCodes  = []string{"otpauth", "login_totp", "totp", "otp", "otpsecret", "otpurl", "twofasecret", "one-time password", "one time password", "authenticator key", "timeotp-secret-base32", "hmacotp-secret-base32", "totp seed"}
	csvTitles = []string{"title", "name", "display_name", "nickname", "account", "secret name"}
	csvUsers  = []string{"username", "login_username", "user name", "login name", "login", "email", "username2"}
	csvGroups = []string{"folder", "grouping", "group", "tags", "category"}
	csvNotes  = []string{"notes", "note", "extra", "additionalinfo"}
	// A file with one of these and none of csvCodes is a whole export without codes.
	csvPasswords = []string{"password", "pwd", "login_password", "secretdata", "master-password"}
)

// spreadsheet is every CSV export of a password manager: 1Password, Apple Passwords,
// Bitwarden and its Authenticator, Dashlane, KeePassXC, LastPass, Myki, Proton Pass,
// SafeInCloud, Synology C2. They are told by a column of codes.
func spreadsheet() Format {
	return Format{
		Name: "csv", Title: "CSV of password managers",
		Detect: func(s *Source) bool {
			t := s.table()
			return t != nil && (t.has(csvCodes) || t.has(csvPasswords)) || isHeadless(s)
		},
		Read:  readSpreadsheet,
		Notes: "1Password, Apple Passwords, Bitwarden and Bitwarden Authenticator, Dashlane, KeePassXC, LastPass, Myki, Proton Pass, SafeInCloud, Synology C2 and others with a column of one-time passwords. Files of Chrome, Firefox, NordPass and the like have none, and the answer says so.",
	}
}

// A table is a CSV file: the places of its columns by name in lower case, and its rows.
type table struct {
	columns map[string]int
	reader  *csv.Reader
}

// table reads the header of a CSV file parted by commas, semicolons or tabs. It
// returns nil where the first line is none.
func (s *Source) table() *table {
	text := strings.TrimLeft(s.Text(), "\n ")
	line, _, _ := strings.Cut(text, "\n")
	if len(line) > 64<<10 || strings.Contains(line, "://") || strings.HasPrefix(line, "<") || strings.HasPrefix(line, "{") {
		return nil
	}
	t := &table{columns: map[string]int{}}
	for _, comma := range ",;\t" {
		if !strings.ContainsRune(line, comma) {
			continue
		}
		t.reader = csv.NewReader(strings.NewReader(text))
		t.reader.Comma, t.reader.FieldsPerRecord, t.reader.LazyQuotes = comma, -1, true
		header, err := t.reader.Read()
		if err != nil || len(header) < 2 {
			continue
		}
		for i, name := range header {
			name = strings.ToLower(strings.TrimSpace(name))
			if _, seen := t.columns[name]; !seen && name != "" {
				t.columns[name] = i
			}
		}
		return t
	}
	return nil
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
		return readHeadless(s)
	}
	if t == nil {
		return Batch{}, ErrDamaged
	}
	if !t.has(csvCodes) && !t.has([]string{"secret"}) {
		return Batch{}, ErrNoOTPData
	}
	var b Batch
	for i := 0; ; i++ {
		record, err := t.reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.skip(rowName(i, "", ""), "not a row of CSV")
			continue
		}
		if len(b.Accounts)+len(b.Skipped) > maxAccounts || ctx.Err() != nil {
			return Batch{}, errors.Join(ctx.Err(), ErrTooBig)
		}
		t.read(&b, i, record)
	}
	return b, nil
}

// read adds the accounts of one record: one, none, or more where KeePass' fields are
// columns.
func (t *table) read(b *Batch, i int, record []string) {
	title, user := t.first(record, csvTitles...), t.first(record, csvUsers...)
	row := rowName(i, title, user)
	add := func(a account.Account, err error) {
		a.Tags = append(a.Tags, t.tags(record)...)
		a.Note = t.first(record, csvNotes...)
		if v := strings.ToLower(t.first(record, "favorite", "fav")); v == "true" || v == "1" {
			a.Tags = append(a.Tags, Favourite)
		}
		b.add(row, a, err)
	}
	switch {
	case t.has([]string{"timeotp-secret-base32", "hmacotp-secret-base32", "totp seed"}):
		fields := map[string]string{}
		for name := range t.columns {
			fields[name] = t.first(record, name)
		}
		accounts, errs := keepassEntry(title, user, "", fields)
		for _, a := range accounts {
			add(a, nil)
		}
		for _, err := range errs {
			add(account.Account{}, err)
		}
	default:
		if text := t.first(record, csvCodes...); text != "" {
			add(readLogin(b, row, title, user, text))
		}
	}
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
		if tag = account.Clean(tag); tag != "" {
			out = append(out, tag)
		}
	}
	return out
}

package vault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// A directory says where in a vault of many records each live account is, and what it is
// found by. A lookup reads it in place of the records. It is made anew from the records with
// each write, and nothing else is read from it: it holds no secrets and no ids.
//
// As text it has a line for each record, in their order, after a first line that says how
// many these are, and how many are in a block (see [State.sections]):
//
//	auth directory VERSION RECORDS BLOCK
//	LABEL ⇥ ALIAS ⇥ SUFFIX ⇥ OTHERS ⇥ ISSUER ⇥ NAME
//
// LABEL and ALIAS are as users see them, or folded ([account.Fold]) if they have a tab or a
// line break, of which folding leaves none. They are found by what they are folded to.
// SUFFIX is what users see after the label where several accounts share it, such as " (2)".
// OTHERS are the lines, from 0 on, of the further records of an account that has several;
// it stands in the line of the first. ISSUER and NAME are folded, and are there only if they
// are not what is before and after the first colon of the folded LABEL. Empty fields at the end are
// left out. A record that is not the first of a live account has an empty line.
type directory struct {
	records, block int
	listings       []listing
}

// directoryVersion is that of the text. A new way to fold is a new version. In version 1
// everything was folded. A directory of another version is not read: the records are.
const directoryVersion = 2

// mostListed is the most records of a directory that is read. Each takes 100 bytes of memory,
// however short its line is. A vault of more is read as a whole.
const mostListed = 1 << 18

// A listing is one line of a [directory].
type listing struct {
	at                         int    // the line, and the place of the record
	shown, shownAlias          string // label and alias as they are listed
	label, alias, issuer, name string // folded
	suffix                     string
	others                     string // the places of further records, with spaces between
}

func (l *listing) foldedLabel() string  { return l.label }
func (l *listing) foldedIssuer() string { return l.issuer }
func (l *listing) foldedName() string   { return l.name }
func (l *listing) foldedAlias() string  { return l.alias }

func (l *listing) foldedShown() string {
	if l.suffix == "" {
		return ""
	}
	return account.Fold(l.label + l.suffix)
}

// oneField returns a label or an alias as it is listed, given what it is folded to.
func oneField(text, folded string) string {
	if strings.ContainsAny(text, "\t\n") {
		return folded
	}
	return text
}

// newDirectory returns the directory of a state that is kept in blocks.
func newDirectory(s *State, block int) directory {
	x, places := s.newIndex(), map[string]int{}
	if len(s.Links) > 0 {
		for i, r := range s.Records {
			places[r.ID] = i
		}
	}
	d, listed := directory{records: len(s.Records), block: block}, map[string]bool{}
	for i, r := range s.Records {
		root := s.root(r.ID)
		at, live := x.place(root)
		if !live || listed[root] {
			continue
		}
		listed[root] = true
		a := &x.accounts[at]
		l := listing{
			at: i, label: a.foldedLabel(), alias: a.foldedAlias(), suffix: a.suffix(),
			issuer: a.foldedIssuer(), name: a.foldedName(),
		}
		l.shown, l.shownAlias = oneField(a.Label(), l.label), oneField(a.Alias, l.alias)
		if len(s.Links) > 0 {
			var others []string
			for _, m := range s.members(root) {
				if places[m.ID] != i {
					others = append(others, strconv.Itoa(places[m.ID]))
				}
			}
			l.others = strings.Join(others, " ")
		}
		d.listings = append(d.listings, l)
	}
	return d
}

// text returns the directory as it is kept.
func (d directory) text() []byte {
	text := append([]byte(d.bounds()), '\n')
	next := 0
	for i := range d.listings {
		l := &d.listings[i]
		for ; next < l.at; next++ {
			text = append(text, '\n')
		}
		next = l.at + 1
		text = append(append(text, l.line()...), '\n')
	}
	for ; next < d.records; next++ {
		text = append(text, '\n')
	}
	return text
}

// bounds returns the first line.
func (d directory) bounds() string {
	return fmt.Sprintf("auth directory %d %d %d", directoryVersion, d.records, d.block)
}

// line returns a line without its end.
func (l *listing) line() string { return strings.Join(l.fields(), "\t") }

// fields returns the fields of a line, without the ones that are left out.
func (l *listing) fields() []string {
	fields := []string{l.shown, l.shownAlias, l.suffix, l.others}
	if issuer, name := parts(l.label); issuer != l.issuer || name != l.name {
		return append(fields, l.issuer, l.name)
	}
	for len(fields) > 1 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return fields
}

// parts returns what is before and after the first colon of a folded label. All of a label
// without one is a name.
func parts(label string) (issuer, name string) {
	issuer, name, found := strings.Cut(label, ":")
	if !found {
		return "", label
	}
	return issuer, name
}

// parseDirectory reads what [directory.text] writes. ok is false if the text is anything
// else, of a later version, or of more records than [mostListed].
func parseDirectory(text string) (d directory, ok bool) {
	first, text, ended := strings.Cut(text, "\n")
	if words := strings.Split(first, " "); len(words) == 5 {
		d.records, _ = strconv.Atoi(words[3])
		d.block, _ = strconv.Atoi(words[4])
	}
	if !ended || first != d.bounds() || d.block < 1 || d.records > mostListed || d.records != strings.Count(text, "\n") {
		return directory{}, false
	}
	d.listings = make([]listing, 0, d.records)
	for at := range d.records {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line == "" {
			continue
		}
		l, ok := parseListing(line)
		if !ok {
			return directory{}, false
		}
		l.at = at
		d.listings = append(d.listings, l)
	}
	return d, text == ""
}

func parseListing(line string) (l listing, ok bool) {
	shown, rest, more := strings.Cut(line, "\t")
	l.shown, l.label = shown, account.Fold(shown)
	l.issuer, l.name = parts(l.label)
	if !more { // most accounts have nothing else
		return l, true
	}
	fields := strings.Split(rest, "\t")
	switch len(fields) {
	case 5:
		l.issuer, l.name = fields[3], fields[4]
	case 1, 2, 3:
	default:
		return listing{}, false
	}
	for i, to := range []*string{&l.shownAlias, &l.suffix, &l.others} {
		if i < len(fields) {
			*to = fields[i]
		}
	}
	l.alias = account.Fold(l.shownAlias)
	return l, l.line() == line
}

// places returns the places of the account's records, all below records. ok is false if
// that is not what the listing says.
func (l *listing) places(records int) (places []int, ok bool) {
	places = []int{l.at}
	for other := range strings.FieldsSeq(l.others) {
		at, err := strconv.Atoi(other)
		if err != nil || at < 0 || at >= records || slices.Contains(places, at) {
			return nil, false
		}
		places = append(places, at)
	}
	return places, true
}

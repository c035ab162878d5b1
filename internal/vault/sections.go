package vault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/keyring"
)

// A snapshot in a keyring is a state. One of up to [blockRecords] records is a single
// section: the state's JSON. A larger one is in sections, so that a lookup need not read
// all of it:
//
//	0   the [directory]
//	1   the state's JSON without "accounts"
//	2…  the JSON of the records, in arrays of blockRecords; the last may have fewer
//
// blockRecords is what a lookup reads in less than a millisecond, in blocks that compress
// about as well as the whole.
const blockRecords = 128

const (
	directorySection = iota
	fieldsSection
	firstBlock
)

// encoded is the JSON of a state, in the pieces that a snapshot of many records has.
type encoded struct {
	fields []byte
	blocks [][]byte // arrays of records
}

// encode returns the JSON of a state, with up to block records in a piece.
func (s *State) encode(block int) (e encoded, err error) {
	if e.fields, err = MarshalKeeping(s.fields(), s.later); err != nil {
		return encoded{}, err
	}
	records := slices.Collect(slices.Chunk(s.Records, block))
	e.blocks = make([][]byte, len(records))
	var group errgroup.Group // with 10,000 accounts it is most of what a change takes
	for i := range records {
		group.Go(func() (err error) {
			e.blocks[i], err = marshalRecords(records[i])
			return err
		})
	}
	return e, group.Wait()
}

// marshalRecords is [json.Marshal], which would look at each letter that a record writes
// once more: a third of its time.
func marshalRecords(records []*Record) ([]byte, error) {
	list := []byte{'['}
	for i, r := range records {
		if i > 0 {
			list = append(list, ',')
		}
		data, err := r.MarshalJSON()
		if err != nil {
			return nil, err
		}
		list = append(list, data...)
	}
	return append(list, ']'), nil
}

func (e encoded) equal(other encoded) bool {
	return bytes.Equal(e.fields, other.fields) && slices.EqualFunc(e.blocks, other.blocks, bytes.Equal)
}

// sections returns the sections that a state is kept in, with up to block records in each.
func (s *State) sections(block int) ([][]byte, error) {
	e, err := s.encode(block)
	if err != nil {
		return nil, err
	}
	return s.sectionsOf(e, block)
}

// sectionsOf is [State.sections], given the JSON.
func (s *State) sectionsOf(e encoded, block int) ([][]byte, error) {
	if len(s.Records) <= block {
		whole, err := s.MarshalJSON()
		return [][]byte{whole}, err
	}
	return append([][]byte{newDirectory(s, block).text(), e.fields}, e.blocks...), nil
}

// decodeSnapshot reads the whole state of a snapshot. Errors are those of
// [State.UnmarshalJSON] and *[keyring.DamagedError].
func decodeSnapshot(snap keyring.Snapshot) (*State, error) {
	sections, err := snap.Sections()
	if err != nil {
		return nil, err
	}
	return decodeSections(sections)
}

func decodeSections(sections [][]byte) (*State, error) {
	switch {
	case len(sections) == 1:
		return decode(sections[0])
	case len(sections) <= firstBlock:
		return nil, fmt.Errorf("%w: %d sections", ErrFormat, len(sections))
	}
	fields, later, err := UnmarshalKeeping[wireStateFields](sections[fieldsSection])
	if err != nil {
		return nil, formatError(err)
	}
	w := wireState[*Record]{wireStateFields: fields}
	blocks := make([][]*Record, len(sections)-firstBlock)
	var group errgroup.Group
	for i := range blocks {
		group.Go(func() (err error) {
			blocks[i], err = readBlock(sections[firstBlock+i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, formatError(err)
	}
	w.Records = slices.Concat(blocks...)
	s := new(State)
	return s, s.take(w, later)
}

// readBlock reads the records of one section.
func readBlock(section []byte) (records []*Record, err error) {
	plain := make([]wireRecord, 0, min(len(section)/leastRecord, mostRoom))
	if unmarshalKnown(section, &plain) == nil {
		return recordsOf(plain)
	}
	err = json.Unmarshal(section, &records)
	return records, err
}

// A sectioned is a snapshot of which single sections can be read: [keyring.Snapshot].
type sectioned interface {
	Len() int
	Section(i int) ([]byte, error)
}

// lookUp finds the account that a query names with the directory of a snapshot. It returns
// the account as [State.Find] does in the whole state, and that state without other records.
// ok is false if the snapshot has no directory, or that does not lead to just one account:
// then the whole state has to be read, and says why.
func lookUp(snap sectioned, query string, exact bool) (s *State, a Account, ok bool) {
	if snap.Len() <= firstBlock || strings.HasPrefix(strings.TrimSpace(query), "id:") {
		return nil, Account{}, false
	}
	text, err := snap.Section(directorySection)
	if err != nil {
		return nil, Account{}, false
	}
	d, ok := parseDirectory(string(text))
	if !ok {
		return nil, Account{}, false
	}
	found := firstMatches(account.Fold(query), exact, len(d.listings), func(i int) names { return &d.listings[i] })
	if len(found) != 1 {
		return nil, Account{}, false
	}
	l := &d.listings[found[0]]
	s, err = d.read(snap, l)
	if err != nil || len(s.live().accounts) != 1 {
		return nil, Account{}, false
	}
	a = s.live().accounts[0]
	a.Shown += l.suffix
	return s, a, a.foldedLabel() == l.label && a.foldedAlias() == l.alias
}

// errDirectory is a directory that does not fit the snapshot that it is in.
var errDirectory = fmt.Errorf("%w: the directory does not fit the records", ErrFormat)

// read returns the state of a snapshot, with the records of one account alone.
func (d directory) read(snap sectioned, l *listing) (*State, error) {
	w, later, err := withoutRecords(snap)
	if err != nil {
		return nil, err
	}
	places, ok := l.places(d.records)
	if !ok {
		return nil, errDirectory
	}
	blocks := map[int][]*Record{}
	for _, at := range places {
		n := at / d.block
		if blocks[n] == nil {
			if blocks[n], err = block(snap, n); err != nil {
				return nil, err
			}
		}
		if at%d.block >= len(blocks[n]) {
			return nil, errDirectory
		}
		w.Records = append(w.Records, blocks[n][at%d.block])
	}
	s := new(State)
	return s, s.take(w, later)
}

// withoutRecords reads the state of a snapshot without its records.
func withoutRecords(snap sectioned) (w wireState[*Record], later map[string]json.RawMessage, err error) {
	section, err := snap.Section(fieldsSection)
	if err != nil {
		return w, nil, err
	}
	w.wireStateFields, later, err = UnmarshalKeeping[wireStateFields](section)
	w.Ordered = 0
	return w, later, err
}

// listNames returns what the directory of a snapshot lists, and the state without records.
// ok is false if the snapshot has no directory: then the whole state has to be read.
func listNames(snap sectioned) (s *State, names []Name, ok bool) {
	if snap.Len() <= firstBlock {
		return nil, nil, false
	}
	text, err := snap.Section(directorySection)
	if err != nil {
		return nil, nil, false
	}
	d, ok := parseDirectory(string(text))
	if !ok {
		return nil, nil, false
	}
	w, later, err := withoutRecords(snap)
	if err != nil {
		return nil, nil, false
	}
	s = new(State)
	if err := s.take(w, later); err != nil {
		return nil, nil, false
	}
	for i := range d.listings {
		l := &d.listings[i]
		names = append(names, Name{Shown: l.shown + l.suffix, Alias: l.shownAlias})
	}
	return s, names, true
}

// block reads the records of a block of a snapshot.
func block(snap sectioned, n int) ([]*Record, error) {
	if n >= snap.Len()-firstBlock {
		return nil, errDirectory
	}
	section, err := snap.Section(firstBlock + n)
	if err != nil {
		return nil, err
	}
	return readBlock(section)
}

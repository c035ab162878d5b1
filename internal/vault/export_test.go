package vault

import (
	"errors"
	"slices"
)

// Close does what [Vault.Update] does to a change before it writes it.
func (t *Tx) Close() {
	t.normalize()
	t.expire(t.Now)
}

// Decode reads a state as it is read from a keyring.
func Decode(data []byte) (*State, error) { return decode(data) }

// Items is how many items there are.
const Items = items

// SetBlock makes a vault write blocks of up to n records, so that a test needs few for
// several blocks.
func (v *Vault) SetBlock(n int) { v.block = n }

// Kept are the sections of a state, as a snapshot has them.
type Kept [][]byte

// Keep returns the sections that a state is kept in.
func Keep(s *State, block int) (Kept, error) { return s.sections(block) }

// Len is that of a snapshot.
func (k Kept) Len() int { return len(k) }

// Section is that of a snapshot.
func (k Kept) Section(i int) ([]byte, error) {
	if k[i] == nil {
		return nil, errors.New("damaged")
	}
	return k[i], nil
}

// Decode reads the state from all sections.
func (k Kept) Decode() (*State, error) { return decodeSections(k) }

// LookUp finds an account with the directory. ok is false where the whole state has to be
// read.
func (k Kept) LookUp(query string, exact bool) (a Account, ok bool) {
	_, a, ok = lookUp(k, query, exact)
	return a, ok
}

// MarshalRecords writes a block of records.
func MarshalRecords(records []*Record) ([]byte, error) { return marshalRecords(records) }

// Names returns what the directory lists, sorted, each name with its alias on the next line.
func (k Kept) Names() (names []string, ok bool) {
	_, list, ok := listNames(k)
	for _, n := range list {
		names = append(names, n.Shown+"\n"+n.Alias)
	}
	slices.Sort(names)
	return names, ok
}

// RewriteDirectory reads a directory and writes it.
func RewriteDirectory(text string) (again string, listings int, ok bool) {
	d, ok := parseDirectory(text)
	if !ok {
		return "", 0, false
	}
	return string(d.text()), len(d.listings), true
}

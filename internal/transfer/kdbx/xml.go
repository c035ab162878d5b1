package kdbx

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// An Entry is one entry of a database.
type Entry struct {
	Title, User string
	Group       string            // path below the root group, joined by /; empty for the root itself
	Fields      map[string]string // all string fields by their names, Title and UserName too
	// Damaged says that a value of the entry could not be decoded and is empty.
	Damaged bool
}

// Bounds of a document, in bytes but for the depth.
const (
	// MaxXML is how long it may be.
	MaxXML = 64 << 20
	// MaxEntries is how much memory its entries may take.
	MaxEntries = 64 << 20
	// maxDepth of elements: groups may lie in groups, but not without end.
	maxDepth = 200

	attrSize  = 96 // of an attribute, in a list that grows
	attrsSize = 128 << 20
	entrySize = 400 // of an entry, with the least map of fields that is not empty
	fieldSize = 100 // of another field
)

// XMLSize returns how much memory, in bytes, the attributes of one element of an XML
// text can take: encoding/xml bounds them by nothing but the text.
func XMLSize(text string) int { return attrSize * strings.Count(text, "=") }

// noUUID is 16 zeros: there is no recycle bin.
const noUUID = "AAAAAAAAAAAAAAAAAAAAAA=="

// ReadXML reads the entries of KeePass' XML 2.x export, in the order of the file. The
// text is UTF-8, whatever it says of itself. The errors are [ErrDamaged] and [ErrTooBig].
func ReadXML(text string) ([]Entry, error) {
	r := reader{stream: nothing{}}
	return r.read(text)
}

// readEntries reads the XML inside a database. The document of KDBX 3 may hold the
// hash of the header, which has nothing else that guards it: a wrong stream key
// there would give wrong secrets without a sign.
func readEntries(source io.Reader, header []byte, stream uint32, key []byte) ([]Entry, error) {
	s, err := newStream(stream, key)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	switch n, err := io.Copy(&text, io.LimitReader(source, MaxXML+1)); {
	case err != nil:
		return nil, cut(err)
	case n > MaxXML:
		return nil, ErrTooBig
	}
	r := reader{stream: s}
	entries, err := r.read(text.String())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(header)
	if r.headerHash != "" && r.headerHash != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, ErrDamaged
	}
	return entries, nil
}

// A group is known by its UUID to be the recycle bin, or in it. Meta, which names the
// bin, may follow after the groups, so entries keep their group until the end.
type group struct {
	parent     *group
	uuid, name string
}

// A reader walks the document by tokens, since protected values have to be
// decrypted in their order, wherever they stand: in old versions of entries, in the
// recycle bin and in attachments too.
type reader struct {
	stream     cipher.Stream
	path       []string // names of the open elements
	text       strings.Builder
	protected  bool
	group      *group
	entry      *entry // the entry that is open, nil inside of History
	history    int    // how many History elements are open
	key, value string
	bin        string
	headerHash string
	noBin      bool
	entries    []*entry
	size       int // bytes of memory that the entries take
}

type entry struct {
	group   *group
	fields  map[string]string
	damaged bool
}

func (r *reader) read(text string) ([]Entry, error) {
	if len(text) > MaxXML || XMLSize(text) > attrsSize {
		return nil, ErrTooBig
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	seen := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && seen && len(r.path) == 0 {
			return r.result()
		}
		if r.size > MaxEntries {
			return nil, ErrTooBig
		}
		if err != nil || len(r.path) > maxDepth {
			return nil, ErrDamaged
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !seen && t.Name.Local != "KeePassFile" {
				return nil, ErrDamaged
			}
			seen = true
			r.start(t)
		case xml.CharData:
			r.text.Write(t)
		case xml.EndElement:
			if err := r.end(t.Name.Local); err != nil {
				return nil, err
			}
		}
	}
}

func (r *reader) start(t xml.StartElement) {
	r.path = append(r.path, t.Name.Local)
	r.text.Reset()
	r.protected = false
	for _, attr := range t.Attr {
		if attr.Name.Local == "Protected" && strings.EqualFold(attr.Value, "true") {
			r.protected = true
		}
	}
	switch t.Name.Local {
	case "Group":
		r.group = &group{parent: r.group}
	case "History":
		r.history++
	case "Entry":
		if r.history == 0 && r.group != nil {
			r.entry = &entry{group: r.group, fields: map[string]string{}}
			r.size += entrySize
		}
	case "String":
		r.key, r.value = "", ""
	}
}

func (r *reader) end(name string) error {
	text := r.text.String()
	r.text.Reset()
	if r.protected {
		r.protected = false
		sealed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		switch _, clear := r.stream.(nothing); {
		case err == nil:
			r.stream.XORKeyStream(sealed, sealed)
			text = string(sealed)
		case !clear:
			return ErrDamaged // nor would any value behind it come out right
		default:
			if text = ""; r.entry != nil && r.history == 0 {
				r.entry.damaged = true
			}
		}
	}
	r.path = r.path[:len(r.path)-1]
	parent := ""
	if len(r.path) > 0 {
		parent = r.path[len(r.path)-1]
	}
	switch parent + "/" + name {
	case "Meta/RecycleBinUUID":
		if r.bin = strings.TrimSpace(text); r.bin == noUUID {
			r.bin = ""
		}
	case "Meta/HeaderHash":
		r.headerHash = strings.TrimSpace(text)
	case "Meta/RecycleBinEnabled":
		r.noBin = strings.EqualFold(strings.TrimSpace(text), "false")
	case "Group/UUID":
		r.group.uuid = strings.TrimSpace(text)
	case "Group/Name":
		r.group.name = strings.TrimSpace(text)
	case "String/Key":
		r.key = text
	case "String/Value":
		r.value = text
	case "Entry/String":
		if r.entry != nil && r.history == 0 {
			r.entry.fields[r.key] = r.value
			r.size += fieldSize + len(r.key) + len(r.value)
		}
	}
	switch name {
	case "Group":
		r.group = r.group.parent
	case "History":
		r.history--
	case "Entry":
		if r.entry != nil && r.history == 0 {
			r.entries = append(r.entries, r.entry)
			r.entry = nil
		}
	}
	return nil
}

// result leaves out what lies in the recycle bin.
func (r *reader) result() ([]Entry, error) {
	var out []Entry
	for _, e := range r.entries {
		path, deleted := e.group.path(r.bin)
		if deleted && !r.noBin {
			continue
		}
		if r.size += len(path); r.size > MaxEntries {
			return nil, ErrTooBig
		}
		out = append(out, Entry{Title: e.fields["Title"], User: e.fields["UserName"], Group: path, Fields: e.fields, Damaged: e.damaged})
	}
	return out, nil
}

// maxPath is how many bytes of the path of a group are told.
const maxPath = 4 << 10

// path returns the path of a group below the root group, cut at its beginning where it
// is very long, and whether the group is the recycle bin or in it.
func (g *group) path(bin string) (string, bool) {
	var names []string
	deleted := false
	for size := 0; g != nil; g = g.parent {
		deleted = deleted || bin != "" && g.uuid == bin
		if size += len(g.name) + 1; g.parent != nil && size <= maxPath {
			names = append(names, g.name)
		}
	}
	slices.Reverse(names)
	return strings.Join(names, "/"), deleted
}

package transfer

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/authcli/auth/internal/transfer/sqlite"
)

// A Source is what the reader of a format gets: one file, the others of the same
// call, and the passphrase.
type Source struct {
	File
	Others []File // the other files of the call, for formats of several files

	inside bool // the file was inside another
	call   *call

	// What has been read of the file once is kept.
	text    *string
	parsed  bool // object and list are there, or nil
	object  map[string]json.RawMessage
	list    []json.RawMessage
	sized   bool // the values of the file's JSON have been counted
	root    *string
	isMap   bool // prefs are there, or nil
	prefs   []pref
	storage *sqlite.DB
}

// Passphrase returns the passphrase of the call's files, which the user is asked for
// at most once. The error is [ErrNeedsPassphrase] where there is none to be had, and
// whatever asking ended with.
func (s *Source) Passphrase(ctx context.Context) (string, error) {
	ask := s.shared().ask
	if ask == nil {
		return "", ErrNeedsPassphrase
	}
	phrase, err := ask(ctx)
	if err != nil && !errors.Is(err, ErrNeedsPassphrase) {
		err = fmt.Errorf("%w: %w", ErrNeedsPassphrase, err)
	}
	return phrase, err
}

// inner returns the source of a file that was found inside s, or that is what s
// says once decrypted.
func (s *Source) inner(name string, data []byte) *Source {
	in := &Source{File: File{Name: name, Data: data}, inside: true, call: s.shared()}
	in.take(len(data))
	return in
}

// Has reports whether the file begins with magic.
func (s *Source) Has(magic string) bool { return bytes.HasPrefix(s.Data, []byte(magic)) }

// Text returns the file as UTF-8 without byte order mark and with \n for line ends,
// or nothing where the file is no text. UTF-16 with a mark is a text too: Windows
// writes it.
func (s *Source) Text() string {
	if s.text == nil {
		var text string
		if isText(s.Data) && s.take(2*len(s.Data)) { // UTF-16 grows by a half
			text = decodeText(s.Data)
		}
		s.text = &text
	}
	return *s.text
}

func isText(data []byte) bool {
	return isUTF16(data) || bytes.IndexByte(data[:min(len(data), 4096)], 0) < 0 && utf8.Valid(data)
}

func isUTF16(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff"))
}

func decodeText(data []byte) string {
	switch {
	case !isText(data):
		return ""
	case isUTF16(data):
		return decodeUTF16(data)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.IndexByte(data, '\r') < 0 {
		return string(data)
	}
	var b strings.Builder
	b.Grow(len(data))
	for i, c := range data {
		switch {
		case c != '\r':
			b.WriteByte(c)
		case i+1 == len(data) || data[i+1] != '\n':
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// decodeUTF16 decodes a text that begins with its byte order mark.
func decodeUTF16(data []byte) string {
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 0xfe {
		order = binary.BigEndian
	}
	var b strings.Builder
	b.Grow(len(data) + len(data)/2)
	last := rune(0)
	for data = data[2:]; len(data) > 1; data = data[2:] {
		r := rune(order.Uint16(data))
		if utf16.IsSurrogate(r) && len(data) > 3 {
			if both := utf16.DecodeRune(r, rune(order.Uint16(data[2:]))); both != utf8.RuneError {
				r, data = both, data[2:]
			}
		}
		switch {
		case r == '\r':
			b.WriteByte('\n')
		case r != '\n' || last != '\r':
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

// Object returns the members of the file's JSON object, or nil where it is none.
func (s *Source) Object() map[string]json.RawMessage {
	s.parse()
	return s.object
}

// List returns the elements of the file's JSON array, or nil where it is none.
func (s *Source) List() []json.RawMessage {
	s.parse()
	return s.list
}

func (s *Source) parse() {
	if s.parsed {
		return
	}
	s.parsed = true
	switch text := strings.TrimSpace(s.Text()); {
	case strings.HasPrefix(text, "{"):
		if s.JSON(&s.object) != nil {
			s.object = nil
		}
	case strings.HasPrefix(text, "["):
		if s.JSON(&s.list) != nil {
			s.list = nil
		}
	}
}

// JSON decodes the file into v. The errors are [ErrDamaged] and [ErrTooBig].
func (s *Source) JSON(v any) error {
	text := s.Data
	if isUTF16(text) {
		text = []byte(s.Text())
	}
	return s.decode(bytes.TrimPrefix(text, []byte("\ufeff")), v)
}

// decode decodes the JSON text that is the file, or a part of it, into v.
func (s *Source) decode(text []byte, v any) error {
	size := len(text)
	if !s.sized {
		s.sized = true
		size += jsonSize(text)
	}
	if !s.take(size) {
		return s.call.over
	}
	switch err := json.Unmarshal(text, v); {
	case errors.Is(err, ErrTooBig):
		return err
	case err != nil:
		return ErrDamaged // encoding/json's own words can hold a part of the file
	}
	return nil
}

// hasKeys reports whether object has all keys.
func hasKeys(object map[string]json.RawMessage, keys ...string) bool {
	for _, key := range keys {
		if _, found := object[key]; !found {
			return false
		}
	}
	return object != nil
}

// looked is how many elements of a list are looked at to recognise a file.
const looked = 100

// firstOf returns the first elements of a JSON array.
func firstOf(raw json.RawMessage) []json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(raw))
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		return nil
	}
	var out []json.RawMessage
	for len(out) < looked && d.More() {
		var element json.RawMessage
		if d.Decode(&element) != nil {
			break
		}
		out = append(out, element)
	}
	return out
}

// anyHas reports whether one of the first elements of a JSON array has all keys.
func anyHas(raw json.RawMessage, keys ...string) bool {
	return slices.ContainsFunc(firstOf(raw), func(element json.RawMessage) bool { return in(element, keys...) })
}

// Some reports whether one of the first elements of the file's JSON array has all keys:
// the first alone may be the odd one.
func (s *Source) Some(keys ...string) bool {
	list := s.List()
	return slices.ContainsFunc(list[:min(len(list), looked)], func(element json.RawMessage) bool { return in(element, keys...) })
}

// in reports whether the JSON object in raw has all keys; a null or another kind of
// value has none.
func in(raw json.RawMessage, keys ...string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal(raw, &object) == nil && hasKeys(object, keys...)
}

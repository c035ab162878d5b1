package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A Source is what the reader of a format gets: one file, the others of the same
// call, and the passphrase.
type Source struct {
	File
	Others []File // the other files of the call, for formats of several files

	ask    func(ctx context.Context) (string, error)
	insist string // name of the format that the user insists on, or empty
	inside bool   // the file was inside another

	text   *string
	object map[string]json.RawMessage
	list   []json.RawMessage
	parsed bool
	prefs  []pref
	isMap  bool // the file has been parsed as shared preferences
}

// Passphrase returns the passphrase of the call's files, which the user is asked for
// at most once. The error is [ErrNeedsPassphrase] where there is none to be had, and
// whatever asking ended with.
func (s *Source) Passphrase(ctx context.Context) (string, error) {
	if s.ask == nil {
		return "", ErrNeedsPassphrase
	}
	phrase, err := s.ask(ctx)
	if err != nil && !errors.Is(err, ErrNeedsPassphrase) {
		err = fmt.Errorf("%w: %w", ErrNeedsPassphrase, err)
	}
	return phrase, err
}

// inner returns the source of a file that was found inside s, or that is what s
// says once decrypted.
func (s *Source) inner(name string, data []byte) *Source {
	return &Source{File: File{Name: name, Data: data}, ask: s.ask, insist: s.insist, inside: true}
}

// Has reports whether the file begins with magic.
func (s *Source) Has(magic string) bool { return bytes.HasPrefix(s.Data, []byte(magic)) }

// Text returns the file as UTF-8 without byte order mark and with \n for line ends,
// or nothing where the file is no text. UTF-16 with a mark is a text too: Windows
// writes it.
func (s *Source) Text() string {
	if s.text == nil {
		text := decodeText(s.Data)
		s.text = &text
	}
	return *s.text
}

func decodeText(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		big, units := data[0] == 0xfe, make([]uint16, 0, len(data)/2)
		for i := 2; i+1 < len(data); i += 2 {
			lo, hi := data[i], data[i+1]
			if big {
				lo, hi = hi, lo
			}
			units = append(units, uint16(hi)<<8|uint16(lo))
		}
		data = []byte(string(utf16.Decode(units)))
	case bytes.IndexByte(data[:min(len(data), 4096)], 0) >= 0 || !utf8.Valid(data):
		return ""
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if strings.Contains(text, "\r") {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	}
	return text
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
		if json.Unmarshal([]byte(text), &s.object) != nil {
			s.object = nil
		}
	case strings.HasPrefix(text, "["):
		if json.Unmarshal([]byte(text), &s.list) != nil {
			s.list = nil
		}
	}
}

// JSON decodes the file into v. The error is [ErrDamaged].
func (s *Source) JSON(v any) error {
	if json.Unmarshal([]byte(s.Text()), v) != nil {
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

// Element returns the members of the first element of the file's JSON array, or nil.
func (s *Source) Element() map[string]json.RawMessage {
	list := s.List()
	if len(list) == 0 {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(list[0], &object) != nil {
		return nil
	}
	return object
}

// in reports whether the JSON object in raw has all keys; a null or another kind of
// value has none.
func in(raw json.RawMessage, keys ...string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal(raw, &object) == nil && hasKeys(object, keys...)
}

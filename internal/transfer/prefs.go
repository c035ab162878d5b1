package transfer

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/authcli/auth/internal/transfer/kdbx"
)

// maxDepth of elements in XML.
const maxDepth = 200

// Root returns the name of the root element of an XML file, or nothing.
func (s *Source) Root() string {
	if s.root == nil {
		name := ""
		if text := strings.TrimSpace(s.Text()); strings.HasPrefix(text, "<") && s.take(len(text)+kdbx.XMLSize(text)) {
			name = xmlRoot(text)
		}
		s.root = &name
	}
	return *s.root
}

func xmlRoot(text string) string {
	d := newXML(text)
	for range 100 {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
	return ""
}

// A pref is one value of Android's shared preferences, in the order of the file.
type pref struct{ Name, Value string }

// maxPrefs is how many values a file may have; FreeOTP has one for each account.
const maxPrefs = 100_000

// Prefs returns the texts of an Android shared preferences file, or nil where it is
// none.
func (s *Source) Prefs() []pref {
	if !s.isMap {
		s.isMap = true
		// The texts are there as tokens and as values.
		if s.Root() == "map" && s.take(2*len(s.Text())) {
			s.prefs = s.readPrefs()
		}
	}
	return s.prefs
}

func (s *Source) readPrefs() []pref {
	var out []pref
	var value strings.Builder // of the last of out
	end := func() {
		if len(out) > 0 && value.Len() > 0 {
			out[len(out)-1].Value += value.String()
		}
		value.Reset()
	}
	d := newXML(s.Text())
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			end()
			return out
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil
			}
			p := pref{}
			for _, attr := range t.Attr {
				switch attr.Name.Local {
				case "name":
					p.Name = attr.Value
				case "value":
					p.Value = attr.Value
				}
			}
			if p.Name == "" {
				continue
			}
			if end(); len(out) == maxPrefs {
				s.shared().fail(fmt.Errorf("%w: more than %d preferences", ErrTooBig, maxPrefs))
				return nil
			}
			out = append(out, p)
		case xml.CharData:
			if depth > 1 && len(bytes.TrimSpace(t)) > 0 {
				value.Write(t)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// decodePref decodes the JSON text that is the value of a preference.
func (s *Source) decodePref(text string, v any) error {
	return s.inner(s.Name, []byte(text)).JSON(v)
}

// find returns the value of the first pref whose name ends in suffix.
func find(prefs []pref, suffix string) (string, bool) {
	for _, p := range prefs {
		if strings.HasSuffix(p.Name, suffix) {
			return p.Value, true
		}
	}
	return "", false
}

// newXML returns a decoder of a text that is UTF-8 by now, whatever it says of itself.
// Entities beyond XML's own five are an error, and so is nesting beyond its bounds.
func newXML(text string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(strings.TrimSpace(text)))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return d
}

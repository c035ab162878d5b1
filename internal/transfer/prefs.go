package transfer

import (
	"encoding/xml"
	"io"
	"strings"
)

// maxDepth of elements in XML.
const maxDepth = 200

// Root returns the name of the root element of an XML file, or nothing.
func (s *Source) Root() string {
	text := strings.TrimSpace(s.Text())
	if !strings.HasPrefix(text, "<") {
		return ""
	}
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

// Prefs returns the texts of an Android shared preferences file, or nil where it is
// none.
func (s *Source) Prefs() []pref {
	if !s.isMap {
		s.isMap = true
		if s.Root() == "map" {
			s.prefs = readPrefs(s.Text())
		}
	}
	return s.prefs
}

func readPrefs(text string) []pref {
	var out []pref
	d := newXML(text)
	depth := 0
	for {
		token, err := d.Token()
		if err != nil {
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
			if p.Name != "" {
				out = append(out, p)
			}
		case xml.CharData:
			if depth > 1 && len(out) > 0 && strings.TrimSpace(string(t)) != "" {
				out[len(out)-1].Value += string(t)
			}
		case xml.EndElement:
			depth--
		}
	}
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

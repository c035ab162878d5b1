package transfer

import "encoding/json"

// A loose text is a JSON string, number, true, false or null; what is none of these
// is empty. It never fails, so that one odd field costs its row and not the file.
type loose string

// UnmarshalJSON accepts everything.
func (l *loose) UnmarshalJSON(data []byte) error {
	var s string
	switch {
	case json.Unmarshal(data, &s) == nil:
		*l = loose(s)
	case len(data) > 0 && data[0] != '{' && data[0] != '[':
		*l = loose(data)
	default:
		*l = ""
	}
	return nil
}

// signed is bytes as Java's JSON libraries write them: an array of -128 to 127.
type signed []byte

// UnmarshalJSON takes -128 to 255; anything else leaves no bytes, which costs the row.
func (b *signed) UnmarshalJSON(data []byte) error {
	var values []int
	*b = nil
	if json.Unmarshal(data, &values) != nil {
		return nil
	}
	out := make([]byte, 0, len(values))
	for _, v := range values {
		if v < -128 || v > 255 {
			return nil
		}
		out = append(out, byte(v))
	}
	*b = out
	return nil
}

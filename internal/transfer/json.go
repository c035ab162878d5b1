package transfer

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// each decodes the elements of a list one by one and calls f with those that are of
// the shape: one that is not costs its row and not the file.
func each[T any](b *Batch, list []json.RawMessage, f func(i int, v T)) {
	for i, raw := range list {
		if b.full() {
			return
		}
		var v T
		if json.Unmarshal(raw, &v) != nil {
			b.skip(fmt.Sprintf("row %d", i+1), "not of the shape of an account")
			continue
		}
		f(i, v)
	}
}

// A few is a list that is never long in an honest file: of at most 1,000 elements. It
// is for those that take much more memory than their text does.
type few[T any] []T

// UnmarshalJSON refuses a longer list before it takes the memory.
func (l *few[T]) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list) > 1000 {
		return ErrTooBig
	}
	*l = nil
	for _, raw := range list {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// Memory that JSON takes once it is decoded.
const (
	jsonDepth = 10_000 // encoding/json refuses what is deeper, before it takes any
	jsonValue = 160    // bytes of a value, at most: a member of a map that grows
)

// jsonSize returns how much memory the values of a JSON text take besides their
// characters, without taking any: each value but the first of a container has a comma
// before it.
func jsonSize(text []byte) int {
	values, depth := 1, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ',':
			values++
		case '[', '{':
			values++
			if depth++; depth > jsonDepth {
				return 0
			}
		case ']', '}':
			depth--
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return values * jsonValue
}

// A flag is true, "true" or 1; anything else is false.
type flag bool

// UnmarshalJSON accepts everything.
func (f *flag) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true", `"true"`, "1", `"1"`:
		*f = true
	default:
		*f = false
	}
	return nil
}

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
	_ = json.Unmarshal(data, &values)
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

// A member is one name and value of a JSON object.
type member struct {
	Name  string
	Value json.RawMessage
}

// members returns the members of a JSON object in the order of the file, which a map
// does not keep, at most so many. The error is that it is no object.
func members(raw json.RawMessage, most int) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, ErrDamaged
	}
	var out []member
	for len(out) < most && d.More() {
		name, err := d.Token()
		if err != nil {
			return out, ErrDamaged
		}
		m := member{Name: fmt.Sprint(name)}
		if d.Decode(&m.Value) != nil {
			return out, ErrDamaged
		}
		out = append(out, m)
	}
	return out, nil
}

package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// MarshalKeeping marshals the struct v, and adds the fields of later, which the type of v
// does not know. So what a later version of auth wrote survives a rewrite by this one.
func MarshalKeeping(v any, later map[string]json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(later) == 0 {
		return data, err
	}
	rest, err := json.Marshal(later)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSuffix(data, []byte("}"))
	if len(data) > 1 {
		data = append(data, ',')
	}
	return append(data, rest[1:]...), nil
}

// unmarshalKnown is json.Unmarshal, with an error where v does not know a field.
func unmarshalKnown(object []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more follows the object")
	}
	return nil
}

// UnmarshalKeeping reads a JSON object, and returns beside it the fields that T does
// not know, each in its canonical form; nil if there are none.
func UnmarshalKeeping[T any](object []byte) (v T, later map[string]json.RawMessage, err error) {
	if unmarshalKnown(object, &v) == nil {
		return v, nil, nil
	}
	// A later version wrote it, or it is damaged.
	v = *new(T)
	if err := json.Unmarshal(object, &v); err != nil {
		return v, nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return v, nil, err
	}
	known := jsonNames(reflect.TypeFor[T]())
	for name, value := range fields {
		// Like encoding/json, which ignores case in names.
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			later = ensure(later)
			later[name] = canonical(value)
		}
	}
	return v, later, nil
}

// canonical returns a JSON value with sorted names and no space between its tokens, so
// that equal values are equal bytes.
func canonical(value []byte) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber() // which keeps every digit
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return data
}

// mergeLater merges fields of a later version without knowing what they mean. What only
// one side has is kept.
func mergeLater(a, b map[string]json.RawMessage) map[string]json.RawMessage {
	if len(b) == 0 {
		return a
	}
	merged := make(map[string]json.RawMessage, len(a)+len(b))
	maps.Copy(merged, a)
	for name, value := range b {
		merged[name] = mergeValue(merged[name], value)
	}
	return merged
}

// mergeValue merges two canonical values. Objects are merged field by field; of any
// other two values the greater text is kept, so that every device decides alike.
func mergeValue(a, b json.RawMessage) json.RawMessage {
	isObject := func(v json.RawMessage) bool { return len(v) > 0 && v[0] == '{' }
	switch {
	case bytes.Equal(a, b), isObject(a) && !isObject(b):
		return a
	case isObject(b) && !isObject(a):
		return b
	case !isObject(a):
		return slices.MaxFunc([]json.RawMessage{a, b}, func(x, y json.RawMessage) int { return bytes.Compare(x, y) })
	}
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return a
	}
	merged, err := json.Marshal(mergeLater(x, y))
	if err != nil {
		return a
	}
	return merged
}

// jsonNames returns the names of t's fields in JSON.
func jsonNames(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		if f.Anonymous {
			names = append(names, jsonNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// jsonProblem says what is wrong with a JSON text. It does not quote the text, which
// holds secrets.
func jsonProblem(err error) string {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return "no valid JSON at byte " + strconv.FormatInt(syntax.Offset, 10)
	case errors.As(err, &mismatch):
		return "a " + mismatch.Value + " in the field " + strconv.Quote(mismatch.Field)
	default:
		return err.Error()
	}
}

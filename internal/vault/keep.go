package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
)

// marshalKeeping marshals the struct v and adds the fields of raw, an older form of
// the same object, that v's type does not know: what a later version of auth wrote
// survives a rewrite by this one.
func marshalKeeping(v any, raw []byte) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(raw) == 0 {
		return data, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	for _, name := range jsonNames(reflect.TypeOf(v)) {
		delete(fields, name)
	}
	if len(fields) == 0 {
		return data, nil
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSuffix(data, []byte("}"))
	if len(data) > 1 {
		data = append(data, ',')
	}
	return append(data, rest[1:]...), nil
}

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

// reason says what is wrong with a JSON text without quoting it.
func reason(err error) string {
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

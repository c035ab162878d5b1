package vault

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzFields: what is read straight is what encoding/json reads, of any JSON object.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a1","created":"1@x","issuer":"GitHub","name":"alice","secret":"JBSWY3DPEHPK3PXP"}`,
		`{ "id" : "a1" , "created" : "17@x", "digits" : 8 , "period":60, "tags" : { "a" : true, "b":false } }`,
		`{"id":"\u0061","name":"caf\u00e9 \"x\" \\","note":"línea","alias":"\ud83d"}`,
		"{\"id\":\"\xff\",\"name\":\"\xc3\xa9\"}",
		`{"id":null,"digits":-0,"period":1e2,"device_bound":true,"stamps":{"label":"5@y","tag a":"6@y"}}`,
		`{"digits":12345678901234567890}`, `{"digits":"6"}`, `{"created":"x"}`, `{"created":""}`, `{"created":5}`,
		`{"id":"a","id":"b","tags":{"a":true},"tags":{"b":true}}`,
		`{"ID":"a","Name":"b","later":{"x":[1,2,{"y":"}"}]},"was":["a","b"],"by_name":[],"apart":null}`,
		`{}`, `{"":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.TrimSpace(data)
		if !json.Valid(data) || data[0] != '{' {
			return
		}
		var want, got wireRecord
		wantErr := json.Unmarshal(data, &want)
		foreign, err := readFields(data, got.field)
		if foreign {
			return // encoding/json reads it
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, and encoding/json says %v", data, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, and encoding/json reads %+v", data, got, want)
		}
	})
}

// FuzzElements: the elements of a list are those that encoding/json finds.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{`[]`, `[ ]`, `[1]`, `[{"a":[1,"]"]}, [2] ,"x,]",null , true]`, `[[],[[]],{}]`, `["\\","\""]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.TrimSpace(data)
		var want []json.RawMessage
		if json.Unmarshal(data, &want) != nil || data[0] != '[' {
			return
		}
		var got []json.RawMessage
		eachElement(data, func(value []byte) { got = append(got, bytes.TrimSpace(value)) })
		if len(got) != len(want) {
			t.Fatalf("%s: %d elements, not %d", data, len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%s: element %d is %s, not %s", data, i, got[i], want[i])
			}
		}
	})
}

// TestFieldsAreAllKnown: each field of the two JSON forms has a place.
func TestFieldsAreAllKnown(t *testing.T) {
	t.Parallel()
	for _, name := range recordFields() {
		if new(wireRecord).field([]byte(name)) == nil {
			t.Errorf("an account's %q is not read", name)
		}
	}
	for _, name := range stateFields() {
		if new(wireState).field([]byte(name)) == nil {
			t.Errorf("a vault's %q is not read", name)
		}
	}
}

package vault

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Reading a vault is most of what "auth code" does by itself, and encoding/json looks
// at each byte of an account five times: for the end of the vault, for the end of the
// account, at its validity, at its values, and for fields of later versions. Here the
// whole is checked once, and what accounts are made of is read straight; whatever looks
// otherwise, encoding/json reads.

// readFields reads a valid JSON object as json.Unmarshal would, into what field returns
// for a name: nil for one that it does not know. It reports whether there are any of
// those.
func readFields(object []byte, field func(name []byte) any) (foreign bool, err error) {
	eachField(object, func(quoted, value []byte) {
		if err != nil {
			return
		}
		into := field(quoted[1 : len(quoted)-1])
		if into == nil {
			foreign = true
			return
		}
		err = readValue(bytes.TrimSpace(value), into)
	})
	return foreign, err
}

// readValue reads one valid JSON value as json.Unmarshal would.
func readValue(value []byte, into any) error {
	switch into := into.(type) {
	case *string:
		if text, ok := plainText(value); ok {
			*into = text
			return nil
		}
	case *Stamp:
		if text, ok := plainText(value); ok {
			return into.UnmarshalText([]byte(text))
		}
	case *wireRecords:
		return into.UnmarshalJSON(value)
	case *int:
		if n, err := strconv.Atoi(string(value)); err == nil && len(value) < 10 && value[0] != '+' {
			*into = n
			return nil
		}
	}
	return json.Unmarshal(value, into)
}

// plainText returns the text of a JSON string in quotes that stands for itself: no
// escapes, and valid UTF-8, which encoding/json mends.
func plainText(quoted []byte) (string, bool) {
	end := len(quoted) - 1
	if end < 1 || quoted[0] != '"' || quoted[end] != '"' {
		return "", false
	}
	inner := quoted[1:end]
	ascii := true
	for _, c := range inner {
		if c == '\\' || c == '"' {
			return "", false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if !ascii && !utf8.Valid(inner) {
		return "", false
	}
	return string(inner), true
}

// eachField calls f for the fields of a valid JSON object, with their names in quotes.
func eachField(object []byte, f func(quoted, value []byte)) {
	var name []byte
	depth, value := 0, -1 // where the value of name begins, after its colon
	for i := 0; i < len(object); i++ {
		switch c := object[i]; c {
		case '"':
			from := i
			i = skipText(object, i)
			if depth == 1 && value < 0 && i < len(object) {
				name = object[from : i+1]
			}
		case '{', '[':
			depth++
		case ':':
			if depth == 1 {
				value = i + 1
			}
		case ',', '}', ']':
			if depth == 1 && value >= 0 {
				f(name, object[value:i])
				value = -1
			}
			if c != ',' {
				depth--
			}
		}
	}
}

// eachElement calls f for the elements of a valid JSON array, in their order.
func eachElement(array []byte, f func(value []byte)) {
	depth, from := 0, -1
	for i := 0; i < len(array); i++ {
		switch c := array[i]; c {
		case '"':
			if from < 0 {
				from = i
			}
			i = skipText(array, i)
		case '{', '[':
			if depth == 1 && from < 0 {
				from = i
			}
			depth++
		case ',', '}', ']':
			if c != ',' {
				depth--
			}
			if from >= 0 && (depth == 1 && c == ',' || depth == 0) {
				f(array[from:i])
				from = -1
			}
		case ' ', '\t', '\r', '\n':
		default:
			if from < 0 {
				from = i
			}
		}
	}
}

// skipText returns the place of the quote that ends the string which begins at i.
func skipText(json []byte, i int) int {
	for i++; i < len(json) && json[i] != '"'; i++ {
		if json[i] == '\\' {
			i++
		}
	}
	return i
}

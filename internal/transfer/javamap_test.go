package transfer

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// javaFile is a map of size entries whose objects are given, as Java writes it.
func javaFile(size uint32, objects string) []byte {
	head := javaMagic + "\x73\x72" + javaHashMap + "\x03\x00\x02F\x00\x0aloadFactorI\x00\x09threshold\x78\x70" +
		"\x3f\x40\x00\x00\x00\x00\x00\x0c\x77\x08\x00\x00\x00\x10"
	return append(binary.BigEndian.AppendUint32([]byte(head), size), objects+"\x78"...)
}

func TestReadJavaMap(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data []byte
		want []javaPair
		err  error
	}{
		"empty":          {javaFile(0, ""), nil, nil},
		"one":            {javaFile(1, "\x74\x00\x01a\x74\x00\x02bc"), []javaPair{{"a", "bc"}}, nil},
		"long string":    {javaFile(1, "\x74\x00\x01a\x7c\x00\x00\x00\x00\x00\x00\x00\x02bc"), []javaPair{{"a", "bc"}}, nil},
		"reference":      {javaFile(2, "\x74\x00\x01a\x74\x00\x01b\x74\x00\x01c\x71\x00\x7e\x00\x02"), []javaPair{{"a", "b"}, {"c", "a"}}, nil},
		"null":           {javaFile(2, "\x74\x00\x01a\x70\x70\x74\x00\x01b"), nil, nil},
		"modified UTF-8": {javaFile(1, "\x74\x00\x02\xc0\x80\x74\x00\x06\xed\xa0\xbd\xed\xb4\x91"), []javaPair{{"\x00", "🔑"}}, nil},
		"broken UTF-8":   {javaFile(1, "\x74\x00\x01\xff\x74\x00\x02\xe2\x82"), []javaPair{{"\ufffd", "\ufffd\ufffd"}}, nil},

		"nothing":               {nil, nil, ErrDamaged},
		"another class":         {[]byte(strings.Replace(string(javaFile(0, "")), "HashMap", "TreeMap", 1)), nil, ErrDamaged},
		"too few entries":       {javaFile(2, "\x74\x00\x01a\x74\x00\x02bc"), nil, ErrDamaged},
		"four billion entries":  {javaFile(1<<32-1, ""), nil, ErrDamaged},
		"reference to the map":  {javaFile(1, "\x74\x00\x01a\x71\x00\x7e\x00\x01"), nil, ErrDamaged},
		"reference ahead":       {javaFile(1, "\x74\x00\x01a\x71\x00\x7e\x00\x03"), nil, ErrDamaged},
		"string beyond the end": {javaFile(1, "\x74\x00\x01a\x7c\xff\xff\xff\xff\xff\xff\xff\xff"), nil, ErrDamaged},
		"an object inside":      {javaFile(1, "\x74\x00\x01a\x73\x72"), nil, ErrDamaged},
		"one string, many times": {
			javaFile(1000, "\x74\x27\x10"+strings.Repeat("x", 10_000)+strings.Repeat("\x71\x00\x7e\x00\x02", 1999)), nil, ErrDamaged,
		},
	} {
		got, err := readJavaMap(test.data)
		if !errors.Is(err, test.err) || !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzReadJavaMap(f *testing.F) {
	for _, name := range []string{"android6.xml", "android8.xml"} {
		data, err := os.ReadFile("testdata/formats/freeotp2/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(javaFile(2, "\x74\x00\x01a\x74\x00\x01b\x74\x00\x01c\x71\x00\x7e\x00\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pairs, _ := readJavaMap(data)
		size := 0
		for _, p := range pairs {
			size += len(p.Key) + len(p.Value)
		}
		// A byte that is no UTF-8 becomes three.
		if size > 6*len(data) {
			t.Fatalf("%d bytes of text from %d", size, len(data))
		}
	})
}

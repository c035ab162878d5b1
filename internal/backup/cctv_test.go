package backup_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	agetest "c2sp.org/CCTV/age"

	"github.com/authcli/auth/internal/backup"
)

// A vector is one of age's published test vectors (https://c2sp.org/CCTV/age).
type vector struct {
	expect     string
	payload    string // the SHA-256 of the plain text, in hexadecimal digits
	identities []backup.Identity
	file       []byte
}

func parseVector(t *testing.T, text []byte) (v vector) {
	t.Helper()
	head, file, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		t.Fatal("the vector has no file")
	}
	v.file = file
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "expect":
			v.expect = value
		case "payload":
			v.payload = value
		case "identity":
			ids, err := backup.IdentityFile{Data: []byte(value)}.Identities()
			if err != nil {
				t.Fatal(err)
			}
			v.identities = append(v.identities, ids...)
		case "passphrase":
			id, err := backup.PassphraseIdentity(value)
			if err != nil {
				t.Fatal(err)
			}
			v.identities = append(v.identities, id)
		case "compressed":
			r, err := zlib.NewReader(bytes.NewReader(v.file))
			if err != nil {
				t.Fatal(err)
			}
			if v.file, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return v
}

// Every valid vector of age opens to its plain text. Every other vector returns no data
// and the right kind of error.
func TestAgeVectors(t *testing.T) {
	t.Parallel()
	tests, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	known := []error{backup.ErrForeign, backup.ErrDamaged, backup.ErrWrongKey, backup.ErrWorkFactor, backup.ErrTooBig}
	for _, test := range tests {
		text, err := fs.ReadFile(agetest.Vectors, test.Name())
		if err != nil {
			t.Fatal(err)
		}
		v := parseVector(t, text)
		plain, err := backup.Unseal(v.file, v.identities...)
		sum := sha256.Sum256(plain)
		switch {
		case v.expect == "success":
			if err != nil || hex.EncodeToString(sum[:]) != v.payload {
				t.Errorf("%s: %v, or another plain text", test.Name(), err)
			}
		case err == nil || len(plain) > 0:
			t.Errorf("%s: opened, although it is a %s", test.Name(), v.expect)
		default:
			is := false
			for _, kind := range known {
				is = is || errors.Is(err, kind)
			}
			if !is {
				t.Errorf("%s: %v, which is no error of its own", test.Name(), err)
			}
		}
	}
	if len(tests) < 100 {
		t.Errorf("only %d vectors were there", len(tests))
	}
}

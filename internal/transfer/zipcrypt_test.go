package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// sealedArchives are the archives of testdata that 7-Zip encrypted.
func sealedArchives(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/formats/otpauth/*.zip")
	if err != nil || len(names) < 4 {
		t.Fatalf("fixtures: %v, %v", names, err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func answer(phrase string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return phrase, nil }
}

// An encrypted member is unpacked to its bound and no further.
func TestOpenMemberIsBounded(t *testing.T) {
	t.Parallel()
	for name, data := range sealedArchives(t) {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		member := z.File[0]
		size := int64(member.UncompressedSize64)
		s := &Source{File: File{Data: data}, call: newCall(ReadOptions{Passphrase: answer("correct horse")})}
		got, err := openMember(t.Context(), s, member, size)
		if err != nil || int64(len(got)) != size {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), size, err)
		}
		if got, err := openMember(t.Context(), s, member, size-1); !errors.Is(err, ErrTooBig) || got != nil {
			t.Errorf("%s: %d bytes beyond the bound, %v", name, len(got), err)
		}
	}
}

// What else an archive can be encrypted or packed with is named, with what to do.
func TestOpenMemberUnsupported(t *testing.T) {
	t.Parallel()
	for name, data := range sealedArchives(t) {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		member := z.File[0]
		s := &Source{File: File{Data: data}, call: newCall(ReadOptions{Passphrase: answer("correct horse")})}
		member.Flags |= flagStrong
		if _, err := openMember(t.Context(), s, member, 1<<20); !errors.Is(err, ErrNotExportable) {
			t.Errorf("%s, strong encryption: %v", name, err)
		}
		member.Flags &^= flagStrong
		if member.Method == methodAES {
			member.Extra = nil
			if _, err := openMember(t.Context(), s, member, 1<<20); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, no parameters: %v", name, err)
			}
			continue
		}
		member.Method = 14 // LZMA
		if _, err := openMember(t.Context(), s, member, 1<<20); !errors.Is(err, ErrNotExportable) {
			t.Errorf("%s, LZMA: %v", name, err)
		}
	}
}

func FuzzReadArchive(f *testing.F) {
	for _, data := range sealedArchives(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := readArchive(t.Context(), &Source{File: File{Data: data}, call: newCall(ReadOptions{Passphrase: answer("correct horse")})})
		if err != nil && len(b.Accounts) > 0 {
			t.Fatal("accounts and an error")
		}
	})
}

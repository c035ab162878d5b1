package kdbx_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/transfer/kdbx"
)

// passphrase is that of all files of testdata, which testdata/make.py writes and
// pykeepass has read.
const passphrase = "Correct Horse é"

// content is what each of them holds: title, user, group and the field named.
const content = `GitHub|alice@example.com||otp=otpauth://totp/GitHub:alice%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=GitHub
Bank|bob|Work & Co|TimeOtp-Secret-Base32=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
Tray|carol|Work & Co/Deep|TOTP Seed=jbsw y3dp ehpk 3pxp
Last|dave||otp=key=JBSWY3DPEHPK3PXP&size=8
`

func files(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.kdbx")
	if err != nil || len(names) < 6 {
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

func open(file []byte, passphrase string) ([]kdbx.Entry, error) {
	d, err := kdbx.Parse(file)
	if err != nil {
		return nil, err
	}
	if d.KDF.Time > 10 || d.KDF.Memory > 1024 || d.KDF.Rounds > 10_000 || d.KDF.Threads > 8 {
		return nil, errPrice
	}
	return d.Open([]byte(passphrase))
}

// errPrice is what a damaged file gets that asks for more than the fixtures do.
var errPrice = errors.New("too expensive")

func show(entries []kdbx.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%s|%s|%s", e.Title, e.User, e.Group)
		for _, name := range []string{"otp", "TimeOtp-Secret-Base32", "TOTP Seed"} {
			if v, found := e.Fields[name]; found {
				fmt.Fprintf(&b, "|%s=%s", name, v)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Each version, key derivation, cipher, stream and compression gives the same four
// entries: none out of the history or the recycle bin, protected values in order.
func TestOpen(t *testing.T) {
	t.Parallel()
	for name, file := range files(t) {
		entries, err := open(file, passphrase)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := show(entries); got != content {
			t.Errorf("%s: got\n%s", name, got)
		}
		if entries[0].Fields["Password"] != strings.Repeat("pässword ", 20) {
			t.Errorf("%s: the password is not right", name)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for name, file := range files(t) {
		if _, err := open(file, "wrong"); !errors.Is(err, kdbx.ErrPassphrase) {
			t.Errorf("%s, wrong passphrase: %v", name, err)
		}
		if _, err := open(file[:len(file)-40], passphrase); err == nil {
			t.Errorf("%s, cut: no error", name)
		}
		// KDBX 4 tells damage from a wrong passphrase; KDBX 3 has the hashes of its blocks.
		damaged := bytes.Clone(file)
		damaged[len(damaged)-100] ^= 1
		if _, err := open(damaged, passphrase); !errors.Is(err, kdbx.ErrDamaged) {
			t.Errorf("%s, damaged: %v", name, err)
		}
	}
	for name, test := range map[string]struct {
		file string
		want error
	}{
		"text":      {"hello", kdbx.ErrNotKDBX},
		"KeePass 1": {"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5 and more", kdbx.ErrNotKDBX},
		"magic":     {"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", kdbx.ErrDamaged},
		"version 5": {"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x00\x00\x05\x00", kdbx.ErrVersion},
		"no fields": {"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x00\x00\x04\x00", kdbx.ErrDamaged},
	} {
		if _, err := kdbx.Parse([]byte(test.file)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a file asks for is known before it is run.
func TestKDF(t *testing.T) {
	t.Parallel()
	for name, file := range files(t) {
		d, err := kdbx.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		k := d.KDF
		switch {
		case strings.Contains(name, "argon2id"):
			if k.Name != kdbx.Argon2id || k.Time != 2 || k.Memory != 256 || k.Threads != 2 {
				t.Errorf("%s: %s %d %d %d", name, k.Name, k.Time, k.Memory, k.Threads)
			}
		case strings.Contains(name, "argon2d"):
			if k.Name != kdbx.Argon2d || k.Time != 2 || k.Memory != 256 || k.Threads != 2 {
				t.Errorf("%s: %s %d %d %d", name, k.Name, k.Time, k.Memory, k.Threads)
			}
		default:
			if k.Name != kdbx.AES || k.Rounds != 1000 {
				t.Errorf("%s: %s %d", name, k.Name, k.Rounds)
			}
		}
	}
}

// One bit flipped or the end cut off, anywhere: an error or the same entries.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for name, file := range files(t) {
		for at := 0; at < len(file); at += 1 + at/40 {
			flipped := bytes.Clone(file)
			flipped[at] ^= 1 << (at % 8)
			for _, damaged := range [][]byte{flipped, file[:at]} {
				entries, err := open(damaged, passphrase)
				if err == nil && show(entries) != content {
					t.Errorf("%s, byte %d: other entries and no error", name, at)
				}
			}
		}
	}
}

func TestReadXML(t *testing.T) {
	t.Parallel()
	const head, tail = "<KeePassFile><Meta></Meta><Root><Group><Name>Root</Name>", "</Group></Root></KeePassFile>"
	const entry = "<Entry><String><Key>Title</Key><Value>T</Value></String><String><Key>otp</Key><Value ProtectInMemory=\"True\">secret</Value></String></Entry>"
	for name, test := range map[string]struct {
		xml  string
		want string
		err  bool
	}{
		"one":                   {head + entry + tail, "T|||otp=secret\n", false},
		"said to be UTF-16":     {`<?xml version="1.0" encoding="utf-16"?>` + head + entry + tail, "T|||otp=secret\n", false},
		"group":                 {head + "<Group><Name>A</Name>" + entry + "</Group>" + tail, "T||A|otp=secret\n", false},
		"empty":                 {head + tail, "", false},
		"bin named later":       {strings.Replace(head, "<Meta></Meta>", "", 1) + "<Group><UUID>b</UUID>" + entry + "</Group></Group></Root><Meta><RecycleBinUUID>b</RecycleBinUUID></Meta></KeePassFile>", "", false},
		"bin not in use":        {"<KeePassFile><Meta><RecycleBinEnabled>False</RecycleBinEnabled><RecycleBinUUID>b</RecycleBinUUID></Meta><Root><Group><Group><UUID>b</UUID>" + entry + "</Group></Group></Root></KeePassFile>", "T|||otp=secret\n", false},
		"other root":            {"<html></html>", "", true},
		"cut":                   {head + entry, "", true},
		"nothing":               {"", "", true},
		"text":                  {"hello", "", true},
		"entity":                {`<!DOCTYPE x [<!ENTITY a "aaaa">]>` + head + "<Entry><String><Key>Title</Key><Value>&a;</Value></String></Entry>" + tail, "", true},
		"deep":                  {"<KeePassFile>" + strings.Repeat("<Group>", 100_000), "", true},
		"entries in an entry":   {head + "<Entry>" + entry + "</Entry>" + tail, "T|||otp=secret\n", false},
		"protected, not base64": {head + `<Entry><String><Key>otp</Key><Value Protected="True">!</Value></String></Entry>` + entry + tail, "|||otp=\nT|||otp=secret\n", false},
	} {
		entries, err := kdbx.ReadXML(test.xml)
		if (err != nil) != test.err || show(entries) != test.want {
			t.Errorf("%s: %v, %q", name, err, show(entries))
		}
	}
}

// A hostile header never panics, and its price is always on the tag.
func FuzzOpen(f *testing.F) {
	for _, file := range files(f) {
		f.Add(file)
	}
	f.Fuzz(func(_ *testing.T, file []byte) { _, _ = open(file, passphrase) })
}

func BenchmarkAESKDF(b *testing.B) {
	for name, file := range files(b) {
		if !strings.Contains(name, "aeskdf") {
			continue
		}
		d, err := kdbx.Parse(file)
		if err != nil {
			b.Fatal(err)
		}
		d.KDF.Rounds = 1_000_000
		for b.Loop() {
			_, _ = d.Open([]byte(passphrase))
		}
	}
}

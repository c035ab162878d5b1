package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// sealedFixtures returns the files of testdata that open with a passphrase, by their
// paths below testdata/formats, and the files beside them.
func sealedFixtures(t testing.TB) map[string][]File {
	t.Helper()
	wants, err := filepath.Glob("testdata/formats/*/*.want.json")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]File{}
	for _, path := range wants {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var want struct{ Passphrase *string }
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if want.Passphrase == nil {
			continue
		}
		path = strings.TrimSuffix(path, ".want.json")
		with, err := filepath.Glob(path + ".with/*")
		if err != nil {
			t.Fatal(err)
		}
		var files []File
		for _, name := range append([]string{path}, with...) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, File{Name: filepath.Base(name), Data: data})
		}
		out[strings.TrimPrefix(filepath.ToSlash(path), "testdata/formats/")] = files
	}
	if len(out) < 10 {
		t.Fatalf("%d fixtures", len(out))
	}
	return out
}

// readWith reads the first of files within the bounds of c.
func readWith(ctx context.Context, c *call, files []File) (Batch, error) {
	return read(ctx, &Source{File: files[0], Others: files[1:], call: c})
}

// cheap are the files whose key is a hash or two: there is no price.
var cheap = []string{
	"andotp-encrypted/old.json.aes", "authenticator-extension/v1.json", "authenticator-extension/v2.json",
	"totp-authenticator/backup.txt",
}

// No key is derived that has not been paid for: with nothing to spend, every sealed
// file ends before its passphrase is of use.
func TestEveryKeyIsPaidFor(t *testing.T) {
	t.Parallel()
	for name, files := range sealedFixtures(t) {
		c := newCall(ReadOptions{Passphrase: func(context.Context) (string, error) { return "correct horse", nil }})
		c.work = 0
		b, err := readWith(t.Context(), c, files)
		if cost := (*CostError)(nil); !errors.As(err, &cost) && !isCheap(name, files) {
			t.Errorf("%s: %d accounts for nothing, %v", name, len(b.Accounts), err)
		}
	}
}

// isCheap reports whether a file is one of those whose key has no price: the list, and
// the archives of ZipCrypto.
func isCheap(name string, files []File) bool {
	return slices.Contains(cheap, name) || bytes.HasPrefix(files[0].Data, []byte("PK")) && !bytes.Contains(files[0].Data, []byte("\x01\x99\x07\x00"))
}

// What a call's keys cost adds up, whatever they are of, and no clock is asked.
func TestWorkAddsUp(t *testing.T) {
	t.Parallel()
	s := &Source{}
	for i := range 60 {
		if err := s.afford(t.Context(), Cost{Time: time.Second}); err != nil {
			t.Fatalf("second %d: %v", i+1, err)
		}
	}
	if cost := (*CostError)(nil); !errors.As(s.afford(t.Context(), Cost{Time: 1}), &cost) {
		t.Error("a minute and more")
	}
	// Authy's tokens have a salt each: 500 µs a token.
	var tokens []string
	for i := range 30 {
		tokens = append(tokens, fmt.Sprintf(`{"name":"x","encryptedSecret":"AAAAAAAAAAAAAAAAAAAAAA==","salt":"%d","key_derivation_iterations":1000}`, i))
	}
	for work, want := range map[time.Duration]error{10 * time.Millisecond: ErrTooBig, 20 * time.Millisecond: ErrWrongPassphrase} {
		c := newCall(ReadOptions{Passphrase: func(context.Context) (string, error) { return "x", nil }})
		c.work = work
		_, err := readWith(t.Context(), c, []File{{Data: []byte("[" + strings.Join(tokens, ",") + "]")}})
		if !errors.Is(err, want) {
			t.Errorf("%v for 15 ms of keys: %v", work, err)
		}
	}
}

// The prices are those of the parameters: what the specifications say is computed.
func TestCosts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cost   func() (Cost, error)
		memory int64
		below  time.Duration
		err    error
	}{
		"Ente's own":         {func() (Cost, error) { return argon2Cost(4, 1<<20, 1) }, 1 << 30, 10 * time.Second, nil},
		"Argon2 that is odd": {func() (Cost, error) { return argon2Cost(0, 1<<20, 1) }, 0, 0, ErrDamaged},
		"Argon2 of 2^62":     {func() (Cost, error) { return argon2Cost(1<<62, 1<<62, 1) }, 1<<63 - 1, 1<<63 - 1, ErrTooBig},
		"scrypt of Aegis":    {func() (Cost, error) { return scryptCost(1<<15, 8, 1) }, 32<<20 + 1<<10, time.Second, nil},
		"scrypt of 2^62":     {func() (Cost, error) { return scryptCost(1<<62, 1<<62, 1<<62) }, 1<<63 - 1, 1<<63 - 1, nil},
		"scrypt of 3":        {func() (Cost, error) { return scryptCost(3, 8, 1) }, 0, 0, ErrDamaged},
	} {
		c, err := test.cost()
		if !errors.Is(err, test.err) || err == nil && (c.Memory > test.memory || c.Memory < test.memory/2 || c.Time > test.below) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

// Ente's own exports ask for 1 GiB. That is said with its price, before the passphrase
// is asked for; it is read once the user has consented, who is asked once.
func TestConsent(t *testing.T) {
	t.Parallel()
	file := File{Name: "export.txt", Data: read1(t, "ente-encrypted/export.txt")}
	file.Data = bytes.Replace(file.Data, []byte(`"memLimit": 1048576`), []byte(`"memLimit": 1073741824`), 1)
	file.Data = bytes.Replace(file.Data, []byte(`"opsLimit": 2`), []byte(`"opsLimit": 1`), 1)
	asked, phrases := 0, 0
	var told Cost
	o := ReadOptions{Passphrase: func(context.Context) (string, error) { phrases++; return "correct horse", nil }}
	_, err := Read(t.Context(), []File{file}, o)
	if cost := (*CostError)(nil); !errors.As(err, &cost) || cost.Cost.Memory != 1<<30 || !errors.Is(err, ErrTooBig) || phrases > 0 {
		t.Errorf("nobody to ask: %v, %d passphrases", err, phrases)
	}
	for _, answer := range []bool{false, true} {
		asked = 0
		o.AllowCost = func(_ context.Context, name string, c Cost) (bool, error) {
			if name != "export.txt" {
				t.Errorf("asked about %q", name)
			}
			asked, told = asked+1, c
			return answer, nil
		}
		if answer && testing.Short() {
			continue // it takes the gigabyte
		}
		_, err := Read(t.Context(), []File{file, file}, o)
		if want := map[bool]error{false: ErrTooBig, true: ErrWrongPassphrase}[answer]; !errors.Is(err, want) || asked != 1 || told.Memory != 1<<30 {
			t.Errorf("the answer %v: %v, asked %d times about %v", answer, err, asked, told)
		}
	}
	o.AllowCost = func(context.Context, string, Cost) (bool, error) { return false, context.Canceled }
	if _, err := Read(t.Context(), []File{file}, o); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func read1(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/formats/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Nobody is asked about what no answer would allow, nor about a call that is over.
func TestBeyondConsent(t *testing.T) {
	t.Parallel()
	asked := 0
	allow := func(context.Context, string, Cost) (bool, error) { asked++; return true, nil }
	s := &Source{call: newCall(ReadOptions{AllowCost: allow})}
	for _, c := range []Cost{{Memory: 4<<30 + 1}, {Time: 10*time.Minute + 1}} {
		if err := s.afford(t.Context(), c); !errors.Is(err, ErrTooBig) || asked > 0 {
			t.Errorf("%v: %v, asked %d times", c, err, asked)
		}
	}
	for range 10 {
		if err := s.afford(t.Context(), Cost{Memory: 1 << 30, Time: time.Minute}); err != nil {
			t.Error(err)
		}
	}
	if err := s.afford(t.Context(), Cost{Time: 1}); !errors.Is(err, ErrTooBig) || asked != 1 {
		t.Errorf("after ten minutes: %v, asked %d times", err, asked)
	}
}

// What is decoded of one file is free again for the next, and what a call's files take
// together is bounded.
func TestMemoryIsOfACall(t *testing.T) {
	t.Parallel()
	list := []byte("[" + strings.Repeat(`{"secret":"AAAAAAAA","label":"x","type":"TOTP"},`, 50_000) + `{"secret":"AAAAAAAA","label":"x","type":"TOTP"}]`)
	c := newCall(ReadOptions{})
	for range 3 {
		left := c.memory
		if _, err := readWith(t.Context(), c, []File{{Data: list}}); err != nil || c.memory != left {
			t.Fatalf("%v; %d bytes are not free again", err, left-c.memory)
		}
	}
	big := File{Data: make([]byte, 60<<20)}
	if _, err := Read(t.Context(), slices.Repeat([]File{big}, 9), ReadOptions{}); !errors.Is(err, ErrTooBig) {
		t.Errorf("540 MB of files: %v", err)
	}
}

// The parser of CSV splits as encoding/csv does.
func FuzzCSV(f *testing.F) {
	for _, text := range []string{"a,b\nc,d\n", "\"a\"\"b\",\"c\nd\"\n\n,\n", `"a"b,c"d`, "\"a\n", `"",""x"`, "a,\n\n\n\"", "\"a\"\n\"b\""} {
		f.Add(text, byte(','))
	}
	f.Fuzz(func(t *testing.T, text string, comma byte) {
		if !strings.ContainsRune(",;\t", rune(comma)) || strings.Contains(text, "\r") {
			return
		}
		checkCSV(t, text, comma)
	})
}

// FuzzMemory repeats a part of a file until it is 256 KiB, and adds up all that reading
// it takes: nothing may take thousands of times what it is. Classes of attacks are
// found this way that TestMemoryOfHostileFiles then keeps.
func FuzzMemory(f *testing.F) {
	f.Add(`[{"secret":"AA","label":"x","type":"TOTP"}`, `,{}`, `]`)
	f.Add(`<?xml version="1.0"?><KeePassFile><Root><Group>`, `<Entry><String/></Entry>`, `</Group></Root></KeePassFile>`)
	f.Add("name,totp,password\n", "x,AAAA,y\n", "")
	f.Add("", "otpauth://totp/x?secret=AAAAAAAA\n", "")
	f.Add("otpauth-migration://offline?data=", "CgAKAAoA", "")
	f.Add("<html>", "motp://x ", "")
	f.Add("<map>", `<string name="x">a</string>`, "</map>")
	f.Add(javaMagic, "\x74\x00\x00", "")
	f.Fuzz(func(t *testing.T, head, body, tail string) {
		const size = 256 << 10
		if body == "" || len(head)+len(body)+len(tail) > size/4 {
			return
		}
		data := []byte(head + strings.Repeat(body, size/len(body)) + tail)
		c := newCall(ReadOptions{Passphrase: func(context.Context) (string, error) { return "x", nil }})
		c.work = 0
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = readWith(t.Context(), c, []File{{Name: "x", Data: data}})
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 2000*size+MaxMemory/4 {
			t.Errorf("%d MiB for %d KiB", took>>20, len(data)>>10)
		}
	})
}

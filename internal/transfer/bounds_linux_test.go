//go:build linux && !race

package transfer_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/authcli/auth/internal/transfer"
)

// An attack is a file that is small while it is packed, and what is to come of it.
type attack struct {
	write func(w io.Writer) // at most 64 MiB
	want  error             // nil where the file may be read
}

// size is how long the members of the archives are: a little less than is read.
const size = 63 << 20

// times writes head, then body again and again up to size, then tail.
func times(head, body, tail string) func(w io.Writer) {
	return func(w io.Writer) {
		block := strings.Repeat(body, max(1, 64<<10/len(body)))
		fmt.Fprint(w, head)
		for n := len(head) + len(tail); n+len(block) < size; n += len(block) {
			fmt.Fprint(w, block)
		}
		fmt.Fprint(w, tail)
	}
}

// counted writes what part returns for 0, 1, 2 …, in the same way.
func counted(head string, part func(i int) string, tail string) func(w io.Writer) {
	return func(w io.Writer) {
		fmt.Fprint(w, head)
		for i, n := 0, len(head)+len(tail); ; i++ {
			text := part(i)
			if n += len(text); n >= size {
				break
			}
			fmt.Fprint(w, text)
		}
		fmt.Fprint(w, tail)
	}
}

// id returns a text of four letters for each number.
func id(i int) string {
	return string([]byte{'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/676%26), 'a' + byte(i/17576%26)})
}

func utf16(write func(w io.Writer)) func(w io.Writer) {
	return func(w io.Writer) {
		var b bytes.Buffer
		write(&b)
		out := []byte{0xff, 0xfe}
		for _, c := range b.Bytes()[:size/2-2] {
			out = append(out, c, 0)
		}
		_, _ = w.Write(out)
	}
}

const (
	fieldsOf4  = `"issuer":"i","account":"a","secret":"AAAAAAAA","kind":"TOTP"`
	keepassTop = `<?xml version="1.0"?><KeePassFile><Root><Group>`
)

// Classes of files that take memory or time out of all proportion.
var attacks = map[string]attack{
	"json: a list of empty objects":        {times(`[{"secret":"AA","label":"x","type":"TOTP"}`, `,{}`, `]`), transfer.ErrTooBig},
	"json: a list of numbers":              {times(`[{"secret":"AA","label":"x","type":"TOTP"}`, `,1`, `]`), transfer.ErrTooBig},
	"json: an object of many members":      {counted(`{"db":{"entries":[]}`, func(i int) string { return `,"` + id(i) + `":1` }, `}`), transfer.ErrTooBig},
	"json: members inside":                 {counted(`{"db":{"entries":[]`, func(i int) string { return `,"` + id(i) + `":1` }, `}}`), transfer.ErrTooBig},
	"json: a secret of numbers":            {times(`{"tokens":[{"secret":[1`, `,1`, `]}]}`), transfer.ErrTooBig},
	"json: lists in a list":                {times(`{"accounts":[{"vaults":[{"items":[]}`, `,{}`, `]}]}`), transfer.ErrTooBig},
	"json: slots":                          {times(`{"header":{"params":{},"slots":[{}`, strings.Repeat(" ", 100)+`,{}`, `]},"db":"AAAA"}`), transfer.ErrTooBig},
	"json: entries by hash":                {counted(`{`, func(i int) string { return `"` + id(i) + `":{"secret":"A","type":"totp","index":1},` }, `"x":{}}`), transfer.ErrTooBig},
	"json: rows that are no accounts":      {times(`[{`+fieldsOf4+`}`, `,{"issuer":"i"`+strings.Repeat(" ", 60)+`}`, `]`), transfer.ErrTooBig},
	"json: more accounts than anybody has": {times(`[{`+fieldsOf4+`}`, `,{`+fieldsOf4+strings.Repeat(" ", 200)+`}`, `]`), transfer.ErrTooBig},
	"json: one long text":                  {times(`[{`+fieldsOf4+`,"iconValue":"`, `AAAAAAAAAAAAAAAA`, `"}]`), nil},
	"json: many tags of every account": {func(w io.Writer) {
		fmt.Fprint(w, `{"Authenticators":[{"Type":2,"Secret":"AAAAAAAA","Digits":6,"Period":30,"Algorithm":0}`)
		fmt.Fprint(w, strings.Repeat(`,{"Type":2,"Secret":"AAAAAAAA","Digits":6,"Period":30,"Algorithm":0}`, 50_000), `],"Categories":[{"Id":0,"Name":"x"}`)
		for i := range 50_000 {
			fmt.Fprintf(w, `,{"Id":%d,"Name":"%d"}`, i, i)
		}
		fmt.Fprint(w, `],"AuthenticatorCategories":[{}`)
		for i := range 50_000 {
			fmt.Fprintf(w, `,{"CategoryId":%d,"AuthenticatorSecret":"AAAAAAAA"}`, i)
		}
		fmt.Fprint(w, `]}`)
	}, nil},
	"json: tags times passwords": {func(w io.Writer) {
		fmt.Fprint(w, `{"accounts":[{"vaults":[{"items":[{"overview":{"title":"x","tags":["x"`, strings.Repeat(`,"y"`, 300_000),
			`]},"details":{"sections":[{"fields":[{}`, strings.Repeat(`,{"value":{"totp":"AAAAAAAA"}}`, 150_000), `]}]}}]}]}]}`)
	}, transfer.ErrTooBig},
	"json: in UTF-16": {utf16(times(`[{"secret":"AA","label":"x","type":"TOTP"}`, `,{}`, `]`)), transfer.ErrTooBig},

	"csv: a row of commas":         {times("name,totp,password\nx,AAAAAAAA,y\n", ",", "\n"), transfer.ErrTooBig},
	"csv: a header of commas":      {times("name,totp,\"\n\"", ",", "\n"), transfer.ErrUnknownFormat},
	"csv: short rows":              {times("name,totp,password\nx,AAAAAAAA,y\n", "x\n", ""), transfer.ErrTooBig},
	"csv: columns times rows":      {times(strings.Repeat("x,", 5000)+"totp seed\n", "x\n", ""), transfer.ErrTooBig},
	"csv: one cell of quotes":      {times("name,totp,password\nx,AAAAAAAA,\"", `""`, "\"\n"), nil},
	"csv: one cell without an end": {times("name,totp,password\nx,AAAAAAAA,\"", "x\n", ""), nil},
	"csv: one line of a long cell": {times("name,totp,password\nx,AAAAAAAA,", "xxxxxxxx", "\n"), nil},
	"csv: all the tags there are":  {times("title,username,otpauth,tags\nx,y,AAAAAAAA,\"", "a,", "\"\n"), nil},
	"csv: many fields of one entry": {func(w io.Writer) {
		var header, cells strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&header, ",otp_%d", i)
			fmt.Fprintf(&cells, ",key=AAAAAAA%c&size=%d", 'A'+i%26, 6+i%3)
		}
		fmt.Fprint(w, "title,totp seed", header.String(), "\n")
		for range 600 {
			fmt.Fprint(w, "x,", cells.String(), "\n")
		}
	}, nil},

	"uri: one of many parameters":   {counted("otpauth://totp/x?secret=AAAAAAAA", func(i int) string { return "&" + id(i) }, ""), nil},
	"uri: more than anybody has":    {times("", "otpauth://totp/x?secret=AAAAAAAA\n", ""), transfer.ErrTooBig},
	"uri: lines that are none":      {times("otpauth://totp/x?secret=AAAAAAAA\n", "x\n", ""), transfer.ErrTooBig},
	"uri: long labels":              {times("", "otpauth://totp/"+strings.Repeat("x", 4000)+"?secret=AAAAAAAA\n", ""), nil},
	"uri: in a page":                {times("<html>", "motp://x ", "</html>"), nil},
	"uri: in a page, all different": {counted("<html>", func(i int) string { return "motp://" + id(i) + " " }, "</html>"), transfer.ErrTooBig},
	"uri: JSON texts":               {times(`["otpauth://totp/x?secret=AAAAAAAA"`, `,"x"`, `]`), transfer.ErrTooBig},
	"migration: parts of many exports": {counted("", func(i int) string {
		payload := binary.AppendUvarint([]byte{0x18, 0xe8, 0x07, 0x20, 0x01, 0x28}, uint64(i))
		payload = append(payload, 0x0a, 0x04, 0x0a, 0x02, 'a', 'b')
		return "otpauth-migration://offline?data=" + base64.StdEncoding.EncodeToString(payload) + "\n"
	}, ""), transfer.ErrTooBig},
	"migration: parts of few exports": {counted("", func(i int) string {
		payload := binary.AppendUvarint([]byte{0x18, 0xe8, 0x07, 0x20, 0x01, 0x28}, uint64(i%1000))
		payload = append(payload, 0x0a, 0x04, 0x0a, 0x02, 'a', 'b')
		return strings.Repeat(" ", 700) + "otpauth-migration://offline?data=" + base64.StdEncoding.EncodeToString(payload) + "\n"
	}, ""), nil},
	"migration: empty accounts":          {times("otpauth-migration://offline?data=", "CgAKAAoA", "\n"), nil},
	"migration: empty accounts in lines": {times("", "otpauth-migration://offline?data="+strings.Repeat("CgAKAAoA", 100_000)+"\n", ""), transfer.ErrTooBig},

	"keepass: empty entries":        {times(keepassTop, `<Entry/>`, `</Group></Root></KeePassFile>`), transfer.ErrTooBig},
	"keepass: one field each":       {times(keepassTop, `<Entry><String/></Entry>`, `</Group></Root></KeePassFile>`), transfer.ErrTooBig},
	"keepass: fields of one":        {counted(keepassTop+`<Entry>`, func(i int) string { return `<String><Key>` + id(i) + `</Key></String>` }, `</Entry></Group></Root></KeePassFile>`), transfer.ErrTooBig},
	"keepass: attributes":           {times(`<KeePassFile x=""`, ` a=""`, `></KeePassFile>`), transfer.ErrTooBig},
	"keepass: one long value":       {times(keepassTop+`<Entry><String><Key>x</Key><Value>`, `xxxxxxxx`, `</Value></String></Entry></Group></Root></KeePassFile>`), transfer.ErrNoOTPData},
	"keepass: a long comment":       {times(`<KeePassFile><!--`, `xxxxxxxx`, `--></KeePassFile>`), transfer.ErrNoOTPData},
	"keepass: groups in groups":     {times(keepassTop+strings.Repeat(`<Name>`+strings.Repeat("x", 100_000)+`</Name><Group>`, 100), `<Entry><String><Key>otp</Key><Value>AAAAAAAA</Value></String></Entry>`, strings.Repeat(`</Group>`, 101)+`</Root></KeePassFile>`), transfer.ErrTooBig},
	"keepass: a group an entry":     {times(keepassTop, `<Group><Name>n</Name><Entry><String><Key>otp</Key><Value>AAAAAAAA</Value></String></Entry></Group>`, `</Group></Root></KeePassFile>`), transfer.ErrTooBig},
	"preferences: names":            {times(`<map><string name="com.authy.storage.tokens.authenticator.key">[]</string>`, `<a name="x"/>`, `</map>`), transfer.ErrTooBig},
	"preferences: attributes":       {times(`<map><string `, `a="" `, `/></map>`), transfer.ErrTooBig},
	"preferences: texts in bits":    {times(`<map><string name="x">`, `a<b/>`, `</string></map>`), transfer.ErrUnknownFormat},
	"preferences: one token":        {counted(`<map><string name="x">{&quot;label&quot;:1,&quot;secret&quot;:1`, func(i int) string { return `,&quot;` + id(i) + `&quot;:1` }, `}</string></map>`), transfer.ErrUnknownFormat},
	"preferences: a list of tokens": {times(`<map><string name="com.authy.storage.tokens.authenticator.key">[{}`, `,{}`, `]</string></map>`), transfer.ErrTooBig},

	"java: empty texts":           {times(string(javaHead(1<<31)), "\x74\x00\x00", ""), transfer.ErrDamaged},
	"sqlite: rows that overlap":   {overlapping("\x01\x02\x01", 0), transfer.ErrTooBig},
	"sqlite: values that overlap": {overlapping("\x9f\x20\x01", 4000), transfer.ErrDamaged},
}

// javaHead is the beginning of a serialized map of so many entries.
func javaHead(entries uint32) []byte {
	head := "\xac\xed\x00\x05\x73\x72\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02F\x00\x0aloadFactorI\x00\x09threshold\x78\x70" +
		"\x3f\x40\x00\x00\x00\x00\x00\x0c\x77\x08\x00\x00\x00\x10"
	return binary.BigEndian.AppendUint32([]byte(head), entries)
}

// overlapping writes the database of an app whose table accounts has, on each of its
// pages, as many rows as fit, all of them the same bytes: cell, then zeros.
func overlapping(cell string, zeros int) func(w io.Writer) {
	const page = 1 << 16
	const sql = "CREATE TABLE accounts (email, secret, counter, type, issuer)"
	return func(w io.Writer) {
		first := make([]byte, page)
		copy(first, "SQLite format 3\x00\x00\x01\x01\x01\x00\x40\x20\x20")
		first[59] = 1           // UTF-8
		text := 13 + 2*len(sql) // the serial type of the statement, in two bytes
		record := append([]byte{7, 23, 29, 29, 1, 0x80 | byte(text>>7), byte(text & 0x7f)}, "tableaccountsaccounts\x02"+sql...)
		copy(first[100:], []byte{0x0d, 0, 0, 0, 1, 0xf0, 0, 0, 0xf0, 0})
		copy(first[0xf000:], append([]byte{byte(len(record)), 1}, record...))
		pages := size / page
		root := make([]byte, page)
		copy(root, []byte{5, 0, 0})
		binary.BigEndian.PutUint16(root[3:], uint16(pages-3))
		binary.BigEndian.PutUint32(root[8:], uint32(pages))
		leaf := make([]byte, page)
		at := page - len(cell) - zeros - 8
		copy(leaf[at:], cell)
		cells := (at - 8) / 2
		copy(leaf, []byte{0x0d, 0, 0, byte(cells >> 8), byte(cells)})
		for i := range cells {
			binary.BigEndian.PutUint16(leaf[8+2*i:], uint16(at))
		}
		for i := range pages - 3 {
			at := page - 8*(i+1)
			binary.BigEndian.PutUint16(root[12+2*i:], uint16(at))
			binary.BigEndian.PutUint32(root[at:], uint32(i+3))
		}
		_, _ = w.Write(first)
		_, _ = w.Write(root)
		for range pages - 2 {
			_, _ = w.Write(leaf)
		}
	}
}

// memory is what the process of an attack has: the bound, and what the program, its
// stacks and the gaps between objects take.
const memory = transfer.MaxMemory + 128<<20

// TestMemoryOfHostileFiles reads every attack, packed as it would be sent, in a process
// that the system gives no more memory than an import may take. One byte more and the
// process is gone.
func TestMemoryOfHostileFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("reads three gigabytes")
	}
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "some.zip")
			if err := os.WriteFile(path, packed(t, a), 0o600); err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryChild$")
			child.Env = append(os.Environ(), attackFile+"="+path, attackName+"="+name)
			if out, err := child.CombinedOutput(); err != nil {
				lines := strings.SplitAfter(string(out), "\n")
				t.Errorf("%v\n%s", err, strings.Join(lines[:min(len(lines), 60)], ""))
			}
		})
	}
}

// packed returns the archive of an attack.
func packed(t *testing.T, a attack) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	w, err := z.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	a.write(w)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 20<<20 {
		t.Errorf("%d bytes are no small file", b.Len())
	}
	return b.Bytes()
}

// How the process of an attack is told which it is.
const (
	attackFile = "AUTH_TEST_ATTACK_FILE"
	attackName = "AUTH_TEST_ATTACK"
)

// TestMemoryChild is the process of an attack of TestMemoryOfHostileFiles.
func TestMemoryChild(t *testing.T) {
	a, found := attacks[os.Getenv(attackName)]
	if !found {
		t.Skip("is run by TestMemoryOfHostileFiles")
	}
	debug.SetMemoryLimit(transfer.MaxMemory) // as the command does
	const rlimitData = 2
	if err := syscall.Setrlimit(rlimitData, &syscall.Rlimit{Cur: memory, Max: memory}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(os.Getenv(attackFile))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(context.Context) (string, error) { return "x", nil }
	b, err := transfer.Read(t.Context(), []transfer.File{{Name: "some.zip", Data: data}}, transfer.ReadOptions{Passphrase: ask})
	if !errors.Is(err, a.want) {
		t.Errorf("%d accounts, %d skipped, %v, want %v", len(b.Accounts), len(b.Skipped), err, a.want)
	}
}

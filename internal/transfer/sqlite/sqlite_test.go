package sqlite_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/transfer/sqlite"
)

// passphrase is that of testdata/sqlcipher.db.
const passphrase = "correct horse"

// open opens a database of testdata with the log beside it, decrypted if need be.
func open(t testing.TB, name string) *sqlite.DB {
	t.Helper()
	file := read(t, name)
	if name == "sqlcipher.db" {
		var err error
		if file, err = sqlite.Decrypt(file, []byte(passphrase)); err != nil {
			t.Fatal(err)
		}
	}
	var wal []byte
	if strings.HasPrefix(name, "wal") {
		wal = read(t, name+"-wal")
	}
	d, err := sqlite.Open(file, wal)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every value of every row is what SQLite itself says (testdata/make.py).
func TestRows(t *testing.T) {
	t.Parallel()
	var want map[string]map[string][]map[string]any
	decoder := json.NewDecoder(bytes.NewReader(read(t, "want.json")))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 7 {
		t.Fatalf("%d databases expected", len(want))
	}
	for name, tables := range want {
		d := open(t, name)
		for table, rows := range tables {
			got, err := d.Rows(table)
			if err != nil {
				t.Errorf("%s, %s: %v", name, table, err)
			}
			if len(got) != len(rows) {
				t.Errorf("%s, %s: %d rows, want %d", name, table, len(got), len(rows))
				continue
			}
			for i, row := range rows {
				for column, v := range row {
					if v := value(t, v); !reflect.DeepEqual(got[i][column], v) {
						t.Fatalf("%s, %s, row %d, %q: got %v, want %v", name, table, i, column, got[i][column], v)
					}
				}
				if len(got[i]) > len(row) {
					t.Errorf("%s, %s, row %d: columns too many: %v", name, table, i, got[i])
				}
			}
		}
	}
}

func value(t *testing.T, v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	case map[string]any:
		if text, found := v["blob"]; found {
			b, err := hex.DecodeString(text.(string))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		f, err := strconv.ParseFloat(v["real"].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		// A whole number in a REAL column is stored as an integer.
		if f == float64(int64(f)) && f < 1e15 {
			return int64(f)
		}
		return f
	}
	return v
}

func TestRowsErrors(t *testing.T) {
	t.Parallel()
	if _, err := open(t, "norowid.db").Rows("t"); !errors.Is(err, sqlite.ErrUnsupported) {
		t.Errorf("a table without rowids: %v", err)
	}
	d := open(t, "utf8.db")
	if _, err := d.Rows("nothing"); !errors.Is(err, sqlite.ErrNoTable) {
		t.Errorf("no such table: %v", err)
	}
	if !d.Has("ACCOUNTS", "_id", "e mail", `sec"ret`, "quoted") || d.Has("accounts", "_id", "nope") || d.Has("nope") {
		t.Error("Has is wrong")
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	whole := read(t, "utf8.db")
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"empty":       {nil, sqlite.ErrDamaged},
		"text":        {[]byte("hello"), sqlite.ErrNotSQLite},
		"header only": {whole[:100], sqlite.ErrDamaged},
		"page size 3": {edit(whole, 16, 0, 3), sqlite.ErrDamaged},
		"version 9":   {edit(whole, 19, 9), sqlite.ErrUnsupported},
		"reserved":    {edit(whole, 20, 255), sqlite.ErrDamaged},
	} {
		if _, err := sqlite.Open(test.file, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func edit(b []byte, at int, with ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[at:], with)
	return b
}

// A log that does not belong to the file, or was damaged, is not replayed.
func TestLogIgnored(t *testing.T) {
	t.Parallel()
	file, wal := read(t, "wal.db"), read(t, "wal.db-wal")
	count := func(wal []byte) int {
		d, err := sqlite.Open(file, wal)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		rows, err := d.Rows("accounts")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r.Text("name") == "changed" || r.Text("name") == "added" {
				n++
			}
		}
		return n
	}
	if n := count(wal); n != 2 {
		t.Fatalf("%d rows from the log, want 2", n)
	}
	for name, log := range map[string][]byte{"none": nil, "text": []byte(strings.Repeat("x", 999)), "header damaged": edit(wal, 16, 1, 2, 3), "frame damaged": edit(wal, 60, 1, 2, 3)} {
		if n := count(log); n != 0 {
			t.Errorf("%s: %d rows from the log", name, n)
		}
	}
}

func TestDecryptErrors(t *testing.T) {
	t.Parallel()
	whole := read(t, "sqlcipher.db")
	for name, test := range map[string]struct {
		file       []byte
		passphrase string
		want       error
	}{
		"wrong passphrase":   {whole, "wrong", sqlite.ErrPassphrase},
		"first page damaged": {edit(whole, 500, 1, 2, 3), passphrase, sqlite.ErrPassphrase},
		"other page damaged": {edit(whole, 1500, 1, 2, 3), passphrase, sqlite.ErrDamaged},
		"cut":                {whole[:1500], passphrase, sqlite.ErrNotSQLite},
		"plain":              {read(t, "utf8.db"), passphrase, sqlite.ErrNotSQLite},
	} {
		if _, err := sqlite.Decrypt(test.file, []byte(test.passphrase)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A ring of pages, a tree that visits a page twice and cells that share their bytes
// end in an error, and give no more than the file holds.
func TestHostileTrees(t *testing.T) {
	t.Parallel()
	page := make([]byte, 1<<16)
	copy(page, read(t, "utf8.db")[:100])
	page[16], page[17], page[20] = 0, 1, 0 // one page of 65536 bytes
	leaf := bytes.Clone(page)
	copy(leaf[100:], []byte{0x0d, 0, 0, 0x70, 0, 0xff, 0xff, 0})
	for i := range 0x7000 {
		leaf[108+2*i], leaf[109+2*i] = 0xf0, 0 // all cells are the one at 0xf000
	}
	// Its record is 4,000 bytes of NULLs and zeros.
	copy(leaf[0xf000:], []byte{0x9f, 0x20, 1, 0x82, 0x00})
	ring := bytes.Clone(page)
	copy(ring[100:], []byte{0x05, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 1})
	for name, file := range map[string][]byte{"cells that share": leaf, "ring": ring} {
		if _, err := sqlite.Open(file, nil); !errors.Is(err, sqlite.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the bytes are, reading ends, and nothing is made up: all texts and blobs
// together are no longer than the file and the log.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"utf8.db", "utf16le.db", "norowid.db"} {
		f.Add(read(f, name), []byte(nil))
	}
	f.Add(read(f, "wal.db"), read(f, "wal.db-wal"))
	f.Fuzz(func(t *testing.T, file, wal []byte) {
		d, err := sqlite.Open(file, wal)
		if err != nil {
			return
		}
		for _, table := range d.Tables() {
			rows, _ := d.Rows(table)
			size := 0
			for _, r := range rows {
				for column := range r {
					if b, ok := r[column].([]byte); ok {
						size += len(b)
					}
				}
			}
			if size > len(file)+len(wal) {
				t.Fatalf("%d bytes out of %d", size, len(file)+len(wal))
			}
		}
	})
}

// One bit flipped or the end cut off, anywhere: an error or rows, never a panic.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"utf16be.db", "wal.db"} {
		file := read(t, name)
		for at := 0; at < len(file); at += 7 {
			damaged := edit(file, at, file[at]^(1<<(at%8)))
			for _, file := range [][]byte{damaged, file[:at]} {
				d, err := sqlite.Open(file, nil)
				if err != nil {
					continue
				}
				for _, table := range d.Tables() {
					_, _ = d.Rows(table)
				}
			}
		}
	}
}

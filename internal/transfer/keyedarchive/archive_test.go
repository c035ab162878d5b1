package keyedarchive_test

import (
	"encoding/binary"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/transfer/keyedarchive"
)

// A writer makes binary property lists object by object, by hand, so that they can be
// such as no program would write.
type writer struct {
	data    []byte
	offsets []int
}

func newWriter() *writer { return &writer{data: []byte("bplist00")} }

// put adds an object of these bytes and returns its number.
func (w *writer) put(b ...byte) byte {
	w.offsets = append(w.offsets, len(w.data))
	w.data = append(w.data, b...)
	return byte(len(w.offsets) - 1)
}

func (w *writer) text(s string) byte {
	return w.put(append([]byte{0x5f, 0x10, byte(len(s))}, s...)...)
}

func (w *writer) array(refs ...byte) byte {
	return w.put(append([]byte{0xaf, 0x10, byte(len(refs))}, refs...)...)
}

// dict takes keys and values by turns.
func (w *writer) dict(pairs ...byte) byte {
	var keys, values []byte
	for i := 0; i < len(pairs); i += 2 {
		keys, values = append(keys, pairs[i]), append(values, pairs[i+1])
	}
	return w.put(append(append([]byte{0xd0 | byte(len(keys))}, keys...), values...)...)
}

func (w *writer) uid(n byte) byte { return w.put(0x80, n) }

func (w *writer) bytes(top byte) []byte {
	table := len(w.data)
	for _, o := range w.offsets {
		w.data = binary.BigEndian.AppendUint16(w.data, uint16(o))
	}
	w.data = append(w.data, 0, 0, 0, 0, 0, 0, 2, 1)
	for _, n := range []uint64{uint64(len(w.offsets)), uint64(top), uint64(table)} {
		w.data = binary.BigEndian.AppendUint64(w.data, n)
	}
	return w.data
}

// archive wraps objects, of which the first is the root.
func (w *writer) archive(objects ...byte) []byte {
	list := w.array(objects...)
	top := w.dict(w.text("root"), w.uid(0))
	return w.bytes(w.dict(w.text("$objects"), list, w.text("$top"), top))
}

// Objects that hold themselves, or each other a million times, cost what is asked of
// them and no more.
func TestCycles(t *testing.T) {
	t.Parallel()
	w := newWriter()
	key := w.text("NS.objects")
	self := w.uid(0)
	root := w.dict(key, w.array(self, self, self))
	v, err := keyedarchive.Read(w.archive(root))
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		list := slices.Collect(v.List())
		if len(list) != 3 {
			t.Fatalf("%d elements", len(list))
		}
		v = list[2]
	}
	if v.Text() != "" || v.Bytes() != nil || v.Get("x").Text() != "" {
		t.Error("a list is something else too")
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	w := newWriter()
	members := []byte{
		w.text("small"), w.put(0x10, 0xff),
		w.text("negative"), w.put(0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe),
		w.text("float"), w.put(0x22, 0x3f, 0xc0, 0, 0),
		w.text("double"), w.put(0x23, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0),
		w.text("utf16"), w.put(0x63, 0x00, 0xe9, 0xd8, 0x3d, 0xdd, 0x11),
		w.text("data"), w.put(0x42, 1, 2),
		w.text("true"), w.put(0x09),
		w.text("lost"), w.uid(77),
	}
	v, err := keyedarchive.Read(w.archive(w.dict(members...)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"small": 255, "negative": -2, "float": 1.5, "double": 1.5} {
		if n, ok := v.Get(name).Number(); !ok || n != want {
			t.Errorf("%s: %v, %v", name, n, ok)
		}
	}
	if s := v.Get("utf16").Text(); s != "é\U0001f511" {
		t.Errorf("utf16: %q", s)
	}
	if b := v.Get("data").Bytes(); !slices.Equal(b, []byte{1, 2}) {
		t.Errorf("data: %v", b)
	}
	for _, name := range []string{"true", "lost", "nothing", "data"} {
		if n, ok := v.Get(name).Number(); ok {
			t.Errorf("%s is a number: %v", name, n)
		}
	}
}

func TestNotAnArchive(t *testing.T) {
	t.Parallel()
	w := newWriter()
	plain := w.bytes(w.dict(w.text("a"), w.text("b")))
	huge := newWriter().archive()
	copy(huge[len(huge)-24:], strings.Repeat("\xff", 8)) // more objects than fit into a file
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "magic": []byte("bplist00"), "a plain list": plain, "too many objects": huge, "cut": plain[:len(plain)-1]} {
		if _, err := keyedarchive.Read(data); !errors.Is(err, keyedarchive.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Python's plistlib writes, which is another implementation of the format.
func TestPlistlib(t *testing.T) {
	t.Parallel()
	python := testenv.Program(t, "python3", "python3")
	const script = `
import plistlib, sys
u = plistlib.UID
sys.stdout.buffer.write(plistlib.dumps({"$top": {"root": u(1)}, "$objects": ["$null",
  {"NS.keys": [u(2), u(3)], "NS.objects": [u(4), u(5)]}, "name", "list", {"NS.string": "naïve " * 50},
  {"NS.objects": [u(6)] * 300}, {"NS.data": b"x" * 70000}]}, fmt=plistlib.FMT_BINARY))`
	data, err := exec.CommandContext(t.Context(), python, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	v, err := keyedarchive.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("name").Text(); got != strings.Repeat("naïve ", 50) {
		t.Errorf("name: %q", got)
	}
	list := slices.Collect(v.Get("list").List())
	if len(list) != 300 || len(list[299].Bytes()) != 70000 {
		t.Errorf("%d elements", len(list))
	}
}

func FuzzRead(f *testing.F) {
	w := newWriter()
	f.Add(w.archive(w.dict(w.text("NS.keys"), w.array(w.text("Folders")), w.text("NS.objects"), w.array(w.uid(0)))))
	f.Fuzz(func(_ *testing.T, data []byte) {
		v, err := keyedarchive.Read(data)
		if err != nil {
			return
		}
		for range 5 {
			_, _ = v.Get("label").Text(), v.Get("secret").Bytes()
			_, _ = v.Get("type").Number()
			list := slices.AppendSeq(slices.Collect(v.Get("Folders").List()), v.List())
			if len(list) == 0 {
				return
			}
			v = list[len(list)-1]
		}
	})
}

//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keyring

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// errBus is the end of a busConn: its bus cannot be reached or does not keep to the
// protocol. go-keyring is asked then, and has the words for what is wrong.
var errBus = errors.New("the session bus cannot be read")

// maxMessage is the most bytes of a message that are read. Items are smaller.
const maxMessage = 8 << 20

// A busConn is a connection to the session bus that reads whole messages. It exists
// because godbus decodes an array of bytes byte by byte, with reflection: the secret of
// a vault of 1,000 accounts takes it 10 of 27 ms (decoder.decode in decoder.go of
// v5.2.4; see docs/architecture.md). godbus encodes the calls.
//
// Source: D-Bus Specification 0.43, "Message Protocol" and "Authentication Protocol".
type busConn struct {
	conn   net.Conn
	in     *bufio.Reader
	serial uint32              // of the last call
	early  map[uint32]busReply // answers that came before they were asked for, by serial
}

// dialBus connects to the bus and says hello. It knows sockets of the file system and
// abstract ones; an address of another kind is errBus.
func dialBus(ctx context.Context, address string) (*busConn, error) {
	path, ok := socketPath(address)
	if !ok {
		return nil, errBus
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	b := &busConn{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), early: map[uint32]busReply{}}
	if err := b.authenticate(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return b, nil
}

// socketPath returns the path of the socket that the first address in a list names. Go
// writes an abstract one with an @.
func socketPath(address string) (path string, ok bool) {
	first, _, _ := strings.Cut(address, ";")
	pairs, ok := strings.CutPrefix(first, "unix:")
	if !ok {
		return "", false
	}
	for pair := range strings.SplitSeq(pairs, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value) // the escapes are the same
		switch {
		case err != nil || value == "":
		case key == "path":
			return value, true
		case key == "abstract":
			return "@" + value, true
		}
	}
	return "", false
}

// authenticate is the conversation before the first message. The bus knows who connects
// from the socket; the words only name the same user.
func (b *busConn) authenticate(ctx context.Context) error {
	defer b.bind(ctx)()
	user := hex.EncodeToString([]byte(strconv.Itoa(os.Getuid())))
	if _, err := io.WriteString(b.conn, "\x00AUTH EXTERNAL "+user+"\r\n"); err != nil {
		return err
	}
	line, err := b.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("OK ")) {
		return errBus
	}
	_, err = io.WriteString(b.conn, "BEGIN\r\n")
	return err
}

// bind makes reads and writes end with ctx, until the function that it returns is called.
func (b *busConn) bind(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { b.conn.Close() })
	return func() { stop() }
}

// A busCall is a call of a method.
type busCall struct {
	destination string
	path        dbus.ObjectPath
	method      string // with its interface
	body        []any
}

// send writes calls, in one piece, and returns the serial of the first one. The others
// follow it.
func (b *busConn) send(calls ...busCall) (serial uint32, err error) {
	serial = b.serial + 1
	var out bytes.Buffer
	for _, c := range calls {
		at := strings.LastIndexByte(c.method, '.')
		m := dbus.Message{Type: dbus.TypeMethodCall, Body: c.body, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(c.destination), dbus.FieldPath: dbus.MakeVariant(c.path),
			dbus.FieldInterface: dbus.MakeVariant(c.method[:at]), dbus.FieldMember: dbus.MakeVariant(c.method[at+1:]),
		}}
		if len(c.body) > 0 {
			m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(c.body...))
		}
		start := out.Len()
		if err := m.EncodeTo(&out, binary.LittleEndian); err != nil {
			return 0, err
		}
		b.serial++
		// A godbus message has no serial until a connection of its own sends it.
		binary.LittleEndian.PutUint32(out.Bytes()[start+8:], b.serial)
	}
	_, err = b.conn.Write(out.Bytes())
	return serial, err
}

// A busReply is the answer to a call.
type busReply struct {
	serial uint32 // of the call
	failed bool
	order  binary.ByteOrder
	whole  []byte
	body   []byte // of whole
}

// receive returns the answer to the call of a serial. Answers come in any order.
func (b *busConn) receive(serial uint32) (busReply, error) {
	for {
		if r, found := b.early[serial]; found {
			delete(b.early, serial)
			return r, nil
		}
		r, err := b.next()
		if err != nil {
			return busReply{}, err
		}
		if r.serial != 0 && r.serial <= b.serial {
			b.early[r.serial] = r
		}
	}
}

// next reads a message. One that is no answer has the serial 0.
func (b *busConn) next() (r busReply, err error) {
	start, err := b.in.Peek(16)
	if err != nil {
		return r, err
	}
	switch start[0] {
	case 'l':
		r.order = binary.LittleEndian
	case 'B':
		r.order = binary.BigEndian
	default:
		return r, errBus
	}
	body, fields := r.order.Uint32(start[4:]), r.order.Uint32(start[12:])
	if body > maxMessage || fields > maxMessage {
		return r, errBus
	}
	kind := dbus.Type(start[1])
	begin := 16 + (int(fields)+7)&^7
	r.whole = make([]byte, begin+int(body))
	if _, err := io.ReadFull(b.in, r.whole); err != nil {
		return r, err
	}
	r.body = r.whole[begin:]
	if kind == dbus.TypeMethodReply || kind == dbus.TypeError {
		r.failed = kind == dbus.TypeError
		r.serial, err = replySerial(r.whole[16:16+fields], r.order)
	}
	return r, err
}

// replySerial finds the serial of the call in the header fields of an answer. A field is
// a byte that says which it is, the signature of its value, and the value. All of them
// begin at a multiple of eight.
func replySerial(fields []byte, order binary.ByteOrder) (serial uint32, err error) {
	r := busReader{data: fields, order: order}
	for r.at < len(r.data) && r.err == nil {
		r.align(8)
		field, signature := dbus.HeaderField(r.byte()), r.signature()
		switch signature {
		case "u":
			if n := r.uint32(); field == dbus.FieldReplySerial {
				serial = n
			}
		case "s", "o":
			r.bytes()
			r.byte() // the zero after it
		case "g":
			r.signature()
		default:
			return 0, errBus
		}
	}
	if serial == 0 {
		return 0, errBus
	}
	return serial, r.err
}

// decode stores the values of a short answer, as godbus does.
func (r busReply) decode(into ...any) error {
	if r.failed {
		return errBus
	}
	m, err := dbus.DecodeMessage(bytes.NewReader(r.whole))
	if err != nil {
		return err
	}
	return dbus.Store(m.Body, into...)
}

// A busReader reads values of a message in order. After the first error it returns zeros.
type busReader struct {
	data  []byte
	at    int
	order binary.ByteOrder
	err   error
}

func (r *busReader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.data)-r.at {
		r.err = fmt.Errorf("%w: a message is cut short", errBus)
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *busReader) align(n int) {
	if past := r.at % n; past > 0 {
		r.take(n - past)
	}
}

func (r *busReader) byte() byte {
	if b := r.take(1); r.err == nil {
		return b[0]
	}
	return 0
}

func (r *busReader) uint32() uint32 {
	r.align(4)
	if b := r.take(4); r.err == nil {
		return r.order.Uint32(b)
	}
	return 0
}

// bytes reads an array of bytes, or the text of a string or a path without the zero
// after it.
func (r *busReader) bytes() []byte {
	n := r.uint32()
	if n > maxMessage {
		r.err = errBus
	}
	return r.take(int(n))
}

func (r *busReader) signature() string {
	text := string(r.take(int(r.byte())))
	r.byte() // the zero after it
	return text
}

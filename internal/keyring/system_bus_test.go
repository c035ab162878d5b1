//go:build linux

package keyring

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// encode returns a message as godbus writes it.
func encode(t testing.TB, order binary.ByteOrder, kind dbus.Type, fields map[dbus.HeaderField]any, body ...any) []byte {
	t.Helper()
	m := dbus.Message{Type: kind, Headers: map[dbus.HeaderField]dbus.Variant{}, Body: body}
	for field, value := range fields {
		m.Headers[field] = dbus.MakeVariant(value)
	}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	var out bytes.Buffer
	if err := m.EncodeTo(&out, order); err != nil {
		t.Fatal(err)
	}
	order.PutUint32(out.Bytes()[8:], 1) // a serial
	return out.Bytes()
}

// wireSecret is a secret of the Secret Service on the bus.
type wireSecret struct {
	Session    dbus.ObjectPath
	Parameters []byte
	Value      []byte
	Type       string
}

// A fakeBus answers as a bus and a Secret Service do, with the messages of godbus.
type fakeBus struct {
	t       *testing.T
	order   binary.ByteOrder
	reverse bool // it answers several calls in the reverse order
	secret  string
	items   []dbus.ObjectPath
	failing string // the method that is answered with an error
	silent  string // the method that is not answered
}

func (f fakeBus) listen() (address string) {
	path := filepath.Join(f.t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return "unix:path=" + path + ",guid=00"
}

func (f fakeBus) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if line, _ := in.ReadString('\n'); !strings.HasPrefix(line, "\x00AUTH EXTERNAL ") {
		return
	}
	_, _ = io.WriteString(conn, "OK 00\r\n")
	if line, _ := in.ReadString('\n'); line != "BEGIN\r\n" {
		return
	}
	for greeted := false; ; greeted = true {
		var answers [][]byte
		for first := true; first || in.Buffered() > 0; first = false {
			m, err := dbus.DecodeMessage(in)
			if err != nil {
				return
			}
			if member, _ := m.Headers[dbus.FieldMember].Value().(string); !greeted && member != "Hello" && member != "ReadAlias" {
				f.t.Errorf("%s is asked before a greeting was answered", member)
			}
			if answer := f.answer(m); answer != nil {
				answers = append(answers, answer)
			}
		}
		if f.reverse {
			for i, j := 0, len(answers)-1; i < j; i, j = i+1, j-1 {
				answers[i], answers[j] = answers[j], answers[i]
			}
		}
		signal := encode(f.t, f.order, dbus.TypeSignal, map[dbus.HeaderField]any{
			dbus.FieldPath: dbus.ObjectPath("/org/freedesktop/DBus"), dbus.FieldInterface: "org.freedesktop.DBus", dbus.FieldMember: "NameAcquired",
		}, ":1.7")
		if _, err := conn.Write(append(signal, bytes.Join(answers, nil)...)); err != nil {
			return
		}
	}
}

func (f fakeBus) answer(m *dbus.Message) []byte {
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	fields := map[dbus.HeaderField]any{dbus.FieldReplySerial: m.Serial(), dbus.FieldSender: ":1.3"}
	reply := func(body ...any) []byte { return encode(f.t, f.order, dbus.TypeMethodReply, fields, body...) }
	switch member {
	case f.silent:
		return nil
	case f.failing:
		fields[dbus.FieldErrorName] = "org.freedesktop.Secret.Error.IsLocked"
		return encode(f.t, f.order, dbus.TypeError, fields, "it is locked")
	case "Hello":
		return reply(":1.7")
	case "ReadAlias":
		return reply(dbus.ObjectPath("/collection/login"))
	case "OpenSession":
		return reply(dbus.MakeVariant(""), dbus.ObjectPath("/session/s1"))
	case "SearchItems":
		if asked, _ := m.Body[0].(map[string]string); asked["username"] != "head" || asked["service"] != "auth" {
			return reply([]dbus.ObjectPath{})
		}
		return reply(f.items)
	case "GetSecret":
		if m.Body[0] != dbus.ObjectPath("/session/s1") {
			return nil
		}
		return reply(wireSecret{"/session/s1", []byte{}, []byte(f.secret), "text/plain"})
	}
	return nil
}

// What lies in the keyring is read as it is: whatever the order of bytes and answers, beside
// signals, again on the same connection.
func TestReadUnlocked(t *testing.T) {
	t.Parallel()
	items := []dbus.ObjectPath{"/item/1"}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, reverse := range []bool{false, true} {
			for _, size := range []int{0, 1, 3, 100_000} {
				secret := strings.Repeat("x\n\x00é", size)
				k := System(SystemOptions{Service: "auth", Bus: fakeBus{t: t, order: order, reverse: reverse, secret: secret, items: items}.listen()})
				for range 2 {
					if got, ok := k.readUnlocked(t.Context(), "head"); !ok || got != secret {
						t.Errorf("%v, reverse %t: %d bytes, %t; want %d", order, reverse, len(got), ok, len(secret))
					}
				}
				if _, ok := k.readUnlocked(t.Context(), "previous"); ok {
					t.Error("an item that is not there was read")
				}
				if got, ok := k.readUnlocked(t.Context(), "head"); !ok || got != secret {
					t.Error("not read again after an item that is not there")
				}
			}
		}
	}
}

// A service that refuses to greet is one that does not have the race that greeting avoids.
func TestReadUnlockedWithoutAlias(t *testing.T) {
	t.Parallel()
	f := fakeBus{t: t, order: binary.LittleEndian, secret: "secret", items: []dbus.ObjectPath{"/item/1"}, failing: "ReadAlias"}
	if got, ok := System(SystemOptions{Service: "auth", Bus: f.listen()}).readUnlocked(t.Context(), "head"); !ok || got != "secret" {
		t.Errorf("read %q, %t", got, ok)
	}
}

// Where anything is unusual go-keyring is asked: the answer is no.
func TestReadUnlockedIsUnsure(t *testing.T) {
	t.Parallel()
	items := []dbus.ObjectPath{"/item/1"}
	for name, f := range map[string]fakeBus{
		"locked":        {items: items, failing: "GetSecret"},
		"no session":    {items: items, failing: "OpenSession"},
		"no collection": {items: items, failing: "SearchItems", reverse: true},
		"no greeting":   {items: items, failing: "Hello"},
		"nothing there": {},
	} {
		f.t, f.order, f.secret = t, binary.LittleEndian, "secret"
		k := System(SystemOptions{Service: "auth", Bus: f.listen()})
		if got, ok := k.readUnlocked(t.Context(), "head"); ok {
			t.Errorf("%s: read %q", name, got)
		}
	}
	for _, method := range []string{"Hello", "ReadAlias", "OpenSession", "SearchItems", "GetSecret"} {
		f := fakeBus{t: t, order: binary.LittleEndian, items: items, silent: method}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, ok := System(SystemOptions{Service: "auth", Bus: f.listen()}).readUnlocked(ctx, "head"); ok {
			t.Errorf("without an answer to %s it was read", method)
		}
		cancel()
	}
}

// The addresses are those of the D-Bus Specification, "Server Addresses".
func TestSocketPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:path=/run/user/1000/bus":                  "/run/user/1000/bus",
		"unix:path=/tmp/a%20b,guid=00;unix:path=/other": "/tmp/a b",
		"unix:guid=00,path=/tmp/bus":                    "/tmp/bus",
		"unix:abstract=/tmp/dbus-X,guid=00":             "@/tmp/dbus-X",
		"unix:path=":                                    "",
		"unix:path=%zz":                                 "",
		"unix:runtime=yes":                              "",
		"tcp:host=localhost,port=1":                     "",
		"unixexec:path=/bin/sh":                         "",
		"":                                              "",
		"autolaunch:":                                   "",
		"nonce-tcp:host=127.0.0.1,port=1;unix:path=/none": "",
	} {
		if got, ok := socketPath(address); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t; want %q", address, got, ok, want)
		}
	}
}

// streamed is what arrives of a connection.
type streamed struct {
	net.Conn
	in io.Reader
}

func (s streamed) Read(p []byte) (int, error) { return s.in.Read(p) }

// Whatever a bus sends, it ends in an answer or an error. An answer that godbus reads is the
// answer to the same call, and the secret in it is the same.
func FuzzBusMessages(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		fields := map[dbus.HeaderField]any{dbus.FieldReplySerial: uint32(3), dbus.FieldSender: ":1.3"}
		f.Add(encode(f, order, dbus.TypeMethodReply, fields, wireSecret{"/s", []byte{}, []byte("secret"), "text/plain"}))
		f.Add(encode(f, order, dbus.TypeMethodReply, fields, []dbus.ObjectPath{"/a"}))
		fields[dbus.FieldErrorName] = "a.b"
		f.Add(encode(f, order, dbus.TypeError, fields, "why"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &busConn{in: bufio.NewReader(streamed{in: bytes.NewReader(data)})}
		got, err := b.next()
		if err != nil {
			return
		}
		secret, bad := secretOf(got)
		m, theirs := dbus.DecodeMessage(bytes.NewReader(data))
		if theirs != nil || m.Type != dbus.TypeMethodReply || m.Serial() == 0 {
			return
		}
		if serial := m.Headers[dbus.FieldReplySerial].Value(); serial != got.serial {
			t.Errorf("an answer to %d, godbus says to %v", got.serial, serial)
		}
		var want wireSecret
		if m.Headers[dbus.FieldSignature].Value() == dbus.ParseSignatureMust("(oayays)") && dbus.Store(m.Body, &want) == nil &&
			(bad != nil || secret != string(want.Value)) {
			t.Errorf("the secret %q, %v; godbus says %q", secret, bad, want.Value)
		}
	})
}

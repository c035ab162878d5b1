package kdbx_test

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20"

	"github.com/authcli/auth/internal/transfer/kdbx"
)

// database writes a KDBX 4 file under the empty passphrase, as the specification has
// it: one round of AES-KDF, ChaCha20, gzip. write writes what is inside.
func database(t *testing.T, write func(w io.Writer)) []byte {
	t.Helper()
	le := binary.LittleEndian
	field := func(id byte, data string) []byte {
		return append(le.AppendUint32([]byte{id}, uint32(len(data))), data...)
	}
	var zeros [32]byte
	kdf := "\x00\x01\x42\x05\x00\x00\x00$UUID\x10\x00\x00\x00\xc9\xd9\xf3\x9a\x62\x8a\x44\x60\xbf\x74\x0d\x08\xc1\x8a\x4f\xea" +
		"\x05\x01\x00\x00\x00R\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x42\x01\x00\x00\x00S\x20\x00\x00\x00" + string(zeros[:]) + "\x00"
	header := []byte("\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x00\x00\x04\x00")
	header = append(header, field(2, "\xd6\x03\x8a\x2b\x8b\x6f\x4c\xb5\xa5\x24\x33\x9a\x31\xdb\xb5\x9a")...)
	header = append(header, field(3, "\x01\x00\x00\x00")...)
	header = append(header, field(4, string(zeros[:]))...)
	header = append(header, field(7, string(zeros[:12]))...)
	header = append(header, field(11, kdf)...)
	header = append(header, field(0, "\r\n\r\n")...)

	single := sha256.Sum256(nil)
	composite := sha256.Sum256(single[:])
	block, err := aes.NewCipher(zeros[:])
	if err != nil {
		t.Fatal(err)
	}
	block.Encrypt(composite[:16], composite[:16])
	block.Encrypt(composite[16:], composite[16:])
	transformed := sha256.Sum256(composite[:])
	secret := append(zeros[:], transformed[:]...)
	key := sha256.Sum256(secret)
	base := sha512.Sum512(append(secret, 1))

	var body bytes.Buffer
	z, err := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	write(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	stream, err := chacha20.NewUnauthenticatedCipher(key[:], zeros[:12])
	if err != nil {
		t.Fatal(err)
	}
	data := body.Bytes()
	stream.XORKeyStream(data, data)
	mac := func(number uint64, parts ...[]byte) []byte {
		key := sha512.Sum512(append(le.AppendUint64(nil, number), base[:]...))
		h := hmac.New(sha256.New, key[:])
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	sum := sha256.Sum256(header)
	file := append(append(header, sum[:]...), mac(1<<64-1, header)...)
	for i, block := range [][]byte{data, nil} {
		size := le.AppendUint32(nil, uint32(len(block)))
		file = append(append(append(file, mac(uint64(i), le.AppendUint64(nil, uint64(i)), size, block)...), size...), block...)
	}
	return file
}

// What a database unpacks to is bounded: attachments by themselves, of which nothing
// is kept, the document much lower, and what is made of it again.
func TestUnpacked(t *testing.T) {
	t.Parallel()
	const inner = "\x01\x04\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00"
	const xml = "<KeePassFile><Root><Group><Entry><String><Key>Title</Key><Value>x</Value></String></Entry></Group></Root></KeePassFile>"
	attachment := func(w io.Writer, mib int) {
		_, _ = w.Write(append([]byte{3}, binary.LittleEndian.AppendUint32(nil, uint32(mib)<<20)...))
		for range mib {
			_, _ = w.Write(make([]byte, 1<<20))
		}
	}
	for name, test := range map[string]struct {
		write func(w io.Writer)
		want  error
	}{
		"attachments": {func(w io.Writer) {
			_, _ = io.WriteString(w, inner)
			attachment(w, 90)
			_, _ = io.WriteString(w, "\x00\x00\x00\x00\x00"+xml)
		}, nil},
		"an attachment without end": {func(w io.Writer) {
			_, _ = io.WriteString(w, inner)
			attachment(w, 300)
		}, kdbx.ErrTooBig},
		"a document without end": {func(w io.Writer) {
			_, _ = io.WriteString(w, inner+"\x00\x00\x00\x00\x00<KeePassFile>")
			for range 70 {
				_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20))
			}
		}, kdbx.ErrTooBig},
		"entries without end": {func(w io.Writer) {
			_, _ = io.WriteString(w, inner+"\x00\x00\x00\x00\x00<KeePassFile><Root><Group>"+strings.Repeat("<Entry/>", 200_000))
		}, kdbx.ErrTooBig},
		"a long field": {func(w io.Writer) { _, _ = io.WriteString(w, "\x01\xff\xff\xff\xff") }, kdbx.ErrDamaged},
		"no header":    {func(io.Writer) {}, kdbx.ErrDamaged},
		"a cut field":  {func(w io.Writer) { _, _ = io.WriteString(w, "\x01\x04\x00\x00\x00\x00") }, kdbx.ErrDamaged},
	} {
		d, err := kdbx.Parse(database(t, test.write))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := d.Open(nil)
		if !errors.Is(err, test.want) || err == nil && (len(entries) != 1 || entries[0].Title != "x") {
			t.Errorf("%s: %d entries, %v; want %v", name, len(entries), err, test.want)
		}
	}
}

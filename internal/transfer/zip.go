package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

func isZip(s *Source) bool { return s.Has("PK\x03\x04") || s.Has("PK\x05\x06") }

// archive reads a zip archive by recognising what is in it: 1Password's export.data,
// Proton Pass' data.json, the lists of Raivo, WinAuth and Authenticator Plus, the CSV
// files of Dashlane. It stands for no program and is not in the list.
func archive() Format {
	return Format{Name: "zip", Title: "Zip archive", Read: readArchive}
}

func readArchive(ctx context.Context, s *Source) (Batch, error) {
	if err := boundDirectory(s); err != nil {
		return Batch{}, err
	}
	z, err := zip.NewReader(bytes.NewReader(s.Data), int64(len(s.Data)))
	if err != nil {
		return Batch{}, ErrDamaged
	}
	var all Batch
	var known, empty, members int
	budget := int64(maxInside)
	for _, member := range z.File {
		if !worthReading(member) {
			continue
		}
		if members++; members > maxMembers {
			return Batch{}, fmt.Errorf("%w: more than %d files inside the archive", ErrTooBig, maxMembers)
		}
		data, err := readMember(ctx, s, member, budget)
		if err != nil {
			return Batch{}, err
		}
		// Members may share their compressed bytes, and those may hold nothing.
		budget -= max(int64(len(data)), int64(member.CompressedSize64))
		left := s.call.memory
		in := s.inner(member.Name, data)
		b, err := read(ctx, in)
		s.call.memory = left
		switch {
		case errors.Is(err, ErrUnknownFormat):
			for _, skip := range unread(in) {
				all.skip(member.Name+", "+skip.Row, skip.Reason)
			}
			continue
		case isNoData(err):
			empty++
			continue
		case err != nil:
			return Batch{}, err
		}
		known++
		all.merge(b)
	}
	switch {
	case known > 0 || len(all.Skipped) > 0:
		return all, nil
	case empty > 0:
		return Batch{}, ErrNoOTPData
	}
	return Batch{}, fmt.Errorf("%w: a zip archive without a file that is known", ErrUnknownFormat)
}

// worthReading leaves out folders, attachments and pictures, by name: they are large,
// many, and never hold a list of accounts.
func worthReading(f *zip.File) bool {
	name := strings.ToLower(f.Name)
	if strings.HasSuffix(name, "/") || strings.HasPrefix(name, "files/") || strings.Contains(name, "__macosx") {
		return false
	}
	for _, ending := range []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf"} {
		if strings.HasSuffix(name, ending) {
			return false
		}
	}
	return true
}

// readMember returns the content of one member, of at most limit bytes.
func readMember(ctx context.Context, s *Source, f *zip.File, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.CompressedSize64 > uint64(limit) {
		return nil, errTooMuchInside()
	}
	// archive/zip opens encrypted members without a word, so the flag is looked at here.
	if f.Flags&1 != 0 {
		return openMember(ctx, s, f, limit)
	}
	r, err := f.Open()
	if err != nil {
		return nil, ErrDamaged
	}
	defer func() { _ = r.Close() }()
	return readBounded(r, limit)
}

// readBounded reads all of r, which is at most limit bytes.
func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, ErrDamaged
	case int64(len(data)) > limit:
		return nil, errTooMuchInside()
	}
	return data, nil
}

func errTooMuchInside() error {
	return fmt.Errorf("%w: more than %d MiB inside the archive", ErrTooBig, maxInside>>20)
}

// zipEntry is how much memory archive/zip takes for a file of an archive, in bytes
// besides what its header says.
const zipEntry = 500

// boundDirectory refuses an archive whose directory takes too much memory once it is
// read, which archive/zip does as a whole: every header begins with the same mark
// (APPNOTE.TXT, section 4.3.12).
func boundDirectory(s *Source) error {
	entries, size := 0, 0
	for data := s.Data; ; entries++ {
		at := bytes.Index(data, []byte("PK\x01\x02"))
		if at < 0 || len(data)-at < 46 {
			break
		}
		data = data[at:]
		for _, field := range []int{28, 30, 32} { // name, extra field, comment
			size += int(binary.LittleEndian.Uint16(data[field:]))
		}
		data = data[4:]
	}
	switch {
	case entries > maxEntries:
		return fmt.Errorf("%w: more than %d files inside the archive", ErrTooBig, maxEntries)
	case !s.take(entries*zipEntry + 2*size):
		return s.call.over
	}
	return nil
}

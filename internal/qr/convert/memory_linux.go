package convert

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxPictures is how many pictures of one file are taken: a photograph has one.
const maxPictures = 16

// memory holds the files of a program in memory. For programs that take only names, each
// has one: the input a descriptor's, and the outputs names in a folder that lead to
// descriptors. Nothing of what is in them is on a disk, or outlives the processes.
type memory struct {
	in    string     // what the program calls its input
	files []*os.File // its descriptors from 3 on: the input, then the outputs
}

// inMemory returns files in memory: one with data, and those that the program can write
// as [page] names them in dir. ok is false where the system has none.
//
// Source: memfd_create(2), proc(5).
func inMemory(dir string, data []byte) (m *memory, ok bool) {
	m = &memory{in: "/proc/self/fd/3"}
	for n := range 1 + maxPictures {
		fd, err := unix.MemfdCreate("auth-convert", unix.MFD_CLOEXEC)
		if err != nil {
			m.close()
			return nil, false
		}
		m.files = append(m.files, os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd)))
		if n == 0 {
			_, err = m.files[0].Write(data)
		} else {
			err = os.Symlink(fmt.Sprintf("/proc/self/fd/%d", 3+n), filepath.Join(dir, page(n-1)))
		}
		if err != nil {
			m.close()
			return nil, false
		}
	}
	if _, err := os.Stat(m.files[0].Name()); err != nil { // there is no /proc
		m.close()
		return nil, false
	}
	return m, true
}

// pages returns what the program has written.
func (m *memory) pages() ([][]byte, error) {
	var pages [][]byte
	var total int64
	for _, f := range m.files[1:] {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if info.Size() == 0 {
			continue
		}
		if total += info.Size(); total > maxOutput {
			return nil, errTooMuch
		}
		data, err := io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
		if err != nil {
			return nil, err
		}
		pages = append(pages, data)
	}
	if len(pages) == 0 {
		return nil, errNoPage
	}
	return pages, nil
}

func (m *memory) close() {
	for _, f := range m.files {
		f.Close()
	}
}

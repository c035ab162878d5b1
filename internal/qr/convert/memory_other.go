//go:build !linux

package convert

import "os"

type memory struct {
	in    string
	files []*os.File
}

func inMemory(string, []byte) (*memory, bool) { return nil, false }

func (*memory) pages() ([][]byte, error) { return nil, errNoPage }
func (*memory) close()                   {}

package transfer

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// isHeadless reports whether s is a CSV file without a header, all in quotes, as Keeper
// and old versions of Dashlane write it. A list of quoted URIs is none.
func isHeadless(s *Source) bool {
	text := strings.TrimSpace(s.Text())
	if !strings.HasPrefix(text, `"`) {
		return false
	}
	r := headlessReader(text)
	for range 5 {
		record, err := r.Read()
		if err != nil || isURI(record[0]) {
			return false
		}
		for _, cell := range record[1:] {
			if strings.HasPrefix(cell, "http") || isURI(cell) {
				return true
			}
		}
	}
	return false
}

func headlessReader(text string) *csv.Reader {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	return r
}

// readHeadless takes every cell that is a URI; there is no telling a bare secret from a
// password. Keeper has them in fields of its own at the end of a row.
func readHeadless(s *Source) (Batch, error) {
	var b Batch
	r := headlessReader(strings.TrimSpace(s.Text()))
	for i := 0; ; i++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		for _, cell := range record {
			if isURI(cell) {
				readText(&b, rowName(i, "", ""), cell)
			}
		}
	}
}

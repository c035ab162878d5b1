package transfer

import (
	"context"
	"strings"
)

// isHeadless reports whether s is a CSV file without a header, all in quotes, as Keeper
// and old versions of Dashlane write it. A list of quoted URIs is none.
func isHeadless(s *Source) bool {
	text := strings.TrimSpace(s.Text())
	if !strings.HasPrefix(text, `"`) {
		return false
	}
	t := headless(text)
	for range 5 {
		record, ok := t.rows.next()
		if !ok || isURI(record[0]) {
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

// headless returns a table of Keeper's columns.
func headless(text string) *table {
	return &table{columns: map[string]int{"folder": 0, "title": 1, "login": 2}, rows: csvReader{text: text, comma: ','}}
}

// readHeadless takes every cell that is a URI; there is no telling a bare secret from a
// password. Keeper has them in fields of its own at the end of a row.
func readHeadless(ctx context.Context, s *Source) (Batch, error) {
	var b Batch
	err := headless(strings.TrimSpace(s.Text())).each(ctx, &b, func(i int, record []string) {
		for _, cell := range record {
			if isURI(cell) {
				readText(&b, rowName(i, "", ""), cell)
			}
		}
	})
	return b, err
}

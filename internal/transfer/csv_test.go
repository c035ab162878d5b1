package transfer

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

// checkCSV compares the records of a text with those of encoding/csv.
func checkCSV(t *testing.T, text string, comma byte) {
	t.Helper()
	theirs := csv.NewReader(strings.NewReader(text))
	theirs.Comma, theirs.FieldsPerRecord, theirs.LazyQuotes = rune(comma), -1, true
	ours := csvReader{text: text, comma: comma}
	for {
		want, err := theirs.Read()
		got, ok := ours.next()
		if ok != (err == nil) || ok && !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, %v; want %q, %v", text, got, ok, want, err)
		}
		if !ok {
			return
		}
	}
}

// A row may have so many cells and no more.
func TestCSVCells(t *testing.T) {
	t.Parallel()
	for cells, over := range map[int]bool{maxCells: false, maxCells + 1: true} {
		r := csvReader{text: strings.Repeat("x,", cells-1) + "x\ny\n", comma: ','}
		record, ok := r.next()
		if r.over != over || ok == over || ok && len(record) != cells {
			t.Errorf("%d cells: %d, %v", cells, len(record), r.over)
		}
	}
}

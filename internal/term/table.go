package term

import (
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Table writes rows as columns. A column is as wide as its widest cell on a terminal; columns are two spaces apart, and no
// line ends with spaces. Rows may differ in length. Cells are written as they are: use [Escape] on texts that are not ours.
func Table(w io.Writer, rows [][]string) error {
	var columns []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(columns) {
				columns = append(columns, 0)
			}
			columns[i] = max(columns[i], width(cell))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", columns[i]-width(cell)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// width returns the columns that s takes on a terminal that draws a grapheme cluster as one picture.
func width(s string) int { return displaywidth.String(s) }

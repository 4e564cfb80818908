package mapping

import (
	"encoding/csv"
	"slices"
	"strings"
)

// cell is where the cell of row i stands, in a table that is a column of a CSV file.
func (t *table) cell(i int) span {
	column := slices.Index(t.of.views, t) + 1
	// The places of all cells would be larger than the file: it is read again up to the
	// row.
	r := csv.NewReader(strings.NewReader(strings.Join(t.doc.lines, "\n")))
	r.FieldsPerRecord = -1
	for {
		record, err := r.Read()
		if err != nil {
			return t.places[i]
		}
		if line, _ := r.FieldPos(0); line == t.places[i].pos.Line && column < len(record) {
			return t.field(r, column, record[column])
		}
	}
}

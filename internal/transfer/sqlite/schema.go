package sqlite

import (
	"slices"
	"strings"
)

// A table is one row of the schema that describes a table.
type table struct {
	name    string // in lower case
	root    uint32
	columns []string // in lower case, in the order of the records
	rowid   int      // the index of the column that stands for the rowid, or -1
}

// readSchema reads the table sqlite_schema, whose root is page 1.
func (d *DB) readSchema() error {
	return d.walk(1, func(_ int64, v []any) error {
		if len(v) < 5 || v[0] != "table" {
			return nil
		}
		name, named := v[1].(string)
		root, rooted := v[3].(int64)
		sql, written := v[4].(string)
		// A virtual table has no pages of its own.
		if !named || !rooted || !written || root < 1 || root > 1<<32-1 || len(sql) > maxSQL {
			return nil
		}
		t := table{name: strings.ToLower(name), root: uint32(root)}
		t.columns, t.rowid = columns(sql)
		d.tables = append(d.tables, t)
		return nil
	})
}

// Tables returns the names of the tables in lower case.
func (d *DB) Tables() []string {
	names := make([]string, len(d.tables))
	for i, t := range d.tables {
		names[i] = t.name
	}
	return names
}

// Has reports whether a table of this name (any case) has all these columns
// (in lower case).
func (d *DB) Has(name string, columns ...string) bool {
	t, err := d.table(name)
	return err == nil && !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(t.columns, c) })
}

func (d *DB) table(name string) (table, error) {
	i := slices.IndexFunc(d.tables, func(t table) bool { return t.name == strings.ToLower(name) })
	if i < 0 {
		return table{}, ErrNoTable
	}
	return d.tables[i], nil
}

// Rows returns all rows of a table in the order of their rowids. On [ErrDamaged] it
// returns the rows before the damage too; other errors are [ErrNoTable],
// [ErrUnsupported] and [ErrTooBig].
func (d *DB) Rows(name string) ([]Row, error) {
	t, err := d.table(name)
	if err != nil {
		return nil, err
	}
	if t.columns == nil {
		return nil, ErrUnsupported
	}
	var rows []Row
	err = d.walk(t.root, func(rowid int64, values []any) error {
		row := Row{}
		for i, v := range values[:min(len(values), len(t.columns))] {
			row[t.columns[i]] = v
		}
		// The column that is an alias of the rowid is stored as NULL.
		if t.rowid >= 0 && len(values) > t.rowid {
			row[t.columns[t.rowid]] = rowid
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

// columns finds the names of the columns in a CREATE TABLE statement, in lower
// case, and the index of the one that is an alias of the rowid, or -1. The names
// are nil where columns are computed, so that values cannot be told apart.
func columns(sql string) (names []string, rowid int) {
	rowid = -1
	var integers []string // the columns of type INTEGER: only one of them can be the alias
	for _, def := range definitions(tokens(sql)) {
		words := keywords(def)
		switch words[0] {
		case "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN":
			key := primaryKey(def)
			if i := slices.Index(names, key); i >= 0 && slices.Contains(integers, key) {
				rowid = i
			}
			continue
		}
		if slices.Contains(words[1:], "AS") {
			return nil, -1
		}
		name := strings.ToLower(def[0].text)
		if len(words) > 1 && words[1] == "INTEGER" {
			integers = append(integers, name)
			if slices.Contains(words, "PRIMARY") && !slices.Contains(words, "DESC") {
				rowid = len(names)
			}
		}
		if names = append(names, name); len(names) > maxColumns {
			return nil, -1
		}
	}
	return names, rowid
}

// keywords returns the words of a definition in upper case, those in parentheses
// left out and quoted ones as "".
func keywords(def []token) []string {
	var words []string
	depth := 0
	for _, t := range def {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && t.quoted:
			words = append(words, "")
		case depth == 0:
			words = append(words, strings.ToUpper(t.text))
		}
	}
	return append(words, "")
}

// primaryKey returns the column of a constraint PRIMARY KEY (column), in lower
// case, or "" for another constraint and for a key of several columns.
func primaryKey(def []token) string {
	open := slices.IndexFunc(def, func(t token) bool { return t.is("(") })
	if open < 2 || len(def) < open+3 || !def[open-2].is("PRIMARY") {
		return ""
	}
	if next := def[open+2]; !next.is(")") && !next.is("AUTOINCREMENT") {
		return ""
	}
	return strings.ToLower(def[open+1].text)
}

// definitions splits what stands in the outer parentheses at its commas.
func definitions(all []token) [][]token {
	var defs [][]token
	var def []token
	depth := 0
	for _, t := range all {
		if t.is("(") {
			if depth++; depth == 1 {
				continue
			}
		} else if t.is(")") {
			depth--
		}
		if depth == 0 && t.is(")") || depth == 1 && t.is(",") {
			if len(def) > 0 {
				defs = append(defs, def)
			}
			def = nil
			if depth == 0 {
				return defs
			}
		} else if depth > 0 {
			def = append(def, t)
		}
	}
	return defs
}

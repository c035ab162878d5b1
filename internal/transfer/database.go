package transfer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/authcli/auth/internal/transfer/sqlite"
)

// database opens the SQLite database in s with the -wal file beside it, if that is
// among the other files of the call: an app that was not stopped before the copy has
// its newest accounts there.
func (s *Source) database() (*sqlite.DB, error) {
	if s.storage == nil {
		d, err := sqlite.Open(s.Data, s.other(s.Name+"-wal"))
		if err != nil {
			return nil, databaseError(err)
		}
		s.storage = d
	}
	return s.storage, nil
}

// hasTable reports whether s is an SQLite database with such a table.
func (s *Source) hasTable(name string, columns ...string) bool {
	if !sqlite.Is(s.Data) {
		return false
	}
	d, err := s.database()
	return err == nil && d.Has(name, columns...)
}

// rows returns the rows of a table.
func (s *Source) rows(table string) ([]sqlite.Row, error) {
	d, err := s.database()
	if err != nil {
		return nil, err
	}
	if !s.take(sqlite.MaxTable) {
		return nil, s.call.over
	}
	rows, err := d.Rows(table)
	return rows, databaseError(err)
}

// other returns the file of this name that was given in the same call, or nil.
func (s *Source) other(name string) []byte {
	for _, f := range s.Others {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// databaseError gives an error of package sqlite the meaning that [Read] promises.
func databaseError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite.ErrTooBig):
		return fmt.Errorf("%w: a database of more rows than is reasonable", ErrTooBig)
	case errors.Is(err, sqlite.ErrPassphrase):
		return ErrWrongPassphrase
	case errors.Is(err, sqlite.ErrUnsupported), errors.Is(err, sqlite.ErrNoTable):
		return &NotExportableError{
			What: "an SQLite database that is written in a way that is not supported",
			Do:   "Move the accounts with the app's own export.",
		}
	}
	return ErrDamaged
}

// isLog reports whether s is the -wal or -shm file of a database of the same call: it
// is read with the database.
func isLog(s *Source) bool {
	for _, ending := range []string{"-wal", "-shm"} {
		if name, found := strings.CutSuffix(s.Name, ending); found && sqlite.Is(s.other(name)) {
			return true
		}
	}
	return false
}

// column returns the number in a column, not set where there is none.
func column(r sqlite.Row, name string) number {
	if r[name] == nil || r[name] == "" {
		return number{}
	}
	n, ok := r.Int(name)
	return number{value: n, set: true, bad: !ok}
}

package vault

import (
	"errors"
	"fmt"
	"time"
)

// Errors of this package. The commands attach words of advice and exit codes.
var (
	ErrFormat   = errors.New("the vault's content is not understood")
	ErrNewer    = errors.New("the vault was written by a later version of auth")
	ErrLost     = errors.New("the vault is not in the keyring where it was last seen")
	ErrNotFound = errors.New("no such account")
	ErrExists   = errors.New("an account of that label exists")
	ErrAlias    = errors.New("that alias is taken")
	ErrWhole    = errors.New("the vault is whole")
	ErrNothing  = errors.New("no whole generation of the vault is left")
)

// An AmbiguousError says that several accounts match a query equally well.
type AmbiguousError struct {
	Query   string
	Matches []Account
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%d accounts match %q", len(e.Matches), e.Query)
}

// A BusyError says that another process kept the vault's lock for too long.
type BusyError struct {
	Holder string // the id and command of the other process, as it wrote them
	Waited time.Duration
}

func (e *BusyError) Error() string {
	who := e.Holder
	if who == "" {
		who = "another process"
	}
	return fmt.Sprintf("the vault is in use by %s (waited %s)", who, e.Waited)
}

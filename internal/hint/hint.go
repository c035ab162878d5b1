// Package hint attaches advice to an error.
//
// A hint says what the user can do next, as a whole command if possible. It is stored
// beside the error and does not change its message, so the error matches, wraps and
// prints as before. Commands attach hints and the command line prints them. Domain
// packages do not import this package, because they know no commands.
package hint

import "errors"

// hinted is an error with a hint.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// With returns err with hint attached. The message is unchanged and err can still be found by [errors.Is] and
// [errors.As]. A nil err stays nil, and an empty hint attaches nothing.
func With(err error, hint string) error {
	if err == nil || hint == "" {
		return err
	}
	return &hinted{err: err, hint: hint}
}

// All returns the hints in the tree of err, outermost first and each once; nil if there
// are none.
func All(err error) []string {
	var hints []string
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if h, ok := err.(*hinted); ok && !seen[h.hint] { //nolint:errorlint // This walk visits each error of the tree itself.
			seen[h.hint] = true
			hints = append(hints, h.hint)
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
			return
		}
		if next := errors.Unwrap(err); next != nil {
			walk(next)
		}
	}
	walk(err)
	return hints
}

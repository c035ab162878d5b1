package hint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/hint"
)

func TestWithKeepsTheError(t *testing.T) {
	t.Parallel()
	cause := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	err := hint.With(cause, `create it with "touch x"`)
	if err.Error() != cause.Error() {
		t.Errorf("message %q, want that of the cause, %q", err, cause)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("errors.Is does not find the cause through a hint")
	}
	if got, ok := errors.AsType[*fs.PathError](err); !ok || got != cause {
		t.Error("errors.As does not find the cause through a hint")
	}
}

func TestWithNil(t *testing.T) {
	t.Parallel()
	if err := hint.With(nil, "anything"); err != nil {
		t.Errorf("With(nil) = %v, want nil", err)
	}
	if got := hint.All(hint.With(errors.New("x"), "")); got != nil {
		t.Errorf("an empty hint counts as one: %q", got)
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	inner := hint.With(errors.New("a"), "first aid")
	joined := errors.Join(inner, hint.With(errors.New("b"), "second"), hint.With(errors.New("c"), "first aid"))
	err := hint.With(fmt.Errorf("outer: %w", joined), "look here")
	if got, want := hint.All(err), []string{"look here", "first aid", "second"}; !slices.Equal(got, want) {
		t.Errorf("All = %q, want %q", got, want)
	}
	if got := hint.All(errors.New("plain")); got != nil {
		t.Errorf("All of an error without hints = %q, want nil", got)
	}
	if got := hint.All(nil); got != nil {
		t.Errorf("All(nil) = %q, want nil", got)
	}
}

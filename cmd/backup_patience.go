package cmd

import (
	"cmp"
	"context"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

// How long a location may take: to be backed up to after a change, also for each single
// call, and to be read from end to end where a user asked for that.
const (
	folderWait = 10 * time.Second
	remoteWait = 30 * time.Second
	readWait   = 5 * time.Minute
)

// patience is how long a location may take to be backed up to.
func (s *session) patience(loc location.Location) time.Duration {
	wait := remoteWait
	if loc.Local() {
		wait = folderWait
	}
	return cmp.Or(s.Patience, wait)
}

// patient is a location that no single call waits for longer than wait. Between calls
// somebody may be asked for a passphrase, which may take as long as it likes.
type patient struct {
	location.Location

	wait time.Duration
}

func within[T any](ctx context.Context, p patient, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	return call(ctx)
}

func (p patient) do(ctx context.Context, call func(context.Context) error) error {
	_, err := within(ctx, p, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

func (p patient) List(ctx context.Context) ([]location.Entry, error) {
	return within(ctx, p, p.Location.List)
}

func (p patient) Read(ctx context.Context, name string) ([]byte, error) {
	return within(ctx, p, func(ctx context.Context) ([]byte, error) { return p.Location.Read(ctx, name) })
}

func (p patient) Create(ctx context.Context, name string, data []byte) error {
	return p.do(ctx, func(ctx context.Context) error { return p.Location.Create(ctx, name, data) })
}

func (p patient) Replace(ctx context.Context, name string, data []byte) error {
	return p.do(ctx, func(ctx context.Context) error { return p.Location.Replace(ctx, name, data) })
}

func (p patient) Remove(ctx context.Context, name string) error {
	return p.do(ctx, func(ctx context.Context) error { return p.Location.Remove(ctx, name) })
}

// prepare makes the location where there is none yet.
func (p patient) prepare(ctx context.Context) error {
	return p.do(ctx, func(ctx context.Context) error { return location.Prepare(ctx, p.Location) })
}

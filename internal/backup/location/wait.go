package location

import (
	"cmp"
	"context"
	"time"
)

// Default limits for one call to a location.
const (
	FolderWait = 10 * time.Second
	RemoteWait = 30 * time.Second
)

// bounded limits every single call of a location to wait. The limit is not for several
// calls together, because the user may be typing a passphrase between two of them.
type bounded struct {
	Location

	wait time.Duration
}

// bound limits every call of a location to wait, or to the default of its kind.
func bound(l Location, wait time.Duration) Location {
	usual := RemoteWait
	if l.Local() {
		usual = FolderWait
	}
	return bounded{l, cmp.Or(wait, usual)}
}

func (b bounded) Wait() time.Duration { return b.wait }

func (b bounded) List(ctx context.Context) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.Location.List(ctx)
}

func (b bounded) Read(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.Location.Read(ctx, name)
}

func (b bounded) Create(ctx context.Context, name string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.Location.Create(ctx, name, data)
}

func (b bounded) Replace(ctx context.Context, name string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.Location.Replace(ctx, name, data)
}

func (b bounded) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.Location.Remove(ctx, name)
}

func (b bounded) Prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return Prepare(ctx, b.Location)
}

package location

import (
	"cmp"
	"context"
	"time"
)

// How long one call to a location may take where [Options] do not say.
const (
	FolderWait = 10 * time.Second
	RemoteWait = 30 * time.Second
)

// bounded is a location of which no single call takes longer than wait. Between two
// calls somebody may be asked for a passphrase, which may take as long as it likes.
type bounded struct {
	Location

	wait time.Duration
}

// bound bounds the calls of a location by wait, or by what is usual for its kind.
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

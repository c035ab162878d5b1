package transfer

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"math"
	"runtime"
	"time"
)

// What one call of [Read] may take, whatever its files ask for.
const (
	// MaxMemory is in bytes: the files, what is decoded of them, and the memory of a
	// key derivation. What the collector has yet to free is not counted; the program
	// sets its own limit for that.
	MaxMemory = 512 << 20
	// MaxWork is what the key derivations of a call may take together.
	MaxWork = time.Minute

	// With the user's consent, see [ReadOptions.AllowCost].
	maxAllowedMemory = 4 << 30
	maxAllowedWork   = 10 * time.Minute
)

// A Cost is what deriving a key takes. Its time is computed from the parameters, for
// one core of an ordinary machine, and never measured: the same file costs the same
// everywhere.
type Cost struct {
	Memory int64 // bytes
	Time   time.Duration
}

// String returns the cost in words: "1.0 GiB of memory and about 4 s".
func (c Cost) String() string {
	memory := fmt.Sprintf("%d MiB", (c.Memory+1<<20-1)>>20)
	if c.Memory >= 1<<30 {
		memory = fmt.Sprintf("%.1f GiB", float64(c.Memory)/(1<<30))
	}
	return fmt.Sprintf("%s of memory and about %d s", memory, max(1, int64(c.Time.Round(time.Second)/time.Second)))
}

// A CostError says that a key costs more than a call may take without the user's
// consent. It is an [ErrTooBig].
type CostError struct{ Cost Cost }

func (e *CostError) Error() string {
	return fmt.Sprintf("%v: deriving its key takes %v; %d MiB and %d s a call are spent unasked",
		ErrTooBig, e.Cost, MaxMemory>>20, MaxWork/time.Second)
}

// Is reports whether target is [ErrTooBig].
func (e *CostError) Is(target error) bool { return target == ErrTooBig }

// Nanoseconds of the units of work, as measured on one core of a small server. They
// need to be right to within a factor of two or so.
const (
	argonNanos  = 1000 // a pass over 1 KiB
	scryptNanos = 400  // N·r·p of 1
	aesNanos    = 60   // a round of KeePass' AES-KDF
	sha1Nanos   = 250  // an iteration of PBKDF2 for a block of output
	sha256Nanos = 200
	sha512Nanos = 500
)

// newCost returns a cost whose numbers come from a file: they may be anything, and
// what overflows is as much as there is.
func newCost(bytes, nanos float64) Cost {
	return Cost{Memory: int64(min(bytes, math.MaxInt64/2)), Time: time.Duration(min(nanos, math.MaxInt64/2))}
}

// argon2Cost is the price of Argon2 with memory in KiB. Numbers that make no sense are
// [ErrDamaged]: golang.org/x/crypto panics on them.
func argon2Cost(time, memory, threads int64) (Cost, error) {
	if time < 1 || memory < 8 || threads < 1 {
		return Cost{}, ErrDamaged
	}
	c := newCost(float64(memory)*1024, float64(time)*float64(memory)*argonNanos)
	if threads > math.MaxUint8 || time > math.MaxUint32 {
		return c, errUnreasonable()
	}
	return c, nil
}

// pbkdf2Cost is the price of size bytes of PBKDF2.
func pbkdf2Cost(h func() hash.Hash, iterations int64, size int) (Cost, error) {
	if iterations < 1 {
		return Cost{}, ErrDamaged
	}
	length, nanos := h().Size(), float64(sha512Nanos)
	switch length {
	case sha1.Size:
		nanos = sha1Nanos
	case sha256.Size:
		nanos = sha256Nanos
	}
	blocks := (size + length - 1) / length
	return newCost(0, float64(iterations)*float64(blocks)*nanos), nil
}

// scryptCost is the price of scrypt.
func scryptCost(n, r, p int64) (Cost, error) {
	if n < 2 || n&(n-1) != 0 || r < 1 || p < 1 {
		return Cost{}, ErrDamaged
	}
	return newCost(128*float64(r)*(float64(n)+float64(p)), float64(n)*float64(r)*float64(p)*scryptNanos), nil
}

// unreasonable reports whether c is beyond what even the user's consent allows.
func (c Cost) unreasonable() bool { return c.Memory > maxAllowedMemory || c.Time > maxAllowedWork }

func errUnreasonable() error {
	return fmt.Errorf("%w: the file asks for more key derivation than is reasonable", ErrTooBig)
}

// A call is what the sources of one call of [Read] share.
type call struct {
	ask    func(ctx context.Context) (string, error)
	allow  func(ctx context.Context, file string, c Cost) (bool, error)
	insist string // name of the format that the user insists on, or empty

	memory  int64 // bytes that are left
	work    time.Duration
	allowed bool  // the user has consented to more
	derived int64 // bytes of key derivations that the collector may not have freed yet
	over    error // why the call is over: a bound was reached
}

func newCall(o ReadOptions) *call {
	return &call{ask: once(o.Passphrase), allow: o.AllowCost, insist: o.Format, memory: MaxMemory, work: MaxWork}
}

// shared returns the call of s; a source that was made by itself has one of its own.
func (s *Source) shared() *call {
	if s.call == nil {
		s.call = newCall(ReadOptions{})
	}
	return s.call
}

// take takes so many bytes of the call's memory and reports whether there are as many.
// Whoever gets false stops; [Read] then says why, so that recognising a file needs no
// error of its own.
func (s *Source) take(bytes int) bool {
	c := s.shared()
	if int64(bytes) > c.memory {
		c.fail(fmt.Errorf("%w: reading it takes more than %d MiB of memory", ErrTooBig, MaxMemory>>20))
	}
	if c.over != nil {
		return false
	}
	c.memory -= int64(bytes)
	return true
}

// fail ends the call; its first reason counts.
func (c *call) fail(err error) {
	if c.over == nil {
		c.over = err
	}
}

// affordArgon2, affordPBKDF2 and affordScrypt are [Source.afford] for the parameters of
// a derivation; those that make no sense are [ErrDamaged].
func (s *Source) affordArgon2(ctx context.Context, time, memory, threads int64) error {
	c, err := argon2Cost(time, memory, threads)
	if err != nil {
		return err
	}
	return s.afford(ctx, c)
}

func (s *Source) affordPBKDF2(ctx context.Context, h func() hash.Hash, iterations int64, size int) error {
	c, err := pbkdf2Cost(h, iterations, size)
	if err != nil {
		return err
	}
	return s.afford(ctx, c)
}

func (s *Source) affordScrypt(ctx context.Context, n, r, p int64) error {
	c, err := scryptCost(n, r, p)
	if err != nil {
		return err
	}
	return s.afford(ctx, c)
}

// afford takes the price of a key from the call's budget, and asks the user where it
// is beyond. It is called before anything is derived, and before the passphrase is
// asked for. The errors are *[CostError], [ErrTooBig] and what asking ends with.
func (s *Source) afford(ctx context.Context, c Cost) error {
	b := s.shared()
	if c.unreasonable() {
		return errUnreasonable()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !b.allowed && (c.Memory > b.memory || c.Time > b.work) {
		if b.allow == nil {
			return &CostError{c}
		}
		switch yes, err := b.allow(ctx, s.Name, c); {
		case err != nil:
			return err
		case !yes:
			return &CostError{c}
		}
		b.allowed = true
		b.work += maxAllowedWork - MaxWork
	}
	if c.Time > b.work {
		return fmt.Errorf("%w: the files ask for more than %d s of key derivation", ErrTooBig, maxAllowedWork/time.Second)
	}
	b.work -= c.Time
	// Two large derivations one after the other would take twice as much, as long as
	// the collector has not seen that the first is over.
	if b.derived+c.Memory > b.memory/2 {
		runtime.GC()
		b.derived = 0
	}
	b.derived += c.Memory
	return nil
}

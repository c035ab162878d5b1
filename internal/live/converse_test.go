package live

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// A talk is a conversation with a view.
type talk struct {
	t     *testing.T
	in    *io.PipeWriter
	out   *bufio.Scanner
	ended chan error
}

func converse(ctx context.Context, t *testing.T, o Options) *talk {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	o.In, o.Out = inR, outW
	c := &talk{t, inW, bufio.NewScanner(outR), make(chan error, 1)}
	go func() {
		c.ended <- Converse(ctx, o)
		outW.Close()
	}()
	t.Cleanup(func() { inW.Close(); outR.Close() })
	return c
}

func (c *talk) types(line string) {
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// hears checks the next lines.
func (c *talk) hears(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if !c.out.Scan() {
			c.t.Fatalf("silence instead of %q", want)
		}
		if c.out.Text() != want {
			c.t.Errorf("heard %q, want %q", c.out.Text(), want)
		}
	}
}

// A code is read in groups with how long it is valid, and its end is announced. Nothing is drawn.
func TestConverse(t *testing.T) {
	t.Parallel()
	v := newVault(3)
	v.accounts[2].Counter = true
	v.now = noon.Add(29*time.Second + 700*time.Millisecond)
	c := converse(t.Context(), t, v.options())
	c.hears("3 accounts. Type a part of a name for its code, or help.")
	c.types("issuer")
	c.hears("1. Issuer 0, me", "2. Issuer 1, me", "3. Issuer 2, me", "3 accounts. A number chooses one.")
	c.types("2")
	until := noon.Add(30 * time.Second)
	c.hears("Issuer 1, me: "+group(number("id1", until))+". Valid for 1 second.",
		"The next one is "+group(number("id1", until.Add(30*time.Second)))+".",
		"The code of Issuer 1, me has ended. Enter gives the next one.")
	c.types("copy")
	c.hears("There is no code to copy.") // one that has ended would only be refused
	v.now = until
	c.types("")
	c.hears("Issuer 1, me: " + group(number("id1", until.Add(30*time.Second))) + ". Valid for 30 seconds.")
	c.types("copy")
	c.hears("copied for 45 s")
	c.types("issuer 2")
	c.hears("Issuer 2, me goes by a counter. advance gives its next code.")
	c.types("")
	c.hears("Issuer 2, me goes by a counter. advance gives its next code.")
	if v.counter != 0 {
		t.Error("advanced without being asked to")
	}
	c.types("advance")
	c.hears("Issuer 2, me: 000 001. The counter is advanced.")
	c.types("evil\x1b[2J")
	c.hears(`No account matches evil\x1b[2J.`)
	c.types("q")
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

// The conversation ends with its context and with its input.
func TestConverseEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := converse(ctx, t, newVault(1).options())
	c.hears("1 account. Type a part of a name for its code, or help.")
	cancel()
	if err := <-c.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c = converse(t.Context(), t, newVault(1).options())
	c.hears("1 account. Type a part of a name for its code, or help.")
	c.in.Close()
	if err := <-c.ended; err != nil {
		t.Errorf("at the end of the input: %v", err)
	}
}

// What cannot be read is said, and the conversation goes on.
func TestConverseLockedKeyring(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	c := converse(t.Context(), t, v.options())
	c.hears("1 account. Type a part of a name for its code, or help.")
	v.err = errors.New("the keyring is locked")
	c.types("issuer")
	c.hears("the keyring is locked")
	v.err = nil
	c.types("issuer")
	if !c.out.Scan() || !strings.HasPrefix(c.out.Text(), "Issuer 0, me: ") {
		t.Errorf("heard %q", c.out.Text())
	}
}

// A code that ends sooner than code.min-valid allows is not read out: the next one follows by itself. How the backup
// stands is said once.
func TestConverseWaitsForALongerCode(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	v.least = 5 * time.Second
	o := v.options()
	end := noon.Add(30 * time.Second)
	times := []time.Time{end.Add(-100 * time.Millisecond), end}
	o.Now = func() time.Time {
		now := times[0]
		times = times[min(1, len(times)-1):]
		return now
	}
	o.Notices = func(context.Context) ([]string, string) {
		return []string{"the laptop has news"}, "last backup 2026-11-28"
	}
	c := converse(t.Context(), t, o)
	c.hears("1 account. Type a part of a name for its code, or help.", "Note: the laptop has news", "Note: last backup 2026-11-28")
	c.types("issuer")
	c.hears("Issuer 0, me: its code ends in 1 second. The next one follows then.",
		"Issuer 0, me: "+group(number("id0", end.Add(30*time.Second)))+". Valid for 30 seconds.")
}

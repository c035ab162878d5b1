package qr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// maxTime bounds the whole of [Read]; a step that has begun goes on for some
// tenths of a second.
const maxTime = 2300 * time.Millisecond

// Read returns the QR codes in an image: PNG, JPEG, GIF, WebP, BMP or TIFF, by
// content. One without codes is no error. The errors are [ErrNotImage],
// [ErrDamaged] with what the decoder said, [*TooLargeError], [ErrTooSlow], and
// those of ctx.
func Read(ctx context.Context, data []byte) (Result, error) {
	return read(ctx, data, maxTime, nil)
}

// read takes at most so long, and tells trace, if there is one, after each pass
// how many codes there are.
func read(ctx context.Context, data []byte, limit time.Duration, trace func(pass string, found int)) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := newReader(ctx, bounded)
	r.trace = trace
	return r.read(data)
}

// read searches a file and gathers what was found.
func (r *reader) read(data []byte) (Result, error) {
	// The quick passes over all frames come first, so that a code late in an
	// animation does not wait for the thorough search of the frames before.
	err := r.searchFrames(data, passes[:quickPasses], passes[quickPasses:])
	if err == nil && r.searched && !r.thorough && (r.none() || r.single != nil && r.scanner.more(r.single)) {
		err = r.searchFrames(data, passes[quickPasses:], nil)
	}
	if r.caller.Err() != nil {
		return Result{}, r.caller.Err()
	}
	if err != nil && r.result.FramesRead == 0 {
		return Result{}, err
	}
	result := r.result
	result.Unread = r.leftOver()
	result.Codes = unique(join(r.inOrder()))
	if len(result.Codes) == 0 {
		result.Seen = r.seen.verdict()
	}
	return result, nil
}

// reader gathers the codes of all frames.
type reader struct {
	scanner
	caller   context.Context        // what the caller gave
	bounded  context.Context        // the same, and the time that Read takes at most
	codes    map[int][]symbolRead   // by frame
	unread   map[int][]unreadSymbol // by frame
	result   Result
	searched bool      // some frame was decoded
	single   *pictures // of a file with one frame, for the second round
	thorough bool      // the passes of the second round have been made with those of the first
	orient   func(Point) Point
}

// located is a symbol that was read, and in which frame.
type located struct {
	symbolRead
	frame int
}

// newReader reads for as long as ctx lasts, and until limit if it takes long.
func newReader(ctx, limit context.Context) *reader {
	return &reader{
		scanner: scanner{decoder: newDecoder(), versions: &versions{}, atOnce: min(runtime.GOMAXPROCS(0), maxAtOnce)}, caller: ctx, bounded: limit,
		codes: map[int][]symbolRead{}, unread: map[int][]unreadSymbol{},
	}
}

// searchFrames makes some passes over every frame of a file. Where there is just one, and
// it is small, the next passes follow at once.
func (r *reader) searchFrames(data []byte, steps, next []pass) error {
	r.ctx, r.quickCtx = r.bounded, r.bounded
	if r.single != nil {
		r.searchFrame(r.single, steps, 0)
		return nil
	}
	src, err := open(r.caller, r.bounded, data)
	if err != nil {
		return err
	}
	if src.modest {
		// The quick passes over such a picture are always made to their end, a
		// third of a second at most: on a machine that is busy with other
		// things the clock says little about the work.
		r.quickCtx = r.caller
	}
	r.result.Frames = src.frames
	for n := range min(src.frames, MaxFrames) {
		f, err := src.next()
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		if err != nil {
			if n > 0 { // the frames before the damage count
				return nil
			}
			if r.bounded.Err() != nil && !src.modest { // decoders do not all wrap it
				return ErrTooSlow
			}
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		r.result.FramesRead = max(r.result.FramesRead, n+1)
		scale := float64(f.white.w) / float64(f.width)
		p := newPictures(f, scale)
		if src.frames == 1 {
			r.single = p
			if p.small() && len(next) > 0 {
				steps, r.thorough = slices.Concat(steps, next), true
			}
		}
		r.orient = func(p Point) Point {
			return src.orientation.apply(p, float64(src.width), float64(src.height))
		}
		r.searchFrame(p, steps, n)
		r.searched = true
		if r.bounded.Err() != nil {
			break
		}
	}
	return nil //nolint:nilerr // where time runs out, what was found until then is the answer
}

// searchFrame searches one frame, on from where an earlier search of it has come.
func (r *reader) searchFrame(p *pictures, steps []pass, number int) {
	r.found, r.seen.unread = r.codes[number], r.unread[number]
	r.runPasses(p, steps)
	r.codes[number], r.unread[number] = r.found, r.seen.unread
}

// none reports whether nothing has been read.
func (r *reader) none() bool {
	for _, found := range r.codes {
		if len(found) > 0 {
			return false
		}
	}
	return true
}

// leftOver returns the symbols that were found and not read, in the order of
// their frames.
func (r *reader) leftOver() []Unread {
	var left []Unread
	for number := range r.result.FramesRead {
		r.found = r.codes[number]
		for _, u := range r.unread[number] {
			if !r.explained(finder{x: u.Middle.X, y: u.Middle.Y}, 1) {
				left = append(left, Unread{number, r.orient(u.Middle), u.ModulePixels})
			}
		}
	}
	return left
}

// inOrder returns the codes of all frames as a person reads them.
func (r *reader) inOrder() []located {
	var all []located
	for number := range r.result.FramesRead {
		found := r.codes[number]
		for i := range found {
			for j, at := range found[i].corners {
				found[i].corners[j] = r.orient(at)
			}
		}
		for _, s := range inReadingOrder(found) {
			all = append(all, located{s, number})
		}
	}
	return all
}

// inReadingOrder sorts by rows: symbols whose middles are at about the same
// height count as one row.
func inReadingOrder(found []symbolRead) []symbolRead {
	middle := func(s symbolRead) Point {
		var p Point
		for _, c := range s.corners {
			p.X, p.Y = p.X+c.X/4, p.Y+c.Y/4
		}
		return p
	}
	slices.SortStableFunc(found, func(a, b symbolRead) int { return cmp.Compare(middle(a).Y, middle(b).Y) })
	for from := 0; from < len(found); {
		top, bottom := found[from].corners[0].Y, found[from].corners[0].Y
		for _, c := range found[from].corners {
			top, bottom = min(top, c.Y), max(bottom, c.Y)
		}
		to := from + 1
		for to < len(found) && middle(found[to]).Y < bottom-(bottom-top)/4 {
			to++
		}
		slices.SortStableFunc(found[from:to], func(a, b symbolRead) int { return cmp.Compare(middle(a).X, middle(b).X) })
		from = to
	}
	return found
}

// join makes one text of the symbols that carry the parts of it (ISO/IEC 18004
// section 8), where all of them are there.
func join(found []located) []located {
	type set struct {
		parts  int
		parity byte
	}
	parts := map[set]map[int]string{}
	for _, c := range found {
		if c.parts > 1 {
			key := set{c.parts, c.parity}
			if parts[key] == nil {
				parts[key] = map[int]string{}
			}
			parts[key][c.part] = c.text
		}
	}
	var out []located
	done := map[set]bool{}
	for _, c := range found {
		key := set{c.parts, c.parity}
		if c.parts > 1 && len(parts[key]) == c.parts {
			if done[key] {
				continue
			}
			done[key] = true
			var whole strings.Builder
			for i := range c.parts {
				whole.WriteString(parts[key][i])
			}
			c.text = whole.String()
		}
		out = append(out, c)
	}
	return out
}

// unique keeps the first code of each text.
func unique(found []located) []Code {
	var codes []Code
	said := map[string]bool{}
	for _, c := range found {
		if !said[c.text] {
			said[c.text] = true
			codes = append(codes, Code{Text: c.text, Frame: c.frame, Corners: c.corners})
		}
	}
	return codes
}

package qr

import (
	"context"
	"slices"
)

// A pass depends on the ones before it by one thing only: the codes that they
// have read, whose finder patterns it leaves out. Mostly there are none, so the
// passes run at once, as many as there are processors, each as if those before it
// would read nothing. What they found counts in the order of the list. Where one
// has read something, the later ones try their finder patterns once more. So the
// result is that of one pass after the other, whatever the processors do.

// maxAtOnce is how many passes run at once at most: each holds a picture and its bitmap.
const maxAtOnce = 4

// look is a pass on its way.
type look struct {
	step pass
	// What it looks at, and the finder patterns there; they do not depend on
	// what has been read. ok is false where the pass does not apply.
	view    view
	finders []finder
	ok      bool
	// scanner has what it read and met.
	scanner scanner
	stop    context.CancelFunc
	done    chan struct{}
}

// begin starts a pass, or tries again one whose finder patterns are known.
func (s *scanner) begin(l *look, p *pictures) {
	prepared := l.done != nil
	l.done = make(chan struct{})
	l.scanner = scanner{decoder: s.decoder, versions: s.versions, found: slices.Clone(s.found)}
	l.scanner.ctx, l.stop = context.WithCancel(s.ctx)
	go func() {
		defer close(l.done)
		if !prepared {
			if l.view, l.ok = l.step.view(p); l.ok {
				l.finders = l.view.bits.finders(l.step.relaxed)
			}
		}
		if l.ok && l.scanner.ctx.Err() == nil {
			l.scanner.search(l.view, slices.Clone(l.finders))
		}
	}()
}

// end stops a pass and waits for it.
func (l *look) end() {
	l.stop()
	<-l.done
}

// runPasses looks at a picture in one way after the other, at some ahead of their time.
func (s *scanner) runPasses(p *pictures, steps []pass) {
	quick := len(steps) == quickPasses
	if quick {
		p.local() // both look at it
	} else {
		p.shrink()
	}
	looks := make([]look, len(steps))
	begun := 0
	defer func() {
		for i := range looks[:begun] {
			looks[i].end()
		}
	}()
	for i := range looks {
		if s.ctx.Err() != nil {
			return
		}
		for ; begun < min(i+s.atOnce, len(looks)); begun++ {
			looks[begun].step = steps[begun]
			s.begin(&looks[begun], p)
		}
		before := len(s.found)
		if <-looks[i].done; !looks[i].ok {
			continue
		}
		s.take(&looks[i])
		if len(s.found) > 0 && (i >= 1 || !quick) && !s.more(p) {
			return
		}
		if len(s.found) > before {
			for j := i + 1; j < begun; j++ {
				looks[j].end()
				s.begin(&looks[j], p)
			}
		}
	}
}

// take adds what a pass has read and met.
func (s *scanner) take(l *look) {
	s.found = l.scanner.found
	s.seen.noteFinders(l.finders, l.view)
	for _, met := range l.scanner.seen.later {
		s.seen.note(met)
	}
	if s.trace != nil {
		s.trace(l.step.name, len(s.found))
	}
	l.stop()
	*l = look{step: l.step, stop: l.stop, done: l.done} // its picture is not needed any more
}

package qr

import (
	"context"
	"slices"
)

// A pass depends on the ones before it by one thing only: the codes that they
// have read, whose finder patterns it leaves out. Mostly there are none, so the
// passes run at once, about as many as there are processors, each as if those before it
// would read nothing. What they found counts in the order of the list. Where one
// has read something, the later ones try their finder patterns once more. So the
// result is that of one pass after the other, whatever the processors do.

// maxAtOnce is how many passes run at once at most. Up to twice as many hold a picture and its bitmap.
const maxAtOnce = 4

// look is a pass on its way.
type look struct {
	step  pass
	quick bool // it is one of the first
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

// A lead is the passes over a picture, some of them ahead of their time.
type lead struct {
	*scanner
	pictures *pictures
	looks    []look
	quick    int           // how many of the first are quick
	begun    int           // how many of the first have begun
	ended    chan struct{} // has room for one: some pass is done
}

// newLead prepares the passes of some steps.
func (s *scanner) newLead(p *pictures, steps []pass) *lead {
	l := &lead{scanner: s, pictures: p, looks: make([]look, len(steps)), ended: make(chan struct{}, 1)}
	for i, step := range steps {
		quick := i == l.quick && i < quickPasses && step.name == passes[i].name
		if quick {
			l.quick++
		}
		l.looks[i] = look{step: step, quick: quick}
	}
	if l.quick > 0 {
		p.local() // all of them look at it
	} else {
		p.shrink()
	}
	return l
}

// runPasses looks at a picture in one way after the other.
func (s *scanner) runPasses(p *pictures, steps []pass) {
	l := s.newLead(p, steps)
	defer l.end()
	for i := range l.looks {
		if s.context(&l.looks[i]).Err() != nil {
			return
		}
		if l.await(i); !l.looks[i].ok {
			continue
		}
		before := len(s.found)
		s.take(&l.looks[i])
		if len(s.found) > 0 && i >= l.quick-1 && !s.more(p) {
			return
		}
		if len(s.found) > before {
			for j := i + 1; j < l.begun; j++ {
				l.looks[j].end()
				l.begin(&l.looks[j])
			}
		}
	}
}

// await waits for pass i, and begins others meanwhile.
func (l *lead) await(i int) {
	ahead := len(l.looks)
	if i < l.quick && (i == 0 || len(l.found) > 0) {
		ahead = l.quick // the others are probably not needed
	}
	for {
		running, held := l.under(i)
		for ; l.begun < ahead && running < l.atOnce && held < 2*l.atOnce; running, held = running+1, held+1 {
			l.begin(&l.looks[l.begun])
			l.begun++
		}
		if i < l.begun && l.looks[i].isDone() {
			return
		}
		<-l.ended
	}
}

// under returns how many passes from i on have begun and are not done, and how many hold
// a picture: those, and those that are done and wait for their turn.
func (l *lead) under(i int) (running, held int) {
	for j := i; j < l.begun; j++ {
		switch done := l.looks[j].isDone(); {
		case !done:
			running, held = running+1, held+1
		case l.looks[j].ok:
			held++
		}
	}
	return running, held
}

// end stops all passes.
func (l *lead) end() {
	for i := range l.looks[:l.begun] {
		l.looks[i].end()
	}
}

// begin starts a pass, or tries again one whose finder patterns are known.
func (l *lead) begin(at *look) {
	prepared := at.done != nil
	at.done = make(chan struct{})
	at.scanner = scanner{decoder: l.decoder, versions: l.versions, found: slices.Clone(l.found)}
	at.scanner.ctx, at.stop = context.WithCancel(l.context(at))
	go func() {
		defer func() {
			close(at.done)
			select {
			case l.ended <- struct{}{}:
			default: // it says so already
			}
		}()
		if !prepared {
			if at.view, at.ok = at.step.view(l.pictures); at.ok {
				at.finders = at.view.bits.finders(at.step.relaxed)
			}
		}
		if at.ok && at.scanner.ctx.Err() == nil {
			at.scanner.search(at.view, slices.Clone(at.finders))
		}
	}()
}

// context returns how long a pass may take.
func (s *scanner) context(l *look) context.Context {
	if l.quick {
		return s.quickCtx
	}
	return s.ctx
}

// end stops a pass and waits for it.
func (l *look) end() {
	l.stop()
	<-l.done
}

// isDone reports whether a pass that was begun is done.
func (l *look) isDone() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
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
	*l = look{step: l.step, quick: l.quick, stop: l.stop, done: l.done} // its picture is not needed any more
}

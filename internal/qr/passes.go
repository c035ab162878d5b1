package qr

import "sync"

// pass is one way to look at a picture. They run in the order of the list
// until codes have been read and nothing is left that looks like another.
type pass struct {
	name string
	// why it exists, and what it reads that the ones before it do not
	why     string
	relaxed bool
	// view prepares what the pass looks at; false where it does not apply.
	view func(p *pictures) (view, bool)
}

var passes = [...]pass{
	{
		name: "local",
		why:  "the quick way: screenshots, clean photographs, dark pages with a quiet zone",
		view: func(p *pictures) (view, bool) { return p.local(), true },
	},
	{
		name:    "local, no quiet zone",
		why:     "dark pages on which a light code begins without a border",
		relaxed: true,
		view:    func(p *pictures) (view, bool) { return p.local(), true },
	},
	{
		name:    "half size",
		why:     "the dots of a photographed screen, noise, dotted styles: four pixels become one",
		relaxed: true,
		view: func(p *pictures) (view, bool) {
			if min(p.base.w, p.base.h) < 160 {
				return view{}, false
			}
			half := p.half()
			return view{half, half.local(), p.baseScale / 2}, true
		},
	},
	{
		name:    "surroundings",
		why:     "shadows and gradients that are steeper than blocks can follow",
		relaxed: true,
		view: func(p *pictures) (view, bool) {
			return view{p.base, p.base.adaptive(max(min(p.base.w, p.base.h)/24, 3)), p.baseScale}, true
		},
	},
	{
		name:    "black ground",
		why:     "light modules on a transparent ground, which vanish on white",
		relaxed: true,
		view: func(p *pictures) (view, bool) {
			if p.frame.black == nil {
				return view{}, false
			}
			return view{p.frame.black, p.frame.black.local(), p.scale}, true
		},
	},
	{
		name:    "enlarged",
		why:     "codes of one or two pixels a module, whose rings are lost between pixels",
		relaxed: true,
		view: func(p *pictures) (view, bool) {
			n := 2
			if p.base.w*p.base.h < 90_000 {
				n = 3
			}
			if p.base.w*p.base.h > 1_500_000 {
				return view{}, false
			}
			large := p.base.enlarge(n)
			return view{large, large.local(), p.baseScale * float64(n)}, true
		},
	},
	{
		name:    "blurred",
		why:     "grain and JPEG blocks that break the rings of the finder patterns",
		relaxed: true,
		view:    func(p *pictures) (view, bool) { return p.blurred(), true },
	},
	{
		name:    "quarter size",
		why:     "strong grain, moiré and very large modules",
		relaxed: true,
		view: func(p *pictures) (view, bool) {
			if min(p.base.w, p.base.h) < 400 {
				return view{}, false
			}
			quarter := p.half().half()
			return view{quarter, quarter.local(), p.baseScale / 4}, true
		},
	},
	{
		name:    "red",
		why:     "modules as light as their ground, of another colour",
		relaxed: true,
		view:    func(p *pictures) (view, bool) { return p.channel(0) },
	},
	{
		name:    "blue",
		why:     "the same, for colours that differ in their blue",
		relaxed: true,
		view:    func(p *pictures) (view, bool) { return p.channel(2) },
	},
	{
		name:    "dark half",
		why:     "codes in the shade of something bright, which sets the threshold around it",
		relaxed: true,
		view: func(p *pictures) (view, bool) {
			shades := p.base.histogram()
			darker := shades.otsu(255)
			return view{p.base, p.base.threshold(shades.otsu(darker)), p.baseScale}, true
		},
	},
}

// pictures are the pictures that passes share, made when the first needs them.
type pictures struct {
	frame frame
	scale float64 // pixels of frame.white for one of the image
	// base is frame.white, halved until it has no more than maxBase pixels:
	// the later passes look at that, so that a picture without any code does
	// not take for ever.
	base      *plane
	baseScale float64
	localView *bitmap
	halfOnce  sync.Once
	halfPlane *plane
}

const maxBase = 3_000_000

func newPictures(f frame, scale float64) *pictures {
	p := &pictures{frame: f, scale: scale, base: f.white, baseScale: scale}
	return p
}

func (p *pictures) local() view {
	if p.localView == nil {
		p.localView = p.frame.white.local()
	}
	return view{p.frame.white, p.localView, p.scale}
}

func (p *pictures) half() *plane {
	p.halfOnce.Do(func() { p.halfPlane = p.base.half() }) // two passes may ask at once
	return p.halfPlane
}

func (p *pictures) blurred() view {
	blurred := p.base.blur()
	return view{blurred, blurred.local(), p.baseScale}
}

func (p *pictures) channel(n int) (view, bool) {
	if p.frame.coloured == nil {
		return view{}, false
	}
	c, ok := p.frame.channel(n)
	if !ok {
		return view{}, false
	}
	return view{c, c.local(), p.scale}, true
}

// small reports whether [pictures.shrink] has nothing to do.
func (p *pictures) small() bool { return p.frame.white.w*p.frame.white.h <= maxBase }

// shrink lets go of the full picture, for the passes after the first two.
func (p *pictures) shrink() {
	p.localView = nil
	for p.base.w*p.base.h > maxBase {
		p.base, p.baseScale = p.base.half(), p.baseScale/2
	}
}

// quickPasses is how many passes look at the full picture, share a bitmap, and
// are always made.
const quickPasses = 2

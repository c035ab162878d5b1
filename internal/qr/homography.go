package qr

// Point is a position in pixels of the image as decoded, after its EXIF
// orientation; (0, 0) is the top left corner of the top left pixel.
type Point struct{ X, Y float64 }

// homography maps module coordinates, (0, 0) the top left corner of the symbol
// and (1, 1) the far corner of its first module, to pixels: rows of a 3 × 3 matrix.
type homography [9]float64

// mapping is the homography that takes four points to four others, both in
// order around the quadrilateral.
func mapping(from, to [4]Point) homography {
	return squareTo(to).times(squareTo(from).adjugate())
}

func (h *homography) apply(x, y float64) (float64, float64) {
	w := h[6]*x + h[7]*y + h[8]
	return (h[0]*x + h[1]*y + h[2]) / w, (h[3]*x + h[4]*y + h[5]) / w
}

func (h *homography) point(x, y float64) Point {
	px, py := h.apply(x, y)
	return Point{px, py}
}

// squareTo maps the unit square to a quadrilateral (Heckbert, Fundamentals of
// Texture Mapping and Image Warping, 1989, section 2.2.3).
func squareTo(q [4]Point) homography {
	dx1, dy1 := q[1].X-q[2].X, q[1].Y-q[2].Y
	dx2, dy2 := q[3].X-q[2].X, q[3].Y-q[2].Y
	dx3, dy3 := q[0].X-q[1].X+q[2].X-q[3].X, q[0].Y-q[1].Y+q[2].Y-q[3].Y
	det := dx1*dy2 - dx2*dy1
	if det == 0 {
		det = 1e-9
	}
	g := (dx3*dy2 - dx2*dy3) / det
	h := (dx1*dy3 - dx3*dy1) / det
	return homography{
		q[1].X - q[0].X + g*q[1].X, q[3].X - q[0].X + h*q[3].X, q[0].X,
		q[1].Y - q[0].Y + g*q[1].Y, q[3].Y - q[0].Y + h*q[3].Y, q[0].Y,
		g, h, 1,
	}
}

// adjugate is the inverse but for a factor, which a homography does not have.
func (h homography) adjugate() homography {
	return homography{
		h[4]*h[8] - h[5]*h[7], h[2]*h[7] - h[1]*h[8], h[1]*h[5] - h[2]*h[4],
		h[5]*h[6] - h[3]*h[8], h[0]*h[8] - h[2]*h[6], h[2]*h[3] - h[0]*h[5],
		h[3]*h[7] - h[4]*h[6], h[1]*h[6] - h[0]*h[7], h[0]*h[4] - h[1]*h[3],
	}
}

func (h homography) times(k homography) homography {
	var out homography
	for r := range 3 {
		for c := range 3 {
			out[3*r+c] = h[3*r]*k[c] + h[3*r+1]*k[3+c] + h[3*r+2]*k[6+c]
		}
	}
	return out
}

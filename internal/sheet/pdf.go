package sheet

import (
	"bytes"
	"compress/zlib"
	"fmt"

	"golang.org/x/image/font/gofont/gomono"
)

// PDF returns the page as a PDF file (ISO 32000-1): text that can be searched and copied,
// and the QR code as rectangles. It holds no date and no name.
func (p Page) PDF() ([]byte, error) {
	d, err := p.draw()
	if err != nil {
		return nil, err
	}
	var f pdf
	f.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n") // bytes that say that it is no text
	f.object("<< /Type /Catalog /Pages 2 0 R >>")
	f.object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	f.object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>", pageWidth, pageHeight))
	f.stream("", d.content())
	f.object("<< /Type /Font /Subtype /TrueType /BaseFont /GoMono /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 255 /Widths [" +
		string(bytes.Repeat([]byte("600 "), 255-32+1)) + "] /FontDescriptor 6 0 R >>")
	// A fixed pitch (1) and no symbols (32); the measures are those of the font.
	f.object("<< /Type /FontDescriptor /FontName /GoMono /Flags 33 /FontBBox [0 -211 601 1119] /ItalicAngle 0 /Ascent 945 /Descent -211" +
		" /CapHeight 722 /StemV 80 /FontFile2 7 0 R >>")
	f.stream(fmt.Sprintf(" /Length1 %d", len(gomono.TTF)), gomono.TTF)
	return f.end(), nil
}

// content returns the operators that draw the page. PDF counts from the bottom.
func (d drawing) content() []byte {
	var b bytes.Buffer
	for _, t := range d.texts {
		// Latin-1 and WinAnsiEncoding are the same for the letters of a page.
		codes := make([]byte, 0, len(t.letters))
		for _, r := range t.letters {
			codes = append(codes, byte(r))
		}
		fmt.Fprintf(&b, "BT /F %g Tf %g %.2f Td <%x> Tj ET\n", t.size, t.x, pageHeight-t.y, codes)
	}
	for _, r := range d.bars {
		fmt.Fprintf(&b, "%d %d %d %d re f\n", r.x, pageHeight-r.y-r.height, r.width, r.height)
	}
	return b.Bytes()
}

// A pdf is a file that is being written. Its objects are numbered from 1, in their order.
type pdf struct {
	bytes.Buffer
	offsets []int
}

func (f *pdf) object(body string) {
	f.offsets = append(f.offsets, f.Len())
	fmt.Fprintf(f, "%d 0 obj\n%s\nendobj\n", len(f.offsets), body)
}

// stream adds a compressed stream with more entries of its dictionary.
func (f *pdf) stream(entries string, data []byte) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	f.object(fmt.Sprintf("<< /Filter /FlateDecode /Length %d%s >>\nstream\n%s\nendstream", packed.Len(), entries, packed.Bytes()))
}

// end adds the table of objects, and returns the file.
func (f *pdf) end() []byte {
	at := f.Len()
	fmt.Fprintf(f, "xref\n0 %d\n0000000000 65535 f \n", len(f.offsets)+1)
	for _, offset := range f.offsets {
		fmt.Fprintf(f, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(f, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(f.offsets)+1, at)
	return f.Bytes()
}

package qr

import (
	"bytes"
	"encoding/binary"
)

// orientation is how a camera was held, 1 to 8 as EXIF counts (Exif 2.32
// section 4.6.4, tag 0x0112); 0 is unknown. Codes are read in any orientation,
// so that the pixels stay as they are and only positions are turned.
type orientation int

// apply turns a position in a picture of w × h pixels to where the viewer sees it.
func (o orientation) apply(p Point, w, h float64) Point {
	switch o {
	case 2:
		return Point{w - p.X, p.Y}
	case 3:
		return Point{w - p.X, h - p.Y}
	case 4:
		return Point{p.X, h - p.Y}
	case 5:
		return Point{p.Y, p.X}
	case 6:
		return Point{h - p.Y, p.X}
	case 7:
		return Point{h - p.Y, w - p.X}
	case 8:
		return Point{p.Y, w - p.X}
	}
	return p
}

// orientationOf finds the tag in a file of any of our formats.
func orientationOf(data []byte) orientation {
	var o orientation
	switch {
	case begins(data, "\xff\xd8"):
		eachJPEGSegment(data, func(marker byte, body []byte) bool {
			if exif, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == 0xe1 {
				o = tiffOrientation(exif)
			}
			return o == 0
		})
	case begins(data, "\x89PNG"):
		eachPNGChunk(data, func(kind string, body []byte) bool {
			if kind == "eXIf" {
				o = tiffOrientation(body)
			}
			return o == 0
		})
	case isWebP(data):
		eachRIFFChunk(data[12:], func(kind string, body []byte) bool {
			if kind == "EXIF" {
				o = tiffOrientation(bytes.TrimPrefix(body, []byte("Exif\x00\x00")))
			}
			return o == 0
		})
	default:
		o = tiffOrientation(data)
	}
	return o
}

// tiffOrientation reads the tag from the first directory of a TIFF structure.
func tiffOrientation(data []byte) orientation {
	order := tiffOrder(data)
	if order == nil || len(data) < 8 {
		return 0
	}
	at := int(order.Uint32(data[4:]))
	if at < 8 || at+2 > len(data) {
		return 0
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x112 {
			if o := orientation(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}

func tiffOrder(data []byte) binary.ByteOrder {
	switch {
	case begins(data, "II*\x00"):
		return binary.LittleEndian
	case begins(data, "MM\x00*"):
		return binary.BigEndian
	}
	return nil
}

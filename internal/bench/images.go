//go:build unix

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

type sampleImage struct {
	File, Category string
	Expected       []string
}

// reader is a program. It has a command line for a file, and a function that compares the
// output with the expected texts. Texts may have several lines, so an output of one text
// per line is compared as a whole.
type reader struct {
	name    string
	command []string
	compare func(output string, expected []string) (right bool, wrong int)
}

// readImages reads the sample images in AUTH_SAMPLES/qr, which has folders of images, each
// with a manifest.json: a list of objects with file, category and the expected texts.
func readImages(auth, only string) ([]imageSet, error) {
	root := os.Getenv("AUTH_SAMPLES")
	if root == "" || only != "" && only != "images" {
		return nil, nil
	}
	readers := []reader{{"auth", []string{auth, "scan"}, lines}}
	for _, other := range []reader{
		{"zbarimg", []string{"zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable"}, lines},
		{"ZXingReader", []string{"ZXingReader", "-format", "QRCode"}, blocks},
	} {
		if have(other.name) {
			readers = append(readers, other)
		}
	}
	manifests, err := filepath.Glob(filepath.Join(root, "qr", "*", "manifest.json"))
	if err != nil || len(manifests) == 0 {
		return nil, fmt.Errorf("no manifest in %s/qr", root)
	}
	var sets []imageSet
	for _, manifest := range manifests {
		set, err := readSet(manifest, readers)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// An imageSet is how well and how fast the readers read a folder of images.
type imageSet struct {
	Name    string     `json:"name"`
	Readers []string   `json:"readers"`
	Rows    []imageRow `json:"rows"`
}

// An imageRow is a category of images, with a cell for each reader.
type imageRow struct {
	Category string      `json:"category"`
	Cells    []imageCell `json:"cells"`
}

// An imageCell counts the images that a reader read without error, and the texts that are
// in no image. The time is the median of whole processes.
type imageCell struct {
	Right        int     `json:"right"`
	Total        int     `json:"total"`
	Wrong        int     `json:"wrong"`
	Milliseconds float64 `json:"ms"`

	times []time.Duration
}

func readSet(manifest string, readers []reader) (set imageSet, err error) {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return set, err
	}
	var images []sampleImage
	if err := json.Unmarshal(text, &images); err != nil {
		return set, err
	}
	set.Name = filepath.Base(filepath.Dir(manifest))
	for _, r := range readers {
		set.Readers = append(set.Readers, r.name)
	}
	for _, img := range images {
		path := filepath.Join(filepath.Dir(manifest), img.File)
		for i, r := range readers {
			output, took := readImage(append(slices.Clone(r.command), path))
			right, wrong := r.compare(output, img.Expected)
			for _, category := range []string{img.Category, "all"} {
				set.count(category, i, right, wrong, took)
			}
		}
	}
	slices.SortFunc(set.Rows, func(a, b imageRow) int {
		if (a.Category == "all") != (b.Category == "all") {
			return cmp.Compare(b.Category, a.Category) // puts all last
		}
		return cmp.Compare(a.Category, b.Category)
	})
	for _, row := range set.Rows {
		for i := range row.Cells {
			row.Cells[i].Milliseconds = milliseconds(median(row.Cells[i].times))
		}
	}
	return set, nil
}

func (s *imageSet) count(category string, reader int, right bool, wrong int, took time.Duration) {
	at := slices.IndexFunc(s.Rows, func(r imageRow) bool { return r.Category == category })
	if at < 0 {
		at = len(s.Rows)
		s.Rows = append(s.Rows, imageRow{category, make([]imageCell, len(s.Readers))})
	}
	c := &s.Rows[at].Cells[reader]
	c.Total++
	c.Wrong += wrong
	c.times = append(c.times, took)
	if right {
		c.Right++
	}
}

// readImage returns the output of a program and its time. A status other than zero is a
// result too: no code.
func readImage(command []string) (string, time.Duration) {
	start := time.Now()
	output, _ := exec.Command(command[0], command[1:]...).Output()
	return string(bytes.ToValidUTF8(output, []byte("?"))), time.Since(start)
}

// lines compares an output that consists of texts, each ended by a newline.
func lines(output string, expected []string) (bool, int) {
	missing := 0
	for _, text := range expected {
		before, after, found := strings.Cut("\n"+output, "\n"+text+"\n")
		if !found {
			missing++
			continue
		}
		output = strings.TrimPrefix(before+"\n"+after, "\n")
	}
	wrong := 0
	if strings.TrimSpace(output) != "" {
		wrong = 1
	}
	return missing == 0 && wrong == 0, wrong
}

var zxingText = regexp.MustCompile(`(?s)Text:       "(.*?)"\r?\nBytes:`)

// blocks compares the output of ZXingReader, a block of properties for each code.
func blocks(output string, expected []string) (bool, int) {
	missing := slices.Clone(expected)
	wrong := 0
	for _, match := range zxingText.FindAllStringSubmatch(output, -1) {
		if i := slices.Index(missing, match[1]); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		} else if !slices.Contains(expected, match[1]) {
			wrong++
		}
	}
	return len(missing) == 0 && wrong == 0, wrong
}

// Command qr compares how well and how fast auth, zbarimg and ZXingReader read the QR
// codes of the sample images:
//
//	go build -o auth . && AUTH_SAMPLES=DIR go run ./internal/bench/qr -auth ./auth
//
// DIR/qr has folders of images, each with a manifest.json: a list of objects with file,
// category and the expected texts. A cell has the number of images that were read without
// error and the total, then the number of unexpected texts if there are any, then the
// median time of the whole process.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type image struct {
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

// cell counts one reader's results on one category.
type cell struct {
	right, total, wrong int
	times               []time.Duration
}

func main() {
	auth := flag.String("auth", "auth", "the auth to measure")
	rounds := flag.Int("rounds", 1, "times to read each image; the fastest counts")
	list := flag.Bool("list", false, "list the images that auth does not read right")
	flag.Parse()
	root := os.Getenv("AUTH_SAMPLES")
	if root == "" {
		fmt.Fprintln(os.Stderr, "AUTH_SAMPLES is not set")
		os.Exit(2)
	}
	readers := []reader{
		{"auth", []string{*auth, "scan"}, lines},
		{"zbarimg", []string{"zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable"}, lines},
		{"ZXingReader", []string{"ZXingReader", "-format", "QRCode"}, blocks},
	}
	folders, err := filepath.Glob(filepath.Join(root, "qr", "*", "manifest.json"))
	if err != nil || len(folders) == 0 {
		fmt.Fprintln(os.Stderr, "no manifest in", filepath.Join(root, "qr"))
		os.Exit(1)
	}
	for _, manifest := range folders {
		if err := measure(manifest, readers, *rounds, *list); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func measure(manifest string, readers []reader, rounds int, list bool) error {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	var images []image
	if err := json.Unmarshal(text, &images); err != nil {
		return err
	}
	cells := map[string][]cell{}
	add := func(category string, i int, right bool, wrong int, took time.Duration) {
		if cells[category] == nil {
			cells[category] = make([]cell, len(readers))
		}
		c := &cells[category][i]
		c.total++
		c.wrong += wrong
		c.times = append(c.times, took)
		if right {
			c.right++
		}
	}
	for _, img := range images {
		path := filepath.Join(filepath.Dir(manifest), img.File)
		for i, r := range readers {
			output, took := run(append(slices.Clone(r.command), path), rounds)
			right, wrong := r.compare(output, img.Expected)
			add(img.Category, i, right, wrong, took)
			add("ALL", i, right, wrong, took)
			if list && i == 0 && !right {
				fmt.Println("not right:", img.File)
			}
		}
	}
	show(filepath.Base(filepath.Dir(manifest)), readers, cells)
	return nil
}

// run returns the output of a program and its shortest time. A status other than zero is
// a result too: no code.
func run(command []string, rounds int) (string, time.Duration) {
	var output []byte
	best := time.Hour
	for range rounds {
		start := time.Now()
		output, _ = exec.Command(command[0], command[1:]...).Output()
		best = min(best, time.Since(start))
	}
	return string(bytes.ToValidUTF8(output, []byte("?"))), best
}

func show(name string, readers []reader, cells map[string][]cell) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, name)
	for _, r := range readers {
		fmt.Fprint(w, "\t", r.name)
	}
	fmt.Fprintln(w)
	categories := make([]string, 0, len(cells))
	for c := range cells {
		categories = append(categories, c)
	}
	slices.SortFunc(categories, func(a, b string) int {
		if (a == "ALL") != (b == "ALL") {
			return cmp.Compare(b, a) // puts ALL last
		}
		return cmp.Compare(a, b)
	})
	for _, category := range categories {
		fmt.Fprint(w, category)
		for _, c := range cells[category] {
			slices.Sort(c.times)
			wrong := ""
			if c.wrong > 0 {
				wrong = fmt.Sprintf(", %d wrong", c.wrong)
			}
			fmt.Fprintf(w, "\t%d/%d%s · %d ms", c.right, c.total, wrong, c.times[len(c.times)/2].Milliseconds())
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	w.Flush()
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

//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A result is everything that a run has measured.
type result struct {
	Go         string `json:"go"`
	System     string `json:"system"`
	Processors int    `json:"processors"`
	Processor  string `json:"processor,omitempty"`
	Load       string `json:"load,omitempty"` // at the end, of the last 1, 5 and 15 minutes
	Bytes      int64  `json:"bytes"`          // size of auth
	// LeastPeak is the peak of this program, in bytes. Linux counts it for each process that it
	// starts, so that a peak of this size says only that there was no higher one.
	LeastPeak int64        `json:"least_peak"`
	Sections  []resultPart `json:"sections"`
	Images    []imageSet   `json:"images,omitempty"`
}

type resultPart struct {
	Title string `json:"title"`
	Rows  []row  `json:"rows"`
}

// A row is a program. Its ratio is the median of its wall-clock times against that of
// another program of its section.
type row struct {
	Name      string  `json:"name"`
	WallMS    float64 `json:"wall_ms"`
	CPUMS     float64 `json:"cpu_ms"`
	PeakBytes int64   `json:"peak_bytes"`
	Runs      int     `json:"runs"`
	Against   string  `json:"against,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`
	Bar       string  `json:"bar,omitempty"`

	rival bool
}

func newResult(auth string) *result {
	r := &result{Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU()}
	if info, err := os.Stat(auth); err == nil {
		r.Bytes = info.Size()
	}
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the kind is not said
	for line := range strings.Lines(string(text)) {
		if _, model, ok := strings.Cut(line, "model name\t: "); ok {
			r.Processor = strings.TrimSpace(model)
			break
		}
	}
	return r
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func (s section) rows() resultPart {
	part := resultPart{Title: s.title}
	for _, p := range s.programs {
		r := row{
			Name: p.name, WallMS: milliseconds(median(p.wall)), CPUMS: milliseconds(median(p.cpu)),
			PeakBytes: p.peak, Runs: len(p.wall), Bar: p.bar, rival: p.rival,
		}
		if i := slices.IndexFunc(s.programs, func(q *program) bool { return q.name == p.against }); i >= 0 {
			r.Against = p.against
			r.Ratio = median(p.wall).Seconds() / median(s.programs[i].wall).Seconds()
		}
		part.Rows = append(part.Rows, r)
	}
	return part
}

// write prints the table, and writes the files that were asked for.
func (r *result) write(o options) error {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		r.LeastPeak = maxRSS(&usage)
	}
	load, _ := os.ReadFile("/proc/loadavg")
	r.Load = strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " ")
	fmt.Print(r.markdown())
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.svg != "" {
		return os.WriteFile(o.svg, []byte(r.picture()), 0o644)
	}
	return nil
}

func (r *result) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s, %d processors", r.Go, r.System, r.Processors)
	if r.Processor != "" {
		fmt.Fprintf(&out, " (%s)", r.Processor)
	}
	fmt.Fprintf(&out, ", load %s. auth has %.1f MB. A peak is given above %.0f MB.\n", r.Load, float64(r.Bytes)/1e6, float64(r.LeastPeak)/1e6)
	for _, part := range r.Sections {
		if len(part.Rows) == 0 {
			continue
		}
		fmt.Fprintf(&out, "\n### %s\n\n", part.Title)
		out.WriteString("| program | wall ms | CPU ms | peak MB | against | ratio | bar |\n|---|--:|--:|--:|---|--:|--:|\n")
		for _, row := range part.Rows {
			ratio := ""
			if row.Against != "" {
				ratio = fmt.Sprintf("%.2f", row.Ratio)
			}
			peak := ""
			if row.PeakBytes > r.LeastPeak {
				peak = fmt.Sprintf("%.0f", float64(row.PeakBytes)/1e6)
			}
			fmt.Fprintf(&out, "| %s | %.1f | %.1f | %s | %s | %s | %s |\n", row.Name, row.WallMS, row.CPUMS, peak, row.Against, ratio, row.Bar)
		}
	}
	for _, set := range r.Images {
		fmt.Fprintf(&out, "\n### QR codes: %s\n\n| images | %s |\n|---|%s\n", set.Name, strings.Join(set.Readers, " | "), strings.Repeat("---|", len(set.Readers)))
		for _, row := range set.Rows {
			fmt.Fprintf(&out, "| %s |", row.Category)
			for _, c := range row.Cells {
				wrong := ""
				if c.Wrong > 0 {
					wrong = fmt.Sprintf(", %d wrong", c.Wrong)
				}
				fmt.Fprintf(&out, " %d of %d%s, %.0f ms |", c.Right, c.Total, wrong, c.Milliseconds)
			}
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// picture draws the first section as bars, as an SVG that suits light and dark pages.
func (r *result) picture() string {
	if len(r.Sections) == 0 || len(r.Sections[0].Rows) == 0 {
		return ""
	}
	rows := slices.SortedStableFunc(slices.Values(r.Sections[0].Rows), func(a, b row) int {
		return int(a.WallMS*1e3) - int(b.WallMS*1e3)
	})
	const names, bars, height = 250, 380, 24
	longest := rows[len(rows)-1].WallMS
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n",
		names+bars+90, len(rows)*height+44)
	out.WriteString("<style>text{fill:#1f2328}.ours{fill:#0969da}.rival{fill:#8c959f}" +
		"@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ours{fill:#58a6ff}.rival{fill:#6e7681}}</style>\n")
	fmt.Fprintf(&out, `<text x="10" y="22" font-weight="bold">%s, milliseconds, whole process, median</text>`+"\n", escaped(r.Sections[0].Title))
	for i, row := range rows {
		y := 36 + i*height
		class := "ours"
		if row.rival || !strings.HasPrefix(row.Name, "auth") {
			class = "rival"
		}
		length := max(1, row.WallMS/longest*bars)
		fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="end">%s</text>`, names-8, y+16, escaped(row.Name))
		fmt.Fprintf(&out, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, names, y+3, length, height-6)
		fmt.Fprintf(&out, `<text x="%.1f" y="%d">%.1f</text>`+"\n", names+length+6, y+16, row.WallMS)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder takes everything
	return out.String()
}

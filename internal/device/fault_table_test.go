package device_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

var update = flag.Bool("update", false, "write the tables of docs/reliability.md anew; needs AUTH_TEST_LONG")

// page is what people read of the faults.
var page = filepath.Join("..", "..", "docs", "reliability.md")

// Between these lines of the page lie the tables.
const (
	tablesBegin = "<!-- The tables are written by go test ./internal/device -run TestFaults -update. -->\n"
	tablesEnd   = "<!-- Here they end. -->\n"
)

// found holds the words of the tables, by kind, act and fault, and how many trials of a kind there were.
type found struct {
	mu     sync.Mutex
	words  map[[3]string]map[word]bool
	trials map[string]int
}

// add adds the words that trials of a cell brought, with how many of them brought each.
func (f *found) add(x trial, words map[word]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.words == nil {
		f.words, f.trials = map[[3]string]map[word]bool{}, map[string]int{}
	}
	f.words[x.key()] = map[word]bool{}
	for w, n := range words {
		f.words[x.key()][w] = true
		f.trials[x.kind] += n
	}
}

func (x trial) key() [3]string { return [3]string{x.kind, x.act.name, x.fault.name} }

// cell is the text of a cell of the tables.
func (x trial) text(words map[word]bool) string {
	var list []string
	for _, w := range inOrder {
		if words[w] {
			list = append(list, string(w))
		}
	}
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, "; ")
}

// every calls f with a trial for each cell of the tables.
func every(f func(x trial)) {
	for _, k := range faults {
		for _, a := range acts {
			for _, fault := range k.of {
				f(trial{act: a, kind: k.name, fault: fault})
			}
		}
	}
}

// tables returns the tables as the page has them, the words of each cell as cell gives them, and the trials of each kind.
func tables(cell func(x trial) string, trials map[string]int) string {
	var b strings.Builder
	for _, k := range faults {
		fmt.Fprintf(&b, "\n### The %s\n\nAbout %d trials.\n\n| |", k.name, trials[k.name])
		for _, fault := range k.of {
			fmt.Fprintf(&b, " %s |", fault.name)
		}
		fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("---|", len(k.of)))
		for _, a := range acts {
			fmt.Fprintf(&b, "| %s |", a.name)
			for _, fault := range k.of {
				fmt.Fprintf(&b, " %s |", cell(trial{act: a, kind: k.name, fault: fault}))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	return b.String()
}

// TestFaults strikes the acts of a device with faults, and holds the tables of docs/reliability.md against what became of them:
// each operation of each act in a long run, and elsewhere one of each act and kind.
func TestFaults(t *testing.T) {
	t.Parallel()
	var all found
	full := testenv.Long()
	chance := testenv.Rand(t)
	picked := map[[3]string]*rand.Rand{}
	for _, k := range faults {
		for _, a := range acts {
			fault := k.of[chance.IntN(len(k.of))]
			picked[trial{act: a, kind: k.name, fault: fault}.key()] = rand.New(rand.NewPCG(chance.Uint64(), 0))
		}
	}
	t.Run("each", func(t *testing.T) {
		t.Run("full disk", func(t *testing.T) {
			t.Parallel()
			onFullDisk(t, &all)
		})
		every(func(x trial) {
			pick, chosen := picked[x.key()]
			if full {
				pick, chosen = nil, true
			}
			if !chosen || x.fault.folder != nil && x.fault.folder[0] == folderIsFull {
				return
			}
			t.Run(strings.Join([]string{x.kind, x.act.name, x.fault.name}, "/"), func(t *testing.T) {
				t.Parallel()
				all.add(x, x.cell(t, pick))
			})
		})
	})
	checkTables(t, &all, full)
}

// rounded returns the numbers of trials in hundreds: those of the page where they are right within a hundred, since an
// operation that waits for a busy machine may be asked once more.
func rounded(trials map[string]int, page string) map[string]int {
	about := map[string]int{}
	kind := ""
	for line := range strings.Lines(page) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "### The "); ok {
			kind = name
		}
		if n := trialsIn(line); n > 0 && max(n-trials[kind], trials[kind]-n) <= 100 {
			about[kind] = n
		}
	}
	for kind, n := range trials {
		if about[kind] == 0 {
			about[kind] = (n + 50) / 100 * 100
		}
	}
	return about
}

// trialsIn returns the number in a line about trials; 0 for another line.
func trialsIn(line string) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(line, "About "), " trials.\n"))
	return n
}

// checkTables holds the page against what was found.
func checkTables(t *testing.T, all *found, full bool) {
	t.Helper()
	text := strings.ReplaceAll(readFile(t, page), "\r\n", "\n")
	before, rest, ok := strings.Cut(text, tablesBegin)
	old, after, ends := strings.Cut(rest, tablesEnd)
	if !ok || !ends {
		t.Fatalf("%s has no place for the tables", page)
	}
	if full {
		now := tables(func(x trial) string { return x.text(all.words[x.key()]) }, rounded(all.trials, old))
		switch {
		case now == old:
		case *update:
			if err := os.WriteFile(page, []byte(before+tablesBegin+now+tablesEnd+after), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is stale: AUTH_TEST_LONG=1 go test ./internal/device -run TestFaults -update\n%s", page, now)
		}
		return
	}
	// The rows and columns of the page are those of today, and what was found now is in its cells.
	cells, trials := map[[3]string]string{}, map[string]int{}
	var bare []string
	kind, columns := "", []string(nil)
	for line := range strings.Lines(old) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "### The "); ok {
			kind, columns = name, nil
		}
		cols := strings.Split(strings.TrimSpace(line), " |")
		switch {
		case strings.HasSuffix(line, " trials.\n"):
			trials[kind] = trialsIn(line) // Only a long run can count them.
		case strings.HasPrefix(line, "| |"):
			columns = cols
		case strings.HasPrefix(line, "| "):
			row := strings.TrimPrefix(cols[0], "| ")
			for i, text := range cols[1:] {
				if i+1 < len(columns) && columns[i+1] != "" {
					cells[[3]string{kind, row, strings.TrimSpace(columns[i+1])}] = strings.TrimSpace(text)
				}
			}
			line = cols[0] + " |" + strings.Repeat("  |", len(cols)-2) + "\n"
		}
		bare = append(bare, line)
	}
	if strings.Join(bare, "") != tables(func(x trial) string { return "" }, trials) {
		t.Errorf("%s has not the acts and the faults of today: AUTH_TEST_LONG=1 go test ./internal/device -run TestFaults -update", page)
	}
	every(func(x trial) {
		for w := range all.words[x.key()] {
			if says := cells[x.key()]; !slices.Contains(strings.Split(says, "; "), string(w)) {
				t.Errorf("%s, %s %s: %s, and %s says %q", x.act.name, x.kind, x.fault.name, w, page, says)
			}
		}
	})
}

// onFullDisk does in a process of its own what has every write of the process fail.
func onFullDisk(t *testing.T, all *found) {
	if limitFiles == nil {
		t.Skip("no system on which a process can be kept from writing")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestFaultsOnAFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullDisk+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	every(func(x trial) {
		for line := range bytes.Lines(out) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "found "+strings.Join(x.pathlike(), "/")+": "); ok {
				words := map[word]int{}
				for w := range strings.SplitSeq(text, "; ") {
					n, w, _ := strings.Cut(w, " ")
					words[word(w)], _ = strconv.Atoi(n)
				}
				all.add(x, words)
			}
		}
	})
}

func (x trial) pathlike() []string { k := x.key(); return k[:] }

// fullDisk is set in the environment of the process whose disk is full.
const fullDisk = "AUTH_TEST_FULL_DISK"

// TestFaultsOnAFullDisk is the part of TestFaults that has a process of its own.
func TestFaultsOnAFullDisk(t *testing.T) {
	if os.Getenv(fullDisk) == "" {
		t.Skip("TestFaults runs it")
	}
	chance := testenv.Rand(t)
	every(func(x trial) {
		if x.fault.folder == nil || x.fault.folder[0] != folderIsFull {
			return
		}
		pick := chance
		switch {
		case testenv.Long():
			pick = nil
		case chance.IntN(3) > 0:
			return
		}
		var list []string
		for w, n := range x.cell(t, pick) {
			list = append(list, fmt.Sprint(n, " ", w))
		}
		fmt.Printf("found %s: %s\n", strings.Join(x.pathlike(), "/"), strings.Join(list, "; "))
	})
}

//go:build unix

// Command code measures how long auth takes as a whole process. It compares auth with
// lower bounds, in one run on its own gnome-keyring:
//
//	go run ./internal/bench/code [-rounds N] [COMMAND…]
//
// It builds auth as in a release, a program that reads one small item with go-keyring,
// and hello world. Each COMMAND ("pass otp github") is measured too, in the environment
// of this process. A ratio is one of medians. The columns are wall time and the processor
// time of the process itself.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// A small item, such as the token of a service.
const (
	smallService = "bench"
	smallItem    = "small"
	smallValue   = "0123456789abcdef0123456789abcdef"
)

func main() {
	rounds := flag.Int("rounds", 60, "how often each program runs")
	flag.Parse()
	if err := bench(*rounds, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bench(rounds int, others []string) error {
	dir, err := os.MkdirTemp("", "auth-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, folder := range map[string]string{"auth": ".", "get": "./internal/bench/code/get", "hello": "./internal/bench/code/hello"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, name), folder)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	programs := commands(os.Environ(), others)
	stop, err := startService(dir)
	if err != nil {
		return err
	}
	defer stop()
	ours, err := ours(dir)
	if err != nil {
		return err
	}
	programs = append(ours, programs...)
	if err := measure(programs, rounds); err != nil {
		return err
	}
	return report(programs)
}

// ours returns hello world, the bare lookup, and auth with vaults of several sizes, which
// it fills.
func ours(dir string) ([]*program, error) {
	auth := filepath.Join(dir, "auth")
	list := []*program{
		{name: "hello", command: []string{filepath.Join(dir, "hello")}},
		{name: "auth --version", command: []string{auth, "--version"}, against: "hello"},
		{name: "go-keyring Get", command: []string{filepath.Join(dir, "get"), smallService, smallItem}},
	}
	bars := map[int]string{30: "≤ 1.4", 100: "≤ 1.5", 1000: "≤ 2.2", 10000: "≤ 8"}
	for _, n := range []int{1, 30, 100, 1000, 10_000} {
		home := fmt.Sprintf("AUTH_HOME=%s/%d", dir, n)
		add := exec.Command(auth, "add", "--uri", "-")
		add.Env = append(os.Environ(), home)
		add.Stdin = strings.NewReader(uris(n))
		if out, err := add.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("add %d accounts: %w\n%s", n, err, out)
		}
		list = append(list, &program{
			name: fmt.Sprintf("auth code, %d accounts", n), command: []string{auth, "code", fmt.Sprintf("service%d", n/2)},
			env: []string{home}, against: "go-keyring Get", bar: bars[n],
		})
	}
	if path, err := exec.LookPath("secret-tool"); err == nil {
		list = append(list, &program{
			name: "secret-tool lookup", against: "auth code, 100 accounts", bar: "> 1",
			command: []string{path, "lookup", "service", smallService, "username", smallItem},
		})
	}
	return list, nil
}

// uris returns n realistic accounts. No two of them are alike.
func uris(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "otpauth://totp/Service%d:someone%d%%40example.com?secret=%s&issuer=Service%d\n", i, i*7919%1000, secret(i), i)
	}
	return text.String()
}

// secret returns 32 letters of base32 that do not compress.
func secret(seed int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	state := uint64(seed)*0x9E3779B97F4A7C15 + 1
	text := make([]byte, 32)
	for i := range text {
		state = state*6364136223846793005 + 1442695040888963407
		text[i] = letters[state>>59]
	}
	return string(text)
}

// commands returns programs for the given commands, in the environment env.
func commands(env, lines []string) []*program {
	var list []*program
	for _, line := range lines {
		list = append(list, &program{name: line, command: strings.Fields(line), env: env, against: "auth code, 30 accounts"})
	}
	if path, err := exec.LookPath("oathtool"); err == nil {
		list = append(list, &program{name: "oathtool (keeps nothing)", command: []string{path, "--totp", "-b", secret(0)}, against: "auth code, 30 accounts"})
	}
	return list
}

func report(programs []*program) error {
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s, %s/%s, %d processors, load %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cmp.Or(string(load), "unknown\n"))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\twall ms\tCPU ms\tagainst\twall\tCPU\tbar\t")
	for _, p := range programs {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t", p.name, median(p.wall).Seconds()*1e3, median(p.cpu).Seconds()*1e3)
		if i := slices.IndexFunc(programs, func(q *program) bool { return q.name == p.against }); i >= 0 {
			q := programs[i]
			fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t", p.against,
				median(p.wall).Seconds()/median(q.wall).Seconds(), median(p.cpu).Seconds()/median(q.cpu).Seconds(), p.bar)
		} else {
			fmt.Fprint(w, "\t\t\t\t")
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

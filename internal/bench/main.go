//go:build unix

// Command bench measures auth as its user meets it, as whole processes, beside lower
// bounds and beside other programs, in one run on its own gnome-keyring:
//
//	go run ./internal/bench [-rounds N] [-only WORD] [-json FILE] [-svg FILE] [COMMAND…]
//
// It prints a table in Markdown. It builds auth as in a release, programs that read and
// write one small item with go-keyring, and hello world. What else is installed of age,
// gh, secret-tool, oathtool, pass with its extension otp, gopass and keepassxc-cli is set
// up with one account and measured too, and so is each COMMAND ("totp-cli generate a b"),
// in the environment of this process. auth, zbarimg and ZXingReader read pictures that it
// draws, and the sample images where AUTH_SAMPLES names them.
//
// A time is the median of wall-clock times, a ratio one of medians. Memory is the largest
// peak of the process itself.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 30, "how often each program runs; the slow ones run less often")
	flag.StringVar(&o.only, "only", "", "measure what has this `WORD` in its name, and what that is compared to; images: the images alone")
	flag.StringVar(&o.json, "json", "", "write the results as JSON to `FILE`")
	flag.StringVar(&o.svg, "svg", "", "draw the lookups to `FILE`")
	flag.Parse()
	o.commands = flag.Args()
	if err := bench(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	rounds          int
	only, json, svg string
	commands        []string
}

// built are the programs that are built here: their names and packages.
func built() map[string]string {
	return map[string]string{
		"auth": ".", "get": "./internal/bench/get", "put": "./internal/bench/put", "hello": "./internal/bench/hello",
	}
}

func bench(o options) error {
	dir, err := os.MkdirTemp("", "auth-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, folder := range built() {
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, name), folder)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	given := given(os.Environ(), o.commands)
	stop, err := startService(dir)
	if err != nil {
		return err
	}
	defer stop()
	sections, err := sections(dir, given)
	if err != nil {
		return err
	}
	result := newResult(filepath.Join(dir, "auth"))
	for _, s := range sections {
		s.programs = chosen(s.programs, o.only)
		if err := measure(s.programs, o.rounds); err != nil {
			return err
		}
		result.Sections = append(result.Sections, s.rows())
	}
	if result.Images, err = readImages(filepath.Join(dir, "auth"), o.only); err != nil {
		return err
	}
	return result.write(o)
}

// sections returns everything that is measured.
func sections(dir string, given []*program) ([]section, error) {
	auth := filepath.Join(dir, "auth")
	if err := fill(dir); err != nil {
		return nil, err
	}
	rivals, err := rivals(dir)
	if err != nil {
		return nil, err
	}
	changes, err := changes(dir)
	if err != nil {
		return nil, err
	}
	pages, err := pages(dir)
	if err != nil {
		return nil, err
	}
	return []section{
		{"Printing one code", append(append(lookups(dir), rivals...), given...)},
		{"Starting", starts(dir)},
		{"Looking", looks(auth, dir)},
		{"Changing, backing up, restoring", changes},
		{"Reading a picture of 1920 by 1080 pixels", pages},
	}, nil
}

// chosen returns the programs with a word in their names, and those that they are
// compared to.
func chosen(all []*program, word string) []*program {
	keep := map[string]bool{}
	for _, p := range all {
		if strings.Contains(p.name, word) {
			keep[p.name], keep[p.against] = true, true
		}
	}
	var list []*program
	for _, p := range all {
		if keep[p.name] {
			list = append(list, p)
		}
	}
	return list
}

// installed returns a program for a command whose first word is installed, else none.
func installed(p program) []*program {
	path, err := exec.LookPath(p.command[0])
	if err != nil {
		return nil
	}
	p.command = append([]string{path}, p.command[1:]...)
	return []*program{&p}
}

// given returns programs for the commands of the command line, in the environment env.
func given(env, lines []string) []*program {
	var list []*program
	for _, line := range lines {
		list = append(list, &program{name: line, command: strings.Fields(line), env: env, against: lookup(30), rival: true})
	}
	return list
}

func starts(dir string) []*program {
	list := []*program{
		{name: "hello, world", command: []string{filepath.Join(dir, "hello")}},
		{name: "auth --version", command: []string{filepath.Join(dir, "auth"), "--version"}, against: "hello, world"},
	}
	for _, other := range []string{"age", "gh", "rclone"} {
		list = append(list, installed(program{name: other + " --version", command: []string{other, "--version"}, against: "hello, world"})...)
	}
	return list
}

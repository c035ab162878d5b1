//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A section is a part of the table. Its programs are compared with one another.
type section struct {
	title    string
	programs []*program
}

// A program is a command to measure, with the one that it is compared to.
type program struct {
	name    string
	command []string
	env     []string // added to that of this process
	against string
	bar     string
	rival   bool // not ours
	// anyStatus: its status is a result, such as that there is no code.
	anyStatus bool
	slow      bool // runs a fifth as often
	// prepare makes ready for a run, which is numbered: what is different in the command's
	// environment, and its input. nil: nothing is.
	prepare func(run int) (env []string, input string, err error)

	runs int
	wall []time.Duration
	cpu  []time.Duration
	peak int64 // bytes of memory
}

// run runs the program once, without a terminal and without output.
func (p *program) run() error {
	c := exec.Command(p.command[0], p.command[1:]...)
	c.Env = append(os.Environ(), p.env...)
	c.SysProcAttr = alone()
	var said bytes.Buffer
	c.Stderr = &said
	if p.prepare != nil {
		env, input, err := p.prepare(p.runs)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", p.name, err)
		}
		c.Env = append(c.Env, env...)
		c.Stdin = strings.NewReader(input)
	}
	p.runs++
	start := time.Now()
	err := c.Run()
	p.wall = append(p.wall, time.Since(start))
	if _, status := errors.AsType[*exec.ExitError](err); err != nil && (!status || !p.anyStatus) {
		return fmt.Errorf("%s: %w\n%s", p.name, err, &said)
	}
	p.cpu = append(p.cpu, c.ProcessState.UserTime()+c.ProcessState.SystemTime())
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		p.peak = max(p.peak, maxRSS(usage))
	}
	return nil
}

// maxRSS returns the peak of a process in bytes. Linux counts kibibytes, macOS bytes
// (getrusage(2) of each).
func maxRSS(usage *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss) //nolint:unconvert // it has 32 bits on some systems
	}
	return int64(usage.Maxrss) << 10 //nolint:unconvert // it has 32 bits on some systems
}

// measure runs all programs in turn, so that other load on the machine affects all of
// them. The first round is for warming up.
func measure(programs []*program, rounds int) error {
	for round := range rounds + 1 {
		for _, p := range programs {
			if p.slow && round > max(1, rounds/5) {
				continue
			}
			if err := p.run(); err != nil {
				return err
			}
			if round == 0 {
				p.wall, p.cpu = nil, nil
			}
		}
	}
	return nil
}

func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

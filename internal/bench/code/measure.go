//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// A program is a command to measure, with the one that it is compared to.
type program struct {
	name    string
	command []string
	env     []string // added to that of this process
	against string
	bar     string

	wall, cpu []time.Duration
}

// run runs the program once, without a terminal and without output.
func (p *program) run() error {
	c := exec.Command(p.command[0], p.command[1:]...)
	c.Env = append(os.Environ(), p.env...)
	c.SysProcAttr = alone()
	start := time.Now()
	err := c.Run()
	p.wall = append(p.wall, time.Since(start))
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.cpu = append(p.cpu, c.ProcessState.UserTime()+c.ProcessState.SystemTime())
	return nil
}

// measure runs all programs in turn, so that other load on the machine affects all of
// them. The first round is for warming up.
func measure(programs []*program, rounds int) error {
	for round := range rounds + 1 {
		for _, p := range programs {
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
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

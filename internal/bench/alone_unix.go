//go:build unix

package main

import "syscall"

// alone detaches a process from the terminal, as in a script or a timer. auth then knows
// early that it cannot prompt.
func alone() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

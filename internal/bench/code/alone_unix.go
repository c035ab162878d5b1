//go:build unix

package main

import "syscall"

// alone takes the terminal away from a process: as for a script or a timer, for
// which auth makes sure first that nobody will be prompted.
func alone() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

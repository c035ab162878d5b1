//go:build !unix

package testenv

import "os/exec"

// Apart gives a command a session of its own, where systems have them.
func Apart(*exec.Cmd) {}

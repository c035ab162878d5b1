//go:build unix

package device_test

import "syscall"

// limitFiles has every write of this process to a file fail, as a full disk has it, or no longer.
var limitFiles = func(on bool) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if on {
		limit.Cur = 0
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

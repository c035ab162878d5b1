//go:build !linux

package atomicfile

import "os"

func openNameless(string) (*os.File, bool) { return nil, false }

func link(*os.File, string) (bool, error) { return false, nil }

func linkOver(*os.File, string) (bool, error) { return false, nil }

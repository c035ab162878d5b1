//go:build !windows

package clip

func windowsBoard() (board, error) { return nil, ErrOtherSystem }

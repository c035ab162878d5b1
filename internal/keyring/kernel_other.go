//go:build !linux

package keyring

// Kernel returns a [Keeper] that keeps nothing: only Linux has a keyring in its kernel.
func Kernel() Keeper { return noKeeper{} }

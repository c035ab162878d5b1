//go:build !unix

package device_test

// limitFiles is for other systems.
var limitFiles func(on bool) error

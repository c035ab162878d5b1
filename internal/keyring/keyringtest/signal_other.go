//go:build !unix

package keyringtest

import "os"

// There is no Secret Service here to send them to.
var stopSignal, continueSignal = os.Interrupt, os.Interrupt

// Auth is an authenticator for the terminal: it keeps one-time-password accounts
// in the keyring of the operating system, prints their codes, and makes sure that
// losing the machine never means losing the accounts.
//
//	auth add --qr screenshot.png     add the accounts of a QR code
//	auth code github                 print a code
//	auth backup --to vault.age       write everything to one age-encrypted file
//	auth restore vault.age           bring it back on a new machine
//
// The command line lives in cmd, everything else in internal; docs/architecture.md
// says which room holds what.
package main

import (
	"os"

	"github.com/authcli/auth/cmd"
)

//go:generate go run ./internal/docgen

func main() { os.Exit(cmd.Main(cmd.System(), os.Args[1:])) }

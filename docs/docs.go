// Package docs has the pages of this folder that the program prints and packages ship.
package docs

import _ "embed" // for the pages

//go:embed recovery.md
var recovery string

//go:embed moving.md
var moving string

//go:embed formats.md
var formats string

//go:embed environment.md
var environment string

//go:embed exit-codes.md
var exitCodes string

//go:embed scripts.md
var scripts string

//go:embed json.md
var jsonPage string

// Recovery returns recovery.md.
func Recovery() string { return recovery }

// Moving returns moving.md.
func Moving() string { return moving }

// Formats returns formats.md.
func Formats() string { return formats }

// Environment returns environment.md.
func Environment() string { return environment }

// ExitCodes returns exit-codes.md.
func ExitCodes() string { return exitCodes }

// Scripts returns scripts.md.
func Scripts() string { return scripts }

// JSON returns json.md.
func JSON() string { return jsonPage }

// Package docs has the pages of this folder that the program prints and packages ship.
package docs

import "embed"

//go:embed recovery.md
var recovery string

//go:embed moving.md
var moving string

//go:embed moving/*.md
var guides embed.FS

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

// Guide returns the page of moving with that name, such as aegis; empty where there is none.
func Guide(name string) string {
	page, err := guides.ReadFile("moving/" + name + ".md")
	if err != nil {
		return ""
	}
	return string(page)
}

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

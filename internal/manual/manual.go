// Package manual has the pages that "auth help TOPIC" prints. They are written once, in
// Markdown, in the folder docs. The package lays them out for a terminal, and as man
// pages.
package manual

import (
	"strings"

	"github.com/authcli/auth/docs"
)

// A Topic is one page.
type Topic struct {
	Name     string // what is typed after "auth help"
	Short    string // what it is about, in a few words
	Markdown string
}

// Topics returns all topics, in the order of help and completion.
func Topics() []Topic {
	return []Topic{
		{"recovery", "bring accounts back: a new machine, the paper key, symptoms", docs.Recovery()},
		{"moving", "move here from another app: ten of them, five steps each", docs.Moving()},
		{"formats", "the formats that import and export know", docs.Formats()},
		{"environment", "the environment variables that auth reads", docs.Environment()},
		{"scripts", "codes in scripts: AWS, SSH, VPNs, menus, Ansible, git", docs.Scripts()},
		{"json", "what --json writes, and errors as JSON", docs.JSON()},
		{"exit-codes", "what each exit code means", docs.ExitCodes()},
	}
}

// Find returns the topic of that name.
func Find(name string) (Topic, bool) {
	for _, t := range Topics() {
		if t.Name == name {
			return t, true
		}
	}
	return Topic{}, false
}

// Guides returns the guides for moving here from other apps, in the order of the page
// about moving. Name is what is typed after "auth help moving", and Short the app.
func Guides() []Topic {
	var guides []Topic
	for _, name := range []string{"google", "microsoft", "authy", "aegis", "2fas", "bitwarden", "1password", "apple", "ente", "proton"} {
		page := docs.Guide(name)
		title, _, _ := strings.Cut(page, "\n")
		guides = append(guides, Topic{name, strings.TrimPrefix(title, "# Moving from "), page})
	}
	return guides
}

// FindGuide returns the guide of that name.
func FindGuide(name string) (Topic, bool) {
	for _, g := range Guides() {
		if g.Name == name {
			return g, true
		}
	}
	return Topic{}, false
}

// BeforeImport returns what a guide says before its first command: how to come to the
// file.
func (t Topic) BeforeImport() Topic {
	steps := strings.Index(t.Markdown, "\n1. ")
	end := strings.Index(t.Markdown, "\n3. ")
	if steps < 0 || end < steps {
		return t
	}
	t.Markdown = t.Markdown[steps+1 : end]
	return t
}

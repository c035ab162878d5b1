package main

import (
	"bytes"
	"cmp"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/authcli/auth/cmd"
	"github.com/authcli/auth/internal/manual"
	"github.com/authcli/auth/internal/transfer"
)

// generate returns the content of every generated file, by its slash-separated path below
// the root of the module.
func generate(root *cobra.Command) (map[string][]byte, error) {
	// Cobra adds this command only when it executes a tree that lacks one.
	root.InitDefaultCompletionCmd()
	files := map[string][]byte{"docs/formats.md": []byte(transfer.Docs())}
	for _, topic := range manual.Topics() {
		if topic.Name == "formats" {
			topic.Markdown = transfer.Docs() // the copy in this program may be older
		}
		page, err := render(func(w io.Writer) error { _, err := io.WriteString(w, topic.Man()); return err })
		if err != nil {
			return nil, err
		}
		files["docs/man/auth-"+topic.Name+".7"] = page
	}
	for _, c := range commands(root) {
		path := c.CommandPath()
		c.DisableAutoGenTag = true // The tag contains today's date.
		page, err := render(func(w io.Writer) error { return doc.GenMarkdown(c, w) })
		if err != nil {
			return nil, err
		}
		files["docs/cli/"+strings.ReplaceAll(path, " ", "_")+".md"] = page
		page, err = render(func(w io.Writer) error { _, err := io.WriteString(w, man(c)); return err })
		if err != nil {
			return nil, err
		}
		files["docs/man/"+strings.ReplaceAll(path, " ", "-")+".1"] = page
	}
	for name, shell := range map[string]string{"auth.bash": "bash", "_auth": "zsh", "auth.fish": "fish", "auth.ps1": "powershell"} {
		script, err := render(func(w io.Writer) error {
			text, err := cmd.CompletionScript(root, shell)
			_, werr := io.WriteString(w, text)
			return cmp.Or(err, werr)
		})
		if err != nil {
			return nil, err
		}
		files["completions/"+name] = script
	}
	return files, nil
}

// commands returns root and every visible command below it, parents first.
func commands(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, c := range root.Commands() {
		if cmd.Listed(c) && !c.IsAdditionalHelpTopicCommand() { // which cobra does not call available
			all = append(all, commands(c)...)
		}
	}
	return all
}

// render returns the output of write, without trailing spaces and with one newline at the
// end.
func render(write func(io.Writer) error) ([]byte, error) {
	var out bytes.Buffer
	if err := write(&out); err != nil {
		return nil, err
	}
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return []byte(strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"), nil
}

package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/manual"
	"github.com/authcli/auth/internal/term"
)

// habit returns the command here for a verb of another tool, or for what somebody may
// call a thing; empty for other words. It is a hint and no alias: what is typed in a
// script has one name. QUERY stands for the arguments that followed the verb.
func habit(group, verb string) string {
	switch group + " " + verb {
	case "auth ls", "auth ll", "auth dir", "auth accounts", "auth all":
		return "auth list"
	case "auth search", "auth find", "auth grep":
		return "auth list QUERY"
	case "auth rm", "auth delete", "auth del", "auth erase", "auth unregister":
		return "auth remove QUERY"
	case "auth get", "auth otp", "auth totp", "auth hotp", "auth generate", "auth gen", "auth token", "auth pass", "auth 2fa", "auth mfa", "auth print",
		"auth extract", "auth now":
		return "auth code QUERY"
	case "auth clip", "auth copy", "auth cp", "auth yank":
		return "auth code QUERY --copy"
	case "auth insert", "auth new", "auth create", "auth append", "auth register", "auth add-token", "auth enroll":
		return "auth add LABEL"
	case "auth import-qr", "auth add-qr", "auth qr-import", "auth scan-qr", "auth snip", "auth capture":
		return "auth add IMAGE, or auth add --screen"
	case "auth qr", "auth qrcode", "auth draw":
		return "auth show QUERY --draw"
	case "auth uri", "auth secret", "auth reveal":
		return "auth show QUERY --reveal"
	case "auth info", "auth details", "auth cat":
		return "auth show QUERY"
	case "auth rename", "auth mv", "auth update", "auth set", "auth modify", "auth change":
		return "auth edit QUERY --name NAME, or --issuer, --alias, --tag"
	case "auth alias":
		return "auth edit QUERY --alias WORD"
	case "auth tag":
		return "auth edit QUERY --tag TAG"
	case "auth sort", "auth order":
		return "auth move QUERY --first"
	case "auth undo", "auth undelete", "auth unremove":
		return "auth restore --deleted"
	case "auth trash", "auth bin":
		return "auth list --trash"
	case "auth init", "auth begin", "auth start", "auth login", "auth signup", "auth configure", "auth wizard":
		return "auth setup"
	case "auth dump":
		return "auth export FORMAT --to FILE"
	case "auth migrate", "auth convert":
		return "auth import FILE, or auth help moving"
	case "auth save":
		return "auth backup"
	case "auth recover":
		return "auth restore LOCATION, or auth help recovery"
	case "auth merge", "auth pull", "auth push", "auth git":
		return "auth sync"
	case "auth tui", "auth ui", "auth watch", "auth live", "auth interactive":
		return "auth"
	case "auth settings", "auth preferences", "auth options":
		return "auth config list"
	case "auth passwd", "auth passphrase", "auth password":
		return "auth vault passphrase for the file keyring, auth backup passphrase for the backups"
	case "auth validate":
		return "auth check QUERY CODE"
	case "auth man", "auth manual", "auth docs":
		return "auth help"
	case "auth backup ls", "auth backup show":
		return "auth backup list"
	case "auth backup init", "auth backup setup", "auth backup on", "auth backup start":
		return "auth backup enable LOCATION"
	case "auth backup off", "auth backup stop":
		return "auth backup disable"
	case "auth backup create", "auth backup run", "auth backup now", "auth backup make":
		return "auth backup"
	case "auth backup export", "auth backup file", "auth backup to":
		return "auth backup --to FILE"
	case "auth backup restore", "auth backup import":
		return "auth restore LOCATION"
	case "auth backup check", "auth backup test":
		return "auth backup verify, or auth backup drill"
	case "auth backup rm", "auth backup delete", "auth backup remove":
		return "auth backup forget DEVICE; files are never deleted one by one"
	case "auth vault init", "auth vault create":
		return "auth setup"
	case "auth vault move", "auth vault migrate":
		return "auth vault use KEYRING"
	case "auth vault check", "auth vault status":
		return "auth doctor"
	case "auth config ls", "auth config show":
		return "auth config list"
	case "auth config unset", "auth config reset", "auth config delete":
		return "auth config set KEY with an empty VALUE"
	default:
		return ""
	}
}

// noCommand refuses arguments of a command that only groups others, and says which
// command may have been meant.
func (c *cli) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if secretAmong(args) {
		return secretArgument()
	}
	path, word := cmd.CommandPath(), args[0]
	err := usagef("unknown command %q for %q", term.Escape(word), path)
	if ours := habit(path, strings.ToLower(word)); ours != "" {
		words := args[1:]
		if _, after, _ := strings.Cut(ours, "QUERY "); strings.ContainsAny(after, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			words = words[:min(1, len(words))] // what follows is another value, such as the new name
		}
		return hint.With(err, strings.ReplaceAll(ours, "QUERY", queryWords(words)))
	}
	cmd.SuggestionsMinimumDistance = cmd.Root().SuggestionsMinimumDistance
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		return hint.With(err, path+" "+near[0])
	}
	switch topic, found := manual.Find(word); {
	case cmd.HasParent():
	case found:
		return hint.With(err, "auth help "+topic.Name)
	case isFile(word) && word != "-":
		return hint.With(err, "auth add FILE reads an image, auth import FILE the export of another app")
	case len(args) == 1 && plainWord(word, ".-_@:"):
		return hint.With(err, "auth code "+word+" prints the code of an account; auth --help lists the commands")
	}
	return hint.With(err, path+" --help")
}

// queryWords returns what names an account in a printed command: the words that were
// typed, or the placeholder of the help if a shell could misread one.
func queryWords(words []string) string {
	for _, word := range words {
		if !plainWord(word, ".-_@:") {
			return "QUERY"
		}
	}
	if len(words) == 0 {
		return "QUERY"
	}
	return strings.Join(words, " ")
}

package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A finding is one thing that doctor checked.
type finding struct {
	What   string `json:"what"`
	State  string `json:"state"` // "ok", "note" or "wrong"
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`

	err error
}

// findings are the results of doctor, in order.
type findings []finding

// add adds a finding: a good one, or a wrong one if err is not nil.
func (l *findings) add(what string, err error, detail string) {
	f := finding{What: what, State: "ok", Detail: detail, err: err}
	if err != nil {
		f.State, f.Detail = "wrong", message(err, nil)
		f.Hint = strings.Join(advice(err), "; ")
	}
	*l = append(*l, f)
}

// note adds a finding that is not wrong but worth knowing.
func (l *findings) note(what, detail string) {
	*l = append(*l, finding{What: what, State: "note", Detail: detail})
}

type jsonDoctor struct {
	Version  int       `json:"version"`
	Findings []finding `json:"findings"`
}

func newDoctor(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "doctor",
		short: "Find out what is wrong and how to fix it",
		long: `Check the folders, the keyring and its collection, the marker, the vault, the clock
and the location. Print what is wrong and which command helps. auth doctor changes
nothing and shows no secret.

The clock is compared with what can be seen without a network: the last backups of
this device and of others, the times that the location gave to their files, the
stamps of changes, and the last code that auth check was asked about. Two of them
that agree count; one alone is named.`,
		exit:    "0 all is well; otherwise the code of the first thing that is wrong",
		example: `  auth doctor`,
		run: func(ctx context.Context, s *session, _ []string) error {
			return s.sayFindings(s.diagnose(s.device.Examine(ctx)))
		},
	})
}

// diagnose turns an examination into findings.
func (c *cli) diagnose(x device.Examination) findings {
	var list findings
	list.add("state folder", nil, x.StateDir)
	switch {
	case x.MarkerErr != nil:
		list.add("marker", x.MarkerErr, "")
	case !x.Marked:
		list.note("marker", "none yet: this device has not used a vault")
	default:
		list.add("marker", nil, fmt.Sprintf("generation %d, %s keyring", x.Marker.Generation, x.Marker.Keyring))
	}
	list.add(x.Keyring.Kind+" keyring", x.KeyringErr, keyringWords(x.Keyring))
	list.vault(x)
	list.clock(x.Clock)
	if x.Location != nil {
		list.location(c, x)
	}
	return list
}

func keyringWords(k device.KeyringSeen) string {
	switch {
	case k.Kind == device.SystemKeyring && k.Locked:
		return fmt.Sprintf("collection %q, locked; service %q", k.Collection, k.Service)
	case k.Kind == device.SystemKeyring:
		return fmt.Sprintf("collection %q; service %q", k.Collection, k.Service)
	case !k.Exists:
		return k.Dir + ", does not exist yet"
	case k.Protected:
		return k.Dir + ", key with a passphrase" + unlockedWords(k.Unlocked)
	default:
		return k.Dir + ", key without a passphrase"
	}
}

func (l *findings) vault(x device.Examination) {
	if x.StateErr != nil {
		l.add("vault", x.StateErr, "")
		return
	}
	accounts := x.State.Accounts()
	l.add("vault", nil, count(len(accounts), "account"))
	for _, a := range accounts {
		l.account(a)
	}
}

func (l *findings) account(a vault.Account) {
	if a.NeedsVerification() {
		l.note("account", label(a)+" needs verification")
	}
	if a.Shown != a.Label() {
		l.note("account", label(a)+" shares its label with another; auth edit tells them apart")
	}
}

func (l *findings) location(c *cli, x device.Examination) {
	l.add("location", x.LocationErr, fmt.Sprintf("%s, %s", x.Location.Name, count(x.Location.Files, "file")))
	if x.LocationErr != nil {
		return
	}
	for _, name := range x.Location.ConflictCopies {
		l.note("conflict copy", name+": auth reads it like any other backup; it can stay")
	}
	switch {
	case x.State == nil:
	case x.Backup.Stale:
		l.add("backup", &device.StaleError{Err: errors.New(staleWords(x.Backup))}, "")
	default:
		l.add("backup", nil, c.lastWords(x.Backup))
	}
	for _, d := range x.Backup.Devices {
		if d.Newer {
			l.note("device", c.deviceWords(c.Out, d)+newerWords)
		}
	}
	for _, row := range sheetRows(x.Backup) {
		l.note(row[0], row[1])
	}
	if x.State != nil {
		l.note("drill", c.drillRow(c.Out, x.Backup.Drill))
	}
}

// hintLook is the look of a detail.
func hintLook(detail string) term.Look {
	if strings.HasPrefix(detail, "hint: ") {
		return term.Warn
	}
	return term.Plain
}

// sayFindings prints the findings. The first wrong one decides the exit code.
func (c *cli) sayFindings(list findings) error {
	var rows [][]string
	var first error
	for _, f := range list {
		rows = append(rows, []string{f.State, f.What, term.Escape(f.Detail)})
		if f.Hint != "" {
			rows = append(rows, []string{"", "", "hint: " + f.Hint})
		}
		if first == nil {
			first = f.err
		}
	}
	var err error
	if c.json {
		err = c.printJSON(jsonDoctor{jsonVersion, list})
	} else {
		err = c.printColumns([]term.Column{{Name: "STATE", Look: stateLook}, {Name: "WHAT"}, {Name: "DETAIL", Fit: term.Wrap, Look: hintLook}}, rows)
	}
	if err != nil || first == nil {
		return err
	}
	return exitCode(codeOf(first))
}

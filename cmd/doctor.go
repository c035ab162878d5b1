package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A finding is one thing that doctor looked at.
type finding struct {
	What   string `json:"what"`
	State  string `json:"state"` // "ok", "note" or "wrong"
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`

	err error
}

type jsonDoctor struct {
	Version  int       `json:"version"`
	Findings []finding `json:"findings"`
}

func newDoctor(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look hard, and say what to type next",
		Long: `Look at the folders, the keyring and its collection, the marker and the vault, and
say what is wrong and what to type next. Nothing is changed, and no secret shown.` + exitStatus("0 all is well; otherwise the code of the first thing that is wrong"),
		Example:           `  auth doctor`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd) },
	}
}

func (c *cli) doctor(cmd *cobra.Command) error {
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return err
	}
	var list []finding
	add := func(what string, err error, detail string) {
		f := finding{What: what, State: "ok", Detail: detail, err: err}
		if err != nil {
			f.State, f.Detail = "wrong", message(err, nil)
			f.Hint = strings.Join(advice(err), "; ")
		}
		list = append(list, f)
	}
	note := func(what, detail string) { list = append(list, finding{What: what, State: "note", Detail: detail}) }

	add("state folder", nil, s.places.state)
	_, _, markerErr := vault.ReadMarker(s.places.state)
	switch {
	case markerErr != nil:
		add("marker", markerErr, "")
	case !s.marked:
		note("marker", "none: no vault was used here yet")
	default:
		add("marker", nil, fmt.Sprintf("generation %d, %s keyring", s.marker.Generation, s.marker.Keyring))
	}
	s.examineKeyring(cmd.Context(), add)
	state, err := s.read(cmd.Context())
	if err != nil {
		add("vault", err, "")
	} else {
		add("vault", nil, count(len(state.Accounts()), "account"))
		for _, a := range state.Accounts() {
			if a.NeedsVerification() {
				note("account", label(a)+" needs verification")
			}
			if a.Shown != a.Label() {
				note("account", label(a)+" shares its label with another; auth edit tells them apart")
			}
		}
		if ahead := state.Clock - s.Now().UnixMilli(); ahead > 24*60*60*1000 {
			note("clock", fmt.Sprintf("a change is stamped %d hours ahead of this clock; one of the two is wrong", ahead/3600000))
		}
	}
	if s.marker.Location != "" {
		s.examineBackup(cmd.Context(), state, add, note)
	}
	return c.sayFindings(list)
}

// examineBackup looks at the location itself, and at how the backup stands.
func (s *session) examineBackup(ctx context.Context, state *vault.State, add func(string, error, string), note func(string, string)) {
	loc, err := s.location(s.marker.Location)
	if err != nil {
		add("location", err, "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, location.RemoteWait)
	defer cancel()
	entries, err := list(ctx, loc)
	if err != nil {
		add("location", err, "")
		return
	}
	add("location", nil, fmt.Sprintf("%s, %s", loc, count(len(entries), "file")))
	for _, e := range entries {
		if n, ok := backup.ParseFileName(e.Name); ok && n.String() != e.Name {
			note("conflict copy", e.Name+": read like any other backup; it can stay")
		}
	}
	if state == nil {
		return
	}
	if j := s.backupStatus(state.Generation); j.Stale {
		add("backup", &staleError{errors.New(j.Reason)}, "")
	} else {
		add("backup", nil, "last at "+j.Last)
	}
}

func (s *session) examineKeyring(ctx context.Context, add func(string, error, string)) {
	if s.kind == fileKeyring {
		detail := s.places.data + ", not made yet"
		if s.file.Exists() {
			detail = s.places.data + ", key without a passphrase"
			if protected, err := s.file.Protected(); err != nil {
				add("file keyring", err, "")
				return
			} else if protected {
				detail = s.places.data + ", key under a passphrase"
			}
		}
		add("file keyring", nil, detail)
		return
	}
	timeout, err := s.keyringTimeout(s.kind)
	if err != nil {
		add("system keyring", err, "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	name, locked, err := s.system.Collection(ctx)
	switch {
	case err != nil:
		add("system keyring", err, "")
	case locked:
		add("system keyring", nil, fmt.Sprintf("collection %q, locked; service %q", name, s.places.service))
	default:
		add("system keyring", nil, fmt.Sprintf("collection %q; service %q", name, s.places.service))
	}
}

func (c *cli) sayFindings(list []finding) error {
	var rows [][]string
	var first error
	for _, f := range list {
		rows = append(rows, []string{f.State, f.What, term.Escape(f.Detail)})
		if f.Hint != "" {
			rows = append(rows, []string{"", "", "type: " + f.Hint})
		}
		if first == nil {
			first = f.err
		}
	}
	var err error
	if c.json {
		err = c.printJSON(jsonDoctor{jsonVersion, list})
	} else {
		err = c.printTable(rows)
	}
	if err != nil || first == nil {
		return err
	}
	return exitCode(codeOf(first))
}

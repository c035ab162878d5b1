package cmd

import (
	"cmp"
	"context"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/live"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// bare is auth without a command: the live view on a terminal, and the help elsewhere.
func (c *cli) bare(cmd *cobra.Command, accessible bool) error {
	if c.json || !c.choosing() || !term.IsTerminal(c.Out) {
		return cmd.Help()
	}
	accessible = accessible || c.accessible()
	if c.Getenv("TERM") == "dumb" && !accessible { // it cannot draw
		list, _, err := cmd.Find([]string{"list"})
		if err != nil {
			return err
		}
		list.SetContext(cmd.Context())
		return list.RunE(list, nil)
	}
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return err
	}
	if done, err := s.offerSetup(cmd.Context()); done || err != nil {
		return err
	}
	return s.showLive(cmd.Context(), accessible)
}

// showLive shows the live view until the user leaves it. An accessible one is a conversation of appended lines.
func (s *session) showLive(ctx context.Context, accessible bool) error {
	v := &screen{session: s, quiet: s.unattended()}
	state, err := s.device.Read(ctx) // which asks what has to be asked
	if err != nil {
		return err
	}
	own, err := s.device.Settings()
	if err != nil {
		return err
	}
	accounts := rows(state)
	forget()
	// From now on the terminal belongs to the view: nothing is asked and nothing is printed beside it.
	s.answers.cli = s.unattended()
	o := live.Options{
		In: s.In, Out: s.Out, Environ: s.drawEnviron(s.Out), Now: s.Now,
		Accounts: accounts, Hide: own[settingHide] == "true", Words: errorWords,
		Generation: v.generation, Load: v.load, Codes: v.codes, Notices: v.notices,
		Closed: v.closed, Advance: v.advance, Copy: v.copy,
		Add: v.add, Edit: v.edit, Move: v.move, Remove: v.remove, Undo: v.undo, QR: v.qr,
	}
	if accessible {
		return live.Converse(ctx, o)
	}
	printed, err := live.Run(ctx, o)
	v.image.Lock() // what reads an image has ended and removed its file, and no other begins
	v.sayRest()
	if err != nil || printed == "" {
		return err
	}
	return s.print(printed + "\n")
}

// sayRest prints what the last change met, where the view was left before it could show that.
func (v *screen) sayRest() {
	v.one.Lock()
	defer v.one.Unlock()
	for _, line := range v.said {
		v.warn("%s", line)
	}
	if v.stale != "" {
		v.warn("%s", v.stale)
	}
}

// errorWords returns an error as one line, with its first hint.
func errorWords(err error) string {
	text := message(err, nil)
	if hints := advice(err); len(hints) > 0 {
		text += "; " + hints[0]
	}
	return text
}

// A screen gives the live view what it shows and does, on this device.
type screen struct {
	*session

	one   sync.Mutex    // a device is for one caller at a time
	quiet *cli          // what it says is shown and not printed
	image sync.Mutex    // held while an image is read, which may lie in a file meanwhile
	said  []string      // what the last change met
	stale string        // why the last change was not backed up
	seen  atomic.Uint64 // the last generation that could be read
}

// with calls use with a device. The system keyring is opened anew each time: it may have been locked since, or have hung
// once. Only an act of the user may make it ask to be unlocked. A file keyring stays open, with the passphrase that was
// typed.
func (v *screen) with(act bool, use func(*device.Device) error) error {
	v.one.Lock()
	defer v.one.Unlock()
	d := v.device
	if d.KeyringKind() == device.SystemKeyring {
		o := v.options
		o.Waiting, o.Deriving, o.Interactive = nil, nil, o.Interactive && act
		var err error
		if d, err = device.Open(o); err != nil {
			return err
		}
	}
	return use(d)
}

// generation returns the vault's generation as the marker has it. A command of another process that changes the vault
// writes the marker. It never waits for the device, since the view does not draw meanwhile.
func (v *screen) generation() uint64 {
	if marker, ok, err := vault.ReadMarker(v.places.state); err == nil && ok {
		v.seen.Store(marker.Generation)
	}
	return v.seen.Load()
}

// closed reports whether the system keyring cannot be read. A file keyring stays open. It does not wait for the device
// either: another function may be waiting for a keyring that hangs.
func (v *screen) closed(ctx context.Context) bool {
	if v.device.KeyringKind() != device.SystemKeyring {
		return false
	}
	o := v.options
	o.Waiting, o.Deriving, o.Interactive = nil, nil, false
	d, err := device.Open(o)
	if err != nil {
		return false // reading says why
	}
	return d.KeyringClosed(ctx)
}

func (v *screen) read(ctx context.Context) (state *vault.State, err error) {
	err = v.with(false, func(d *device.Device) error {
		state, err = d.Read(ctx)
		return err
	})
	return state, err
}

// change changes the vault. change returns what was done in words. It may be called twice, and the last words count. What
// there is to say about the backup follows them.
func (v *screen) change(ctx context.Context, change func(*vault.Tx) (done string, err error)) (said string, err error) {
	defer forget()
	err = v.with(true, func(d *device.Device) error {
		r, err := d.Change(ctx, func(tx *vault.Tx) (err error) {
			said, err = change(tx)
			return err
		})
		v.met(r)
		if err == nil && r.Stale != nil {
			v.stale = "the backup is stale: " + message(r.Stale, nil)
			said = strings.TrimPrefix(said+"; "+v.stale, "; ")
		}
		return err
	})
	return said, err
}

// met keeps the notices of a report for the lines of the view.
func (v *screen) met(r device.Report) {
	for _, n := range r.Notices {
		v.said = append(v.said, noticeWords(n))
	}
}

// forget gives memory that is no longer used back to the system, which empties it. Otherwise everything that was read of
// the vault would lie there until Go needs the room, and the view is open for long.
func forget() { debug.FreeOSMemory() }

// rows returns what the view shows of the accounts of a vault.
func rows(state *vault.State) []live.Account {
	list := []live.Account{}
	for _, a := range state.Accounts() {
		_, exposed := state.Exposed(a)
		list = append(list, live.Account{
			ID: a.ID, Issuer: a.Issuer, Name: a.Name, Label: a.Shown, Alias: a.Alias, Tags: a.Tags, Digits: a.Digits,
			Counter: a.Type == account.HOTP, Unverified: a.NeedsVerification(), Exposed: exposed,
		})
	}
	return list
}

func (v *screen) load(ctx context.Context) ([]live.Account, error) {
	defer forget()
	state, err := v.read(ctx)
	if err != nil {
		return nil, err
	}
	return rows(state), nil
}

// codes reads the vault, computes the codes of some accounts, and keeps nothing of it: a secret is in memory for as long
// as that takes, and not for as long as the view is open.
func (v *screen) codes(ctx context.Context, ids []string, at time.Time) (map[string]live.Code, error) {
	defer forget()
	state, err := v.read(ctx)
	if err != nil {
		return nil, err
	}
	// What auth code waits for, the view waits for too. A value that auth code refuses is none.
	least, err := device.ParseDuration(cmp.Or(state.Settings[settingMinValid].Value, "0"))
	if err != nil {
		least = 0
	}
	codes := map[string]live.Code{}
	for _, a := range state.Accounts() {
		if !slices.Contains(ids, a.ID) || a.NeedsVerification() {
			continue
		}
		code, err := otp.At(a.Credential, at)
		if err != nil {
			continue // "-" in its row; auth code says why
		}
		next, err := otp.At(a.Credential, code.Until)
		if err != nil {
			continue
		}
		codes[a.ID] = live.Code{Text: code.Text, Until: code.Until, Next: next.Text, NextUntil: next.Until, Least: least}
	}
	return codes, nil
}

// notices returns a line for each thing that the user should know of this device, and how its backup stands.
func (v *screen) notices(ctx context.Context) (lines []string, standing string) {
	defer forget()
	var status device.Status
	err := v.with(false, func(d *device.Device) (err error) {
		lines, v.said, v.stale = v.said, nil, ""
		status, err = d.Status(ctx)
		return err
	})
	if err != nil {
		return lines, "" // the rows say so
	}
	backup, n := status.Backup, tallyOf(status.State)
	if backup.Stale {
		lines = append(lines, "the backup is stale: "+staleWords(backup)+" (auth status)")
	}
	if state, why := v.syncTrouble(status.Sync); why != "" {
		lines = append(lines, "the sync that runs by itself: "+state+": "+why)
	}
	if words := newsWords(backup.Devices); words != "" {
		lines = append(lines, words)
	}
	if n.exposed > 0 {
		lines = append(lines, count(n.exposed, "account")+" exposed by a lost device: auth add --replace gives each a new secret")
	}
	if n.unverified > 0 {
		lines = append(lines, count(n.unverified, "account")+" without the secret: auth verify QUERY completes one")
	}
	for _, row := range sheetRows(backup) {
		lines = append(lines, "the "+strings.Join(row, ": "))
	}
	switch {
	case !backup.On:
		return lines, ""
	case backup.Drill.Due:
		return append(lines, "last drill: "+v.drillRow(v.Out, backup.Drill)), "last backup " + day(backup.Last)
	default:
		return lines, "last backup " + day(backup.Last) + ", last drill " + day(backup.Drill.Time)
	}
}

// day returns a date for a short line.
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.DateOnly)
}

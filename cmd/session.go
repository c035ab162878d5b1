package cmd

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A session is one run of a command on this device.
type session struct {
	*cli

	places  places
	options device.Options // that device was opened with
	device  *device.Device
	answers *answers
}

// open opens this device. It reads the settings and the marker, but not the keyring.
func (c *cli) open(command string) (*session, error) {
	places, err := c.places()
	if err != nil {
		return nil, err
	}
	wait, err := c.keyringWait()
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	s := &session{cli: c, places: places, answers: &answers{cli: c}}
	kind := c.keyringFlag
	if kind == "" {
		kind = c.Getenv("AUTH_KEYRING")
	}
	s.options = device.Options{
		Config: places.config, State: places.state, Data: places.data, Service: places.service,
		Keyring: kind, Bus: device.SessionBus(c.Getenv("DBUS_SESSION_BUS_ADDRESS")), Interactive: c.watched(), KeyringWait: wait,
		Waiting: func() { c.say("auth: waiting for the keyring to be unlocked") },
		Dir:     dir, Home: c.home(), Getenv: c.Getenv, LookPath: c.LookPath, Environ: c.Environ(), LocationWait: c.Patience, PluginPerson: pluginPerson{c},
		ReadFile: c.readFile, Name: c.Hostname(), Holder: command, Now: c.Now, WorkFactor: c.WorkFactor, Asker: s.answers, Keeper: c.Keeper,
		Deriving: func() func() { return s.answers.deriving() }, // unattended in the live view
	}
	s.device, err = device.Open(s.options)
	return s, err
}

// keyringWait returns how long the keyring may take, from the environment; 0 if it is not
// set.
func (c *cli) keyringWait() (time.Duration, error) {
	text := c.Getenv("AUTH_KEYRING_TIMEOUT")
	if text == "" {
		return 0, nil
	}
	wait, err := device.ParseDuration(text)
	if err != nil || wait <= 0 {
		return 0, usagef("keyring timeout %q is not a duration such as 10s", text)
	}
	return wait, nil
}

// watched reports whether somebody may see a request to unlock the keyring.
func (c *cli) watched() bool {
	if c.noInput || c.Getenv("AUTH_NO_INPUT") == "1" {
		return false
	}
	if c.Prompt.Available() {
		return true
	}
	switch runtime.GOOS {
	case "darwin", "windows":
		return c.Getenv("SSH_CONNECTION") == ""
	default:
		return c.Getenv("DISPLAY") != "" || c.Getenv("WAYLAND_DISPLAY") != ""
	}
}

// change changes the vault and reports what happened to its backup.
func (s *session) change(ctx context.Context, change func(*vault.Tx) error) error {
	r, err := s.device.Change(ctx, change)
	s.sayReport(r)
	return err
}

// sayReport prints the notices of a device.
func (c *cli) sayReport(r device.Report) {
	has := func(kind device.NoticeKind) bool {
		return slices.ContainsFunc(r.Notices, func(n device.Notice) bool { return n.Kind == kind })
	}
	back, renewed := has(device.VaultRolledBack), has(device.NewDeviceID)
	for _, n := range r.Notices {
		switch {
		case n.Kind == device.NewDeviceID && back: // which the older vault is the reason for
		case n.Kind == device.VaultRolledBack && renewed:
			c.warn("the keyring has an older vault (generation %d, last seen %d); auth sync brings back what was backed up since", n.Found, n.Expected)
		default:
			c.warn("%s", noticeWords(n))
		}
	}
	if r.Stale != nil {
		c.warn("the backup is stale: %s (auth status)", message(r.Stale, nil))
	}
}

// noticeWords returns a notice as a line of text.
func noticeWords(n device.Notice) string {
	name := term.Escape(n.Name)
	switch n.Kind {
	case device.VaultReplaced:
		return "the keyring has a different vault than before; this device now uses that one"
	case device.VaultRolledBack:
		return fmt.Sprintf("the keyring has an older vault (generation %d, last seen %d), and this device continues from it; auth restore brings back what is missing",
			n.Found, n.Expected)
	case device.NewDeviceID:
		return "another machine writes backups under this device's id (a clone, or an old image); this device now has a new id; auth sync merges both"
	case device.MarkerMended:
		return message(n.Err, nil) + "; it was written again from the vault"
	case device.MarkerUnwritten:
		return "the change is stored, but this device's marker could not be written: " + message(n.Err, nil)
	case device.DeviceRenewed:
		return message(n.Err, nil) + "; this device now has a new id; auth sync brings back what it had backed up"
	case device.CopyLeft:
		return "the other keyring still holds a copy of the vault, from moving it; the next change removes it: " + message(n.Err, nil)
	case device.WrittenAgain:
		return "the last backup, " + name + ", was missing or altered at the location; a new one was written"
	case device.SetAside:
		return "the file keyring that was here is " + name + " now, and a new one is in its place"
	case device.SheetVoid:
		return "the sheet that was made here is void: it does not open what is written from now on; auth backup key --sheet FILE makes a new one"
	case device.PutBack:
		return name + " was missing or altered at the location, and was put back"
	case device.NotMended:
		return message(n.Err, nil)
	case device.NotMerged:
		return name + " could not be used, and nothing of it was merged: " + message(n.Err, nil)
	case device.NothingMerged:
		return "nothing was merged: the recovery key was changed, and whoever has the old one can go on writing with it"
	case device.SealedKeyGone:
		return name + " is gone, and this device has no copy; it may have been under the old passphrase"
	default:
		return name + " was changed more than a day ahead of this clock; one of the two clocks is wrong"
	}
}

package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/vault"
)

// DrillEvery is how old the last drill may be before a new one is asked for.
const DrillEvery = 90 * 24 * time.Hour

// A Drill is a restore that was only practised.
type Drill struct {
	Report

	KeyID    string
	Location string
	Accounts []DrillStep
	Skipped  []backup.File
	Age      AgeDrill
}

// A DrillStep is what would have become of one live account.
type DrillStep struct {
	Account vault.Account
	Outcome DrillOutcome
}

// A DrillOutcome says what a restore would bring of an account.
type DrillOutcome string

// What a drill can find.
const (
	DrillSame     DrillOutcome = "comes back"          // with the same codes
	DrillNameOnly DrillOutcome = "comes back by name"  // its secret never leaves this device
	DrillDiffers  DrillOutcome = "another secret"      // the backup has another one
	DrillMissing  DrillOutcome = "would not come back" // it is in no backup
	DrillCounter  DrillOutcome = "an older counter"    // the codes of an HOTP account moved on since
)

// ErrOldAge says that the installed age has no post-quantum keys, which age 1.3 brought.
var ErrOldAge = errors.New("it is older than age 1.3, which brought the keys of these backups")

// An AgeDrill is what stock age said of the newest backup.
type AgeDrill struct {
	Version string // empty where it is not installed
	File    string
	Err     error
}

// Fails reports whether an age that knows the keys of the backups did not open the newest.
func (a AgeDrill) Fails() bool { return a.Err != nil && !errors.Is(a.Err, ErrOldAge) }

// Whole reports whether everything would come back that can.
func (d Drill) Whole() bool {
	for _, step := range d.Accounts {
		if step.Outcome != DrillSame && step.Outcome != DrillNameOnly && step.Outcome != DrillCounter {
			return false
		}
	}
	return len(d.Skipped) == 0
}

// Drill practises a restore: it opens the location as on a machine that has nothing, with
// the passphrase or what from names and nothing of the keyring, restores into an empty vault
// in memory, and compares each live account's code with the restored one's. Where stock
// age is installed it opens the newest backup, too. Nothing is changed but the note of when
// the drill was and how it ended, which [Device.Status] shows. One that was given up, which is
// [context.Canceled], is not noted.
func (d *Device) Drill(ctx context.Context, from KeySource) (Drill, error) {
	live, err := d.Read(ctx)
	if err != nil {
		return Drill{}, err
	}
	e, _, err := d.enrolled(ctx)
	if err != nil {
		return Drill{}, err
	}
	drill, err := d.practise(ctx, e.Location, live, from)
	if errors.Is(err, context.Canceled) {
		return drill, err // given up: that says nothing about the location
	}
	noted := err
	switch {
	case noted != nil:
	case !drill.Whole():
		noted = ErrNotWhole
	case drill.Age.Fails():
		noted = ErrAgeFails
	}
	note := d.changeBackupState(ctx, func(b *backupState) {
		b.Drill = drillState{Time: d.o.Now().UTC(), Location: e.Location}
		if noted != nil {
			b.Drill.Failed = noted.Error()
		}
	})
	return drill, errors.Join(err, note)
}

// Why a drill failed that opened the location.
var (
	ErrNotWhole = errors.New("not everything would come back")
	ErrAgeFails = errors.New("stock age does not open the newest backup")
)

func (d *Device) practise(ctx context.Context, location string, live *vault.State, from KeySource) (Drill, error) {
	source, err := d.openLocationSource(ctx, location, RestoreOptions{From: location, KeySource: from, Fresh: true})
	drill := Drill{Report: d.report(), Location: location, Skipped: source.skipped}
	if err != nil {
		return drill, err
	}
	drill.KeyID = source.opened.key.ID()
	restored := &vault.Tx{State: new(vault.State), Now: d.o.Now(), Device: "drill"}
	if _, err := backup.Restore(restored, source.state, backup.Options{}); err != nil {
		return drill, err
	}
	for _, a := range live.Accounts() {
		drill.Accounts = append(drill.Accounts, DrillStep{a, compareRestored(a, restored.State, d.o.Now())})
	}
	drill.Age = d.drillAge(ctx, source)
	return drill, nil
}

// compareRestored says what a restore brought of a live account.
func compareRestored(a vault.Account, restored *vault.State, now time.Time) DrillOutcome {
	back, err := restored.Find("id:"+a.ID, true)
	if err != nil {
		same, found := restored.Same(a.Account)
		if !found {
			return DrillMissing
		}
		back = same
	}
	switch {
	case a.NeedsVerification() || a.DeviceBound && back.NeedsVerification():
		return DrillNameOnly
	case back.NeedsVerification() || !back.Credential.Equal(a.Credential):
		return DrillDiffers
	case a.Type == account.HOTP:
		if back.Counter < a.Counter {
			return DrillCounter
		}
		return DrillSame
	}
	want, err := otp.At(a.Credential, now)
	if err != nil {
		return DrillSame // there is no code to compare, and the secret is the same
	}
	if got, err := otp.At(back.Credential, now); err != nil || got.Text != want.Text {
		return DrillDiffers
	}
	return DrillSame
}

// drillAge has stock age open the newest backup with the recovery key, which goes through
// a pipe.
func (d *Device) drillAge(ctx context.Context, from source) AgeDrill {
	path, err := d.o.LookPath("age")
	if err != nil {
		return AgeDrill{}
	}
	version, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return AgeDrill{}
	}
	drill := AgeDrill{Version: strings.TrimSpace(string(version))}
	if drill.File = newestUnder(from.opened.key.ID(), from.opened.inventory); drill.File == "" {
		return AgeDrill{}
	}
	data, err := from.location.Read(ctx, drill.File)
	if err != nil {
		drill.Err = err
		return drill
	}
	drill.Err = openWithAge(ctx, path, data, from.opened.key)
	return drill
}

// openWithAge runs age on a backup. The key comes by standard input, so that the backup,
// which is encrypted, lies in a file for that time.
func openWithAge(ctx context.Context, path string, data []byte, key backup.RecoveryKey) error {
	file, err := os.CreateTemp("", "auth-drill-*.age")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	run := exec.CommandContext(ctx, path, "-d", "-i", "-", file.Name())
	run.Stdin = strings.NewReader(key.Text() + "\n")
	var out, problem bytes.Buffer
	run.Stdout, run.Stderr = &out, &problem
	if err := run.Run(); err != nil {
		if key.Quantum() && strings.Contains(problem.String(), "unknown identity type") {
			return ErrOldAge
		}
		first, _, _ := strings.Cut(strings.TrimSpace(problem.String()), "\n")
		return fmt.Errorf("%w: %s", err, first)
	}
	if _, err := backup.Decode(out.Bytes()); err != nil {
		return fmt.Errorf("age opened something else: %w", err)
	}
	return nil
}

// newestUnder returns the name of the good file under a key that was written last; empty if
// there is none. A file under an older key may say that it is newer.
func newestUnder(id string, inv backup.Inventory) (name string) {
	var at time.Time
	for _, f := range inv.Files {
		if f.State == backup.Good && f.Key == id && f.Content.Created.After(at) {
			name, at = f.Name, f.Content.Created
		}
	}
	return name
}

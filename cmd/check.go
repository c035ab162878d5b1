package cmd

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/vault"
)

const (
	// checkSteps is how many codes before and after the current one are compared with a
	// wrong code. A match means that the clock is off. At 30 s per code this covers ten
	// minutes.
	checkSteps = 20
	// zoneHalfHours is how many half hours around now are looked at too, and zoneSteps how
	// many codes before and after each. A wrong code is among all of them once in 2,300
	// times.
	zoneHalfHours = 28
	zoneSteps     = 3
	// lookAhead is how many HOTP codes are tried (RFC 4226, section 7.4).
	lookAhead = 20
)

type jsonCheck struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	Label   string `json:"label"`
	Right   bool   `json:"right"`
	// Offset is the distance of the matching code from now, in seconds. Ahead is the
	// distance of a matching HOTP code, in codes.
	Offset *int    `json:"offset,omitempty"`
	Ahead  *uint64 `json:"ahead,omitempty"`
	// Clock is what else was seen of the clock, where the code is not right now.
	Clock *jsonClock `json:"clock,omitempty"`
}

func newCheck(c *cli) *cobra.Command {
	var exact bool
	cmd := c.command(spec{
		use:   "check [QUERY...] CODE",
		short: "Check a code, and the clock",
		long: `Check whether CODE is right for an account. A code from a few minutes ago or ahead, or
from about a whole or half hour away, is wrong, but it shows how far off this clock
is. auth check then also says what the backups of other devices, and the times of
the files in the location, say of the clock. It never shifts a code.

For a counter-based account, the next codes are right too. The counter does not
change. Without a QUERY, a terminal shows the accounts to choose from.`,
		exit:     "0 right; 3 no such account; 4 several match; 6 keyring; 8 needs verification;\n10 wrong",
		example:  `  auth check github 123456`,
		args:     cobra.MinimumNArgs(1),
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			a, err := s.find(ctx, state, args[:len(args)-1], exact)
			if err != nil {
				return err
			}
			if a.NeedsVerification() {
				return verifyFirst(a)
			}
			code := strings.ToUpper(strings.Join(strings.Fields(args[len(args)-1]), ""))
			if a.Type == account.HOTP {
				return s.checkCounter(a, code)
			}
			return s.checkTime(ctx, state, a, code)
		},
	})
	cmd.Flags().BoolVar(&exact, "exact", false, "take QUERY for a whole label, an alias or id:ID only")
	return cmd
}

func equalCodes(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(strings.ToUpper(a)), []byte(b)) == 1
}

// checkedSteps returns the distances, in codes, of the codes that one is compared with: the
// nearest first, the past before the future, and then those around whole and half hours. A
// clock that is wrong by those was set to local time, or for another time zone.
func checkedSteps(period int) []int {
	steps := []int{0}
	both := func(step int) { steps = append(steps, -step, step) }
	for step := 1; step <= checkSteps; step++ {
		both(step)
	}
	for halves := 1; halves <= zoneHalfHours; halves++ {
		for near := -zoneSteps; near <= zoneSteps; near++ {
			if step := halves*1800/period + near; step > checkSteps {
				both(step)
			}
		}
	}
	return steps
}

func (s *session) checkTime(ctx context.Context, state *vault.State, a vault.Account, code string) error {
	now := s.Now()
	j := jsonCheck{Version: jsonVersion, ID: a.ID, Label: a.Shown}
	words := "wrong"
	for _, step := range checkedSteps(a.Period) {
		offset := step * a.Period
		c, err := otp.At(a.Credential, now.Add(time.Duration(offset)*time.Second))
		if err != nil || !equalCodes(c.Text, code) {
			continue
		}
		j.Right, j.Offset = step == 0, &offset
		words = stepWords(c, now, step, offset)
		if step == 0 || step < -1 || step > 1 { // the one before or after may be slow fingers
			s.noteCode(ctx, c, now, step)
		}
		break
	}
	if !j.Right {
		seen := s.device.Clock(ctx, state)
		j.Clock = clockJSON(seen)
		defer s.sayClock(seen)
	}
	return s.checked(j, words)
}

// stepWords says of which time a code is, and how far off the clock is by that.
func stepWords(c otp.Code, now time.Time, step, offset int) string {
	zone := ""
	if step < -checkSteps || step > checkSteps {
		zone = "; by such a step, it often keeps local time or is set for another time zone"
	}
	switch {
	case step == 0:
		return fmt.Sprintf("right, for %d more seconds", int(c.Until.Sub(now).Seconds()))
	case step < 0:
		return fmt.Sprintf("wrong now: it was the code of %s, %d seconds ago; if the code is new, this clock is ahead by %s to %s%s",
			c.From.Format(time.TimeOnly), -offset, roughly(now.Sub(c.Until)), roughly(now.Sub(c.From)), zone)
	default:
		return fmt.Sprintf("wrong now: it will be the code of %s, in %d seconds; this clock is behind by %s to %s%s",
			c.From.Format(time.TimeOnly), offset, roughly(c.From.Sub(now)), roughly(c.Until.Sub(now)), zone)
	}
}

// noteCode remembers what a code says of the clock, for auth doctor. Where it cannot be
// stored the answer is the same.
func (s *session) noteCode(ctx context.Context, c otp.Code, now time.Time, step int) {
	behind := time.Duration(0)
	if step != 0 {
		behind = c.From.Add(c.Until.Sub(c.From) / 2).Sub(now)
	}
	_ = s.device.NoteCode(ctx, behind)
}

func (s *session) checkCounter(a vault.Account, code string) error {
	j := jsonCheck{Version: jsonVersion, ID: a.ID, Label: a.Shown}
	words := "wrong"
	for ahead := range uint64(lookAhead) {
		text, err := otp.Count(a.Credential, a.Counter+ahead)
		if err != nil || !equalCodes(text, code) {
			continue
		}
		j.Right, j.Ahead = true, &ahead
		words = "right: it is the next code"
		if ahead > 0 {
			words = fmt.Sprintf("right, %d codes ahead; auth edit %s --counter %d moves on past it", ahead, queryWord(a), a.Counter+ahead+1)
		}
		break
	}
	return s.checked(j, words)
}

func (s *session) checked(j jsonCheck, words string) error {
	s.say("%s", words)
	if s.json {
		if err := s.printJSON(j); err != nil {
			return err
		}
	}
	if !j.Right {
		return exitCode(codeWrong)
	}
	return nil
}

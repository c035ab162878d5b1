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
}

func newCheck(c *cli) *cobra.Command {
	var exact bool
	cmd := c.command(spec{
		use:   "check QUERY CODE",
		short: "Check a code, and the clock",
		long: `Check whether CODE is right for an account. A code from a few minutes ago or ahead is
wrong, but it shows how far off a clock is. For a counter-based account, the next
codes are right too. The counter does not change.`,
		exit:     "0 right; 3 no such account; 4 several match; 6 keyring; 8 needs verification;\n10 wrong",
		example:  `  auth check github 123456`,
		args:     cobra.ExactArgs(2),
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			a, err := s.find(ctx, state, args[0], exact)
			if err != nil {
				return err
			}
			if a.NeedsVerification() {
				return verifyFirst(a)
			}
			code := strings.ToUpper(strings.Join(strings.Fields(args[1]), ""))
			if a.Type == account.HOTP {
				return s.checkCounter(a, code)
			}
			return s.checkTime(a, code)
		},
	})
	cmd.Flags().BoolVar(&exact, "exact", false, "take QUERY for a whole label, an alias or id:ID only")
	return cmd
}

func equalCodes(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(strings.ToUpper(a)), []byte(b)) == 1
}

func (s *session) checkTime(a vault.Account, code string) error {
	now := s.Now()
	j := jsonCheck{Version: jsonVersion, ID: a.ID, Label: a.Shown}
	words := "wrong"
	// Try the nearest codes first, and the past before the future.
	for n := range 2*checkSteps + 1 {
		step := (n + 1) / 2
		if n%2 == 1 {
			step = -step
		}
		offset := step * a.Period
		c, err := otp.At(a.Credential, now.Add(time.Duration(offset)*time.Second))
		if err != nil || !equalCodes(c.Text, code) {
			continue
		}
		j.Right, j.Offset = step == 0, &offset
		switch {
		case step == 0:
			words = fmt.Sprintf("right, for %d more seconds", int(c.Until.Sub(now).Seconds()))
		case step < 0:
			words = fmt.Sprintf("wrong now: it was the code of %s, %d seconds ago; this clock may be ahead", c.From.Format(time.TimeOnly), -offset)
		default:
			words = fmt.Sprintf("wrong now: it will be the code of %s, in %d seconds; this clock may be behind", c.From.Format(time.TimeOnly), offset)
		}
		break
	}
	return s.checked(j, words)
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

package cmd

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/vault"
)

type codeOptions struct {
	all, copy, exact, next bool
	way                    string // to copy, chosen before a counter is advanced
	at                     string
	minValid               string
}

func newCode(c *cli) *cobra.Command {
	var o codeOptions
	cmd := c.command(spec{
		use:   "code [QUERY...]",
		short: "Print a code",
		long: `Print the code of one account, and nothing else. QUERY is a label, an alias or
id:ID. It may also be an issuer, a name, the beginning or another part of a label, or
several words that are in its names, alias or tags, as long as only one account
matches. Without a QUERY, or if several accounts match, a terminal shows them to
choose from, also where the output goes to a pipe.

For a counter-based account (HOTP), auth advances the counter and stores it before it
prints the code. --all, --next and --at never advance a counter.

--copy puts the code on the clipboard instead of printing it: by wl-copy on Wayland,
xclip or xsel on X11, the system's own clipboard on macOS, Windows and WSL, tmux, and
over SSH by the terminal (OSC 52). After 45 seconds the clipboard is cleared if it
still holds the code. A terminal cannot be asked what it holds, and keeps it, and so
does clip.exe, which copies on WSL where PowerShell is missing. The setting copy.with
insists on one of these.`,
		exit: "0 done; 3 no such account; 4 several match; 6 keyring; 8 needs verification",
		example: `  auth code github
  auth code git alice
  auth code | wl-copy
  auth code github --copy
  auth code github --min-valid 5s
  auth code --all`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			if o.all && len(args) > 0 {
				return usagef("--all prints every account, so it takes no QUERY")
			}
			if o.at != "" && o.next {
				return usagef("--at and --next cannot be used together")
			}
			if o.all && o.copy {
				return usagef("--copy copies one code, not --all")
			}
			if o.all {
				return s.allCodes(ctx, o)
			}
			return s.code(ctx, args, o)
		},
	})
	flags := cmd.Flags()
	flags.BoolVar(&o.all, "all", false, "print every account: label, tab, code")
	flags.BoolVar(&o.copy, "copy", false, "put the code on the clipboard instead of printing it")
	flags.BoolVar(&o.exact, "exact", false, "take QUERY for a whole label, an alias or id:ID only")
	flags.BoolVar(&o.next, "next", false, "print the code that comes after the current one")
	flags.StringVar(&o.at, "at", "", "print the code of another `TIME`: 2026-01-02T03:04:05Z, or seconds since 1970")
	flags.StringVar(&o.minValid, "min-valid", "", "wait for the next code if this one is valid for less than a `DURATION`")
	return cmd
}

// lookUp is find without reading all of a large vault for one account.
func (s *session) lookUp(ctx context.Context, args []string, exact bool) (vault.Found, error) {
	query := query(args)
	if len(args) > 0 {
		found, err := s.device.Lookup(ctx, query, exact)
		if !errors.Is(err, vault.ErrNotFound) && !as[*vault.AmbiguousError](err) {
			return found, err
		}
	}
	state, err := s.device.Read(ctx)
	if err != nil {
		return vault.Found{}, err
	}
	a, err := s.find(ctx, state, args, exact)
	return vault.Found{Account: a, Settings: state.Settings, Generation: state.Generation}, err
}

// code prints the code of the account that args name.
func (s *session) code(ctx context.Context, args []string, o codeOptions) error {
	found, err := s.lookUp(ctx, args, o.exact)
	if err != nil {
		return err
	}
	a := found.Account
	if a.NeedsVerification() {
		return verifyFirst(a)
	}
	if o.copy {
		if o.way, err = s.clipboard(ctx); err != nil {
			return err
		}
	}
	if a.Type == account.HOTP {
		return s.counterCode(ctx, a, o)
	}
	at, err := s.instant(o)
	if err != nil {
		return err
	}
	code, err := s.codeAt(a, at, o)
	if err != nil {
		return err
	}
	if o.at == "" && !o.next {
		if code, err = s.longEnough(ctx, found, a, code, at, o); err != nil {
			return err
		}
	}
	return s.giveCode(ctx, a, code, at, o)
}

// verifyFirst returns the error for an account without its secret, with a hint.
func verifyFirst(a vault.Account) error {
	return hint.With(&accountError{a, errVerify}, "auth verify "+queryWord(a)+" --qr IMAGE, with a QR code from the issuer")
}

// instant returns the time given by --at, or now.
func (s *session) instant(o codeOptions) (time.Time, error) {
	if o.at == "" {
		return s.Now(), nil
	}
	return parseInstant(o.at)
}

// parseInstant parses a time: RFC 3339, a local date and time, or seconds since 1970.
func parseInstant(text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds < math.MaxInt32*1000 {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("%q is not a time such as 2026-01-02T03:04:05Z", text)
}

// parseUntil parses the end of a range of time. A date means the end of that day.
func parseUntil(text string) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
	}
	return parseInstant(text)
}

// codeAt returns the code at a time, or with --next the code after it.
func (s *session) codeAt(a vault.Account, at time.Time, o codeOptions) (otp.Code, error) {
	code, err := otp.At(a.Credential, at)
	if err == nil && o.next {
		code, err = otp.At(a.Credential, code.Until)
	}
	return code, err
}

// longEnough waits for the next code if the current one is about to expire.
func (s *session) longEnough(ctx context.Context, found vault.Found, a vault.Account, code otp.Code, now time.Time, o codeOptions) (otp.Code, error) {
	text := o.minValid
	if text == "" {
		text = found.Settings[settingMinValid].Value
	}
	if text == "" {
		return code, nil
	}
	least, err := device.ParseDuration(text)
	if err != nil || least < 0 {
		return code, usagef("%q is not a duration such as 5s", text)
	}
	if least > time.Duration(a.Period)*time.Second {
		return code, usagef("a code of this account is valid for %d seconds in all", a.Period)
	}
	wait := code.Until.Sub(now)
	if wait >= least {
		return code, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return code, ctx.Err()
	case <-timer.C:
		return otp.At(a.Credential, code.Until)
	}
}

// counterCode prints an HOTP code. It stores the counter and reads it back before it
// shows the code, because a used code must never be given again.
func (s *session) counterCode(ctx context.Context, a vault.Account, o codeOptions) error {
	if o.at != "" {
		return usagef("codes of %s go by a counter, not by the time", label(a))
	}
	counter := a.Counter
	if !o.next {
		var r device.Report
		var err error
		counter, r, err = s.device.Advance(ctx, a.ID)
		s.sayReport(r)
		if err != nil {
			return err
		}
	}
	text, err := otp.Count(a.Credential, counter)
	if err != nil {
		return err
	}
	return s.giveCode(ctx, a, otp.Code{Text: text}, time.Time{}, o)
}

// giveCode copies the code with --copy, and prints it otherwise.
func (s *session) giveCode(ctx context.Context, a vault.Account, code otp.Code, at time.Time, o codeOptions) error {
	if o.copy {
		return s.copyCode(ctx, o.way, a, code, at)
	}
	if s.json {
		return s.printJSON(jsonAccounts(withCode(a, code, at)))
	}
	return s.print(code.Text + "\n")
}

// withCode returns the JSON of an account with its code. The remaining time counts from
// at.
func withCode(a vault.Account, code otp.Code, at time.Time) jsonAccount {
	j := jsonAccount{ID: a.ID, Issuer: a.Issuer, Name: a.Name, Label: a.Shown, Type: string(a.Type), Code: code.Text}
	if !code.Until.IsZero() {
		remaining := int(math.Ceil(code.Until.Sub(at).Seconds()))
		j.ValidUntil, j.Remaining = code.Until.UTC().Format(time.RFC3339), &remaining
	}
	return j
}

// allCodes prints every account. It prints a dash for an account without a secret and for
// one whose code would advance a counter.
func (s *session) allCodes(ctx context.Context, o codeOptions) error {
	state, err := s.device.Read(ctx)
	if err != nil {
		return err
	}
	at, err := s.instant(o)
	if err != nil {
		return err
	}
	s.sayEmpty(state)
	var out strings.Builder
	list := []jsonAccount{}
	for _, a := range state.Accounts() {
		var code otp.Code
		if !a.NeedsVerification() && a.Type != account.HOTP {
			if code, err = s.codeAt(a, at, o); err != nil {
				return &accountError{a, err}
			}
		}
		j := withCode(a, code, at)
		j.NeedsVerification = a.NeedsVerification()
		list = append(list, j)
		text := code.Text
		if text == "" {
			text = "-"
		}
		out.WriteString(label(a) + "\t" + text + "\n")
	}
	if s.json {
		return s.printJSON(jsonAccounts(list...))
	}
	return s.print(out.String())
}

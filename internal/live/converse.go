package live

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/term"
)

// A conversation is the view for screen readers and slow lines: lines that are appended, and none that is drawn again.
type conversation struct {
	Options

	ctx      context.Context //nolint:containedctx // that of Converse, for the functions of Options
	accounts []Account
	offered  []Account // the numbered ones of the last answer
	last     Account   // the one that was answered about
	code     string    // its code
	ends     <-chan time.Time
	short    bool  // the code ends too soon to be given, and the next one follows by itself
	err      error // of writing
}

// Converse is [Run] without a screen: it reads lines from In and appends lines to Out. In stays as it is, so that what is
// being typed is echoed and edited by the terminal itself. The user leaves with q or the end of the input.
func Converse(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &conversation{Options: o, ctx: ctx, accounts: o.Accounts}
	lines := c.read()
	notices := make(chan []string, 1)
	go func() {
		lines, standing := o.Notices(ctx)
		if standing != "" {
			lines = append(lines, standing)
		}
		notices <- lines
	}()
	c.say("%s. Type a part of a name for its code, or help.", howMany(len(c.accounts)))
	for c.err == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case list := <-notices:
			for _, notice := range list {
				c.say("Note: %s", notice)
			}
		case <-c.ends:
			c.ends, c.code = nil, "" // it is not copied any more
			if c.short {
				c.give(c.last)
				continue
			}
			c.say("The code of %s has ended. Enter gives the next one.", c.last.spoken())
		case line, ok := <-lines:
			if !ok || line == "q" || line == "quit" {
				return nil
			}
			c.answer(line)
		}
	}
	return c.err
}

// read reads lines until the input ends. A read of a terminal cannot be ended; the process ends with it.
func (c *conversation) read() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(c.In)
		for in.Scan() {
			select {
			case lines <- strings.TrimSpace(in.Text()):
			case <-c.ctx.Done():
				return
			}
		}
	}()
	return lines
}

func (c *conversation) say(format string, args ...any) {
	if _, err := io.WriteString(c.Out, fmt.Sprintf(format, args...)+"\n"); c.err == nil && err != nil {
		c.err = fmt.Errorf("write to the terminal: %w", err)
	}
}

// howMany returns how many accounts there are, in words.
func howMany(n int) string {
	if n == 1 {
		return "1 account"
	}
	return fmt.Sprintf("%d accounts", n)
}

// spoken returns the label as it is read aloud.
func (a Account) spoken() string {
	name := a.nameOnly()
	if a.Issuer == "" || name == "" {
		return a.shownLabel()
	}
	return term.Escape(a.Issuer) + ", " + name
}

// answer answers one line.
func (c *conversation) answer(line string) {
	accounts, err := c.Load(c.ctx)
	if err != nil {
		c.say("%s", c.Words(err))
		return
	}
	c.accounts = accounts
	switch line {
	case "":
		if c.last.ID == "" {
			c.say("Type a part of a name, or help.")
			return
		}
		c.give(c.last)
	case "help", "?":
		for _, help := range []string{
			"A part of a name gives the code of its account. Where several match, they are numbered, and a number chooses one.",
			"Enter alone gives the code again. copy copies it. advance gives the next code of an account that goes by a counter.",
			"list names all accounts. / before a text looks for it even if it is one of these words. q leaves.",
		} {
			c.say("%s", help)
		}
	case "list":
		c.offer(c.accounts)
	case "copy":
		c.copyLast()
	case "advance":
		c.advance()
	default:
		c.find(line)
	}
}

// find answers with the account that a line names: its number, or by the best tier of a match.
func (c *conversation) find(line string) {
	if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(c.offered) {
		c.give(c.offered[n-1])
		return
	}
	var all []folded
	for _, a := range c.accounts {
		all = append(all, fold(a))
	}
	query := strings.TrimPrefix(line, "/")
	places := filter(all, query)
	var best []Account
	for _, place := range places {
		if all[place].tier(account.Fold(query)) == all[places[0]].tier(account.Fold(query)) {
			best = append(best, c.accounts[place])
		}
	}
	switch len(best) {
	case 0:
		c.say("No account matches %s.", term.Escape(query))
	case 1:
		c.give(best[0])
	default:
		c.offer(best)
	}
}

// offer numbers accounts.
func (c *conversation) offer(list []Account) {
	c.offered = slices.Clone(list)
	for i, a := range list {
		c.say("%d. %s", i+1, a.spoken())
	}
	c.say("%s. A number chooses one.", howMany(len(list)))
}

// give says the code of an account, and for how long it is valid.
func (c *conversation) give(a Account) {
	at := slices.IndexFunc(c.accounts, func(b Account) bool { return b.ID == a.ID })
	if at < 0 {
		c.say("%s is no longer here.", a.spoken())
		return
	}
	a = c.accounts[at]
	c.last, c.code, c.ends, c.short = a, "", nil, false
	switch {
	case a.Unverified:
		c.say("%s: %s.", a.spoken(), a.needs())
		return
	case a.Counter:
		c.say("%s goes by a counter. advance gives its next code.", a.spoken())
		return
	}
	now := c.Now()
	codes, err := c.Codes(c.ctx, []string{a.ID}, now)
	code, ok := codes[a.ID]
	switch {
	case err != nil:
		c.say("%s", c.Words(err))
		return
	case !ok:
		c.say("%s has no code now.", a.spoken())
		return
	}
	rest := code.Until.Sub(now)
	c.ends = time.After(rest)
	if c.short = code.tooShort(now); c.short {
		c.say("%s: its code ends in %s. The next one follows then.", a.spoken(), spokenTime(rest))
		return
	}
	c.code = code.Text
	c.say("%s: %s. Valid for %s.", a.spoken(), a.grouped(code.Text), spokenTime(rest))
	if rest <= soon && code.Next != "" {
		c.say("The next one is %s.", a.grouped(code.Next))
	}
}

func spokenTime(d time.Duration) string {
	seconds := int((d + time.Second - 1) / time.Second)
	switch {
	case seconds == 1:
		return "1 second"
	case seconds < 120:
		return fmt.Sprintf("%d seconds", seconds)
	default:
		return fmt.Sprintf("%d minutes", seconds/60)
	}
}

func (c *conversation) copyLast() {
	switch {
	case c.code == "":
		c.say("There is no code to copy.")
		return
	case c.Copy == nil:
		c.say("There is no clipboard here.")
		return
	}
	said, err := c.Copy(c.ctx, c.code)
	if err != nil {
		said = c.Words(err)
	}
	c.say("%s", said)
}

// advance advances the counter of the last account. Nothing else does.
func (c *conversation) advance() {
	if !c.last.Counter {
		c.say("Name an account that goes by a counter first.")
		return
	}
	code, err := c.Advance(c.ctx, c.last.ID)
	if err != nil {
		c.say("%s", c.Words(err))
		return
	}
	c.code = code
	c.say("%s: %s. The counter is advanced.", c.last.spoken(), c.last.grouped(code))
}

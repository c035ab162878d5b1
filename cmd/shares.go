package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/slip39"
	"github.com/authcli/auth/internal/transfer"
)

// sharesUsage is the help of --shares where shares open a location.
const sharesUsage = "open it with shares of the recovery key: FILEs as further arguments; the rest is asked for"

// withShares returns a check of arguments: with --shares the files of shares follow the
// others. It refuses the words of a share.
func withShares(shares *bool, check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if !*shares {
			return check(cmd, args)
		}
		words := 0
		for word := range strings.FieldsSeq(strings.Join(args, " ")) {
			if _, known := slip39.Word(strings.ToLower(word)); known {
				words++
			}
		}
		if words >= backup.ShareWords/2 {
			return hint.With(errSecretArgument, "--shares asks for the words, or takes FILEs that hold them")
		}
		return nil
	}
}

// sourceAndShares tells the location or backup among the arguments from the files of
// shares. Without one the source is empty.
func (c *cli) sourceAndShares(ctx context.Context, args []string) (source string, files []string) {
	found := false
	for _, arg := range args {
		if !found && !c.mayHoldShare(ctx, arg) {
			source, found = arg, true
			continue
		}
		files = append(files, arg)
	}
	return source, files
}

// mayHoldShare reports whether an argument is a file other than a backup.
func (c *cli) mayHoldShare(ctx context.Context, path string) bool {
	if path == "-" || isStream(path) {
		return true
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	data, err := c.readFile(ctx, path, maxFile)
	if err != nil {
		return true // which says why it cannot be read
	}
	_, err = backup.UnderPassphrase(data)
	return errors.Is(err, backup.ErrForeign)
}

// sharedKey returns the recovery key that shares in files give, as an identity file. What
// the files lack is asked for when the location is there.
func (c *cli) sharedKey(ctx context.Context, files []string) (device.IdentityFile, error) {
	file := device.IdentityFile{Name: "the shares"}
	shares, err := c.readShares(ctx, files)
	switch {
	case err != nil:
		return file, err
	case enough(shares):
		file.Data, err = joined(shares)
		return file, err
	case !c.asking():
		return file, tooFew(shares)
	}
	file.Ask = func(ctx context.Context) ([]byte, error) {
		for !enough(shares) {
			s, err := c.typeShare(ctx, shares)
			if err != nil {
				return nil, err
			}
			shares = append(shares, s)
			if left := s.Threshold() - len(shares); left > 0 {
				c.say("share %d is right; %d more to go", s.Number(), left)
			}
		}
		return joined(shares)
	}
	return file, nil
}

func enough(shares []slip39.Share) bool {
	return len(shares) > 0 && len(shares) >= shares[0].Threshold()
}

// joined returns the text of the recovery key that shares give.
func joined(shares []slip39.Share) ([]byte, error) {
	key, err := backup.JoinShares(shares)
	if err != nil {
		return nil, err
	}
	return []byte(key.Text()), nil
}

// tooFew returns the error for shares that nobody can be asked for.
func tooFew(shares []slip39.Share) error {
	err := usagef("shares of the recovery key are needed, and there is nobody to ask")
	if len(shares) > 0 {
		err = usagef("%d of the %d shares that are needed are there, and there is nobody to ask for the rest", len(shares), shares[0].Threshold())
	}
	return hint.With(err, "name a file with each share: --shares FILE FILE...")
}

// readShares reads the shares in files: in their text, or in the QR codes of an image.
func (c *cli) readShares(ctx context.Context, files []string) ([]slip39.Share, error) {
	var shares []slip39.Share
	var from []string // the files of the shares
	for _, path := range files {
		text, err := c.textOrCodes(ctx, path)
		if err != nil {
			return nil, err
		}
		name := inputName(path)
		found, err := slip39.Find(text, backup.ShareWords)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, s := range found {
			for i, before := range shares {
				if err := apart(before, s); err != nil {
					return nil, fmt.Errorf("%s and %s: %w", from[i], name, err)
				}
			}
			shares, from = append(shares, s), append(from, name)
		}
	}
	return shares, nil
}

// apart returns why two shares cannot be used together, or nil.
func apart(a, b slip39.Share) error {
	switch {
	case !a.Together(b):
		return slip39.ErrMixed
	case a.Number() == b.Number():
		return slip39.ErrTwice
	default:
		return nil
	}
}

// textOrCodes reads a text file, or the texts of the QR codes in an image.
func (c *cli) textOrCodes(ctx context.Context, path string) (string, error) {
	data, err := c.readFile(ctx, path, maxFile)
	if err != nil {
		return "", err
	}
	if !transfer.IsImage(data) && !isDocument(data) {
		if len(data) > maxText {
			return "", fmt.Errorf("%s: %w", inputName(path), slip39.ErrNoShare)
		}
		return string(data), nil
	}
	read, err := c.scanImage(ctx, path, data)
	switch {
	case err != nil:
		return "", err
	case len(read.texts) == 0:
		return "", noCode(path, read.seen)
	}
	return strings.Join(read.texts, "\n"), nil
}

// shareTries is how often a share may be wrong.
const shareTries = 3

// A shareTyper is somebody who types the words of a share.
type shareTyper struct {
	*cli

	before []slip39.Share // the shares that are there
	words  []string       // what was typed; empty for what was not
	sure   []bool         // which words do not have to be typed again
	told   string         // what the next prompt begins with
}

// typeShare asks for the words of a share that goes with the others.
func (c *cli) typeShare(ctx context.Context, before []slip39.Share) (slip39.Share, error) {
	if len(before) == 0 {
		c.say("Type the words of a share from its sheet. Four letters of a word are enough, and - goes back one word.")
	}
	t := shareTyper{c, before, make([]string, backup.ShareWords), make([]bool, backup.ShareWords), ""}
	for tries := 1; ; tries++ {
		s, err := t.ask(ctx)
		if err == nil || !isShareError(err) || tries == shareTries {
			return s, err
		}
		c.say("auth: %s", message(err, nil))
		t.prepare(err)
	}
}

// ask asks for the words that are missing. An error of the share comes as soon as the
// words show it.
func (t *shareTyper) ask(ctx context.Context) (slip39.Share, error) {
	for at := t.next(); at < len(t.words); at = t.next() {
		line, err := t.Prompt.Word(ctx, t.prompt(at), func(line string) string { return completeWord(line, t.words[at]) })
		if err != nil {
			return slip39.Share{}, err
		}
		t.take(at, line)
		if err := t.early(); err != nil {
			return slip39.Share{}, err
		}
	}
	s, err := slip39.Parse(t.words)
	if err != nil {
		return s, err
	}
	for _, before := range t.before {
		if err := apart(before, s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// next returns the first word that has to be typed, from 0.
func (t *shareTyper) next() int {
	for i, sure := range t.sure {
		if !sure {
			return i
		}
	}
	return len(t.sure)
}

func (t *shareTyper) prompt(at int) string {
	which := fmt.Sprintf("Share %d", len(t.before)+1)
	if len(t.before) > 0 {
		which = fmt.Sprintf("Share %d of %d", len(t.before)+1, t.before[0].Threshold())
	}
	return fmt.Sprintf("%s%s, word %2d of %d: ", t.told, which, at+1, len(t.words))
}

// completeWord returns what completes a line of words. An empty line is completed by what
// was there before.
func completeWord(line, before string) string {
	if line == "" {
		return before
	}
	last := line[strings.LastIndexByte(line, ' ')+1:]
	word, ok := slip39.Word(strings.ToLower(last))
	if !ok {
		return ""
	}
	return word[len(last):]
}

// take takes an answer: a word, several, or - for going back. Numbers before the words do
// not count.
func (t *shareTyper) take(at int, line string) {
	t.told = ""
	if strings.TrimSpace(line) == "-" {
		t.sure[max(at-1, 0)] = false
		return
	}
	for _, typed := range strings.FieldsFunc(strings.ToLower(line), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if at == len(t.words) {
			return
		}
		word, ok := slip39.Word(typed)
		if !ok {
			near := slip39.Near(typed)
			t.told = "No such word. "
			if n := len(near); n > 0 && n <= 4 {
				t.told = "No such word; near: " + strings.Join(near, ", ") + ". "
			}
			return
		}
		t.words[at], t.sure[at] = word, true
		at++
	}
}

// early returns an error that the first words show. The first two are those of the whole
// set, and the next two have the number of the share.
func (t *shareTyper) early() error {
	typed := t.next()
	for _, s := range t.before {
		first := s.Words()
		switch {
		case typed >= 2 && (t.words[0] != first[0] || t.words[1] != first[1]):
			return slip39.ErrMixed
		case typed >= 4 && t.words[2] == first[2] && t.words[3] == first[3]:
			return slip39.ErrTwice
		}
	}
	return nil
}

// prepare chooses the words that are asked for again: the wrong one, if it is known. What
// was typed is offered, but not of a share that is another one.
func (t *shareTyper) prepare(err error) {
	if sum, ok := errors.AsType[*slip39.ChecksumError](err); ok && sum.Number > 0 {
		t.sure[sum.Number-1] = false
		return
	}
	clear(t.sure)
	if errors.Is(err, slip39.ErrMixed) || errors.Is(err, slip39.ErrTwice) {
		clear(t.words)
	}
}

// isShareError reports whether an error is of what was typed, and not of asking.
func isShareError(err error) bool {
	return errors.Is(err, slip39.ErrMixed) || errors.Is(err, slip39.ErrTwice) || errors.Is(err, slip39.ErrPadding) ||
		as[*slip39.ChecksumError](err)
}

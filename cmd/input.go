package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/passphrase"
	"github.com/authcli/auth/internal/transfer"
)

// The most that is read of a file or of standard input, in bytes.
const (
	maxText = 1 << 20  // secrets and passphrases
	maxFile = 64 << 20 // backups, images, lists of URIs
)

// readFile reads a file argument, or standard input for -, up to limit bytes. It refuses
// folders, named pipes and devices, because reading one could hang.
func (c *cli) readFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	if path == "-" {
		return c.readStdin(ctx, limit)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case !info.Mode().IsRegular() && !isStream(path):
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s is too large (%d bytes, %d at most)", path, info.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return c.readAll(ctx, f, path, limit)
}

// isStream reports whether path is a descriptor that the shell opened for us. <(command)
// is such a pipe, and is meant to be read.
func isStream(path string) bool {
	dir := filepath.Dir(path)
	return dir == "/dev/fd" || dir == "/proc/self/fd" || path == "/dev/stdin"
}

func (c *cli) readStdin(ctx context.Context, limit int64) ([]byte, error) {
	if c.stdinRead {
		return nil, usagef("standard input (-) is named twice")
	}
	c.stdinRead = true
	if c.In == nil {
		return nil, errors.New("standard input is closed")
	}
	return c.readAll(ctx, c.In, "standard input", limit)
}

// readAll reads r up to its end or limit. It stops waiting when ctx ends.
func (c *cli) readAll(ctx context.Context, r io.Reader, name string, limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(r, limit+1))
		read <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-read:
		if got.err != nil {
			return nil, fmt.Errorf("read %s: %w", name, got.err)
		}
		if int64(len(got.data)) > limit {
			return nil, fmt.Errorf("%s is too large (%d bytes at most)", name, limit)
		}
		return got.data, nil
	}
}

// keyTries is how often a recovery key may be typed.
const keyTries = 3

// readIdentity reads an identity file.
func (c *cli) readIdentity(ctx context.Context, path string) ([]byte, error) {
	data, err := c.readFile(ctx, path, maxText)
	if transfer.IsImage(data) || isDocument(data) {
		return nil, hint.With(usagef("%s is an image", inputName(path)), "--identity-qr reads the QR code of an image, or of a PDF")
	}
	return data, err
}

// typeKey asks for the recovery key on a sheet.
func (c *cli) typeKey(ctx context.Context) ([]byte, error) {
	c.say("Type the recovery key as it stands on the sheet, line by line. It is not shown. Capitals and spaces do not matter.")
	for try := 1; ; try++ {
		text, err := c.typedLines(ctx)
		if err != nil {
			return nil, err
		}
		_, err = backup.ParseTypedKey(text)
		if !as[*backup.TypingError](err) || try == keyTries {
			return []byte(text), nil // whoever uses it says what is wrong
		}
		c.say("auth: %v; try again", err)
	}
}

// typedLines asks for lines until they are a whole recovery key or an SSH key, or until
// an empty line. It says how much of the key is there, since what is typed is not shown.
func (c *cli) typedLines(ctx context.Context) (string, error) {
	text, prompt := "", "Recovery key: "
	for {
		line, err := c.Prompt.Secret(ctx, prompt)
		if err != nil {
			return "", err
		}
		text += line + "\n"
		pem := strings.HasPrefix(text, "-----BEGIN")
		have, left, ok := backup.Typed(text)
		switch {
		case pem && !strings.HasPrefix(line, "-----END"):
		case pem, line == "", ok && left == 0:
			return text, nil
		}
		prompt = "The next line: "
		if ok {
			prompt = fmt.Sprintf("The next line (%d of %d characters are there): ", have, have+left)
		}
	}
}

// readText reads a short text and removes its last newline.
func (c *cli) readText(ctx context.Context, path string) (string, error) {
	data, err := c.readFile(ctx, path, maxText)
	if err != nil {
		return "", err
	}
	data, _ = bytes.CutSuffix(data, []byte("\n"))
	data, _ = bytes.CutSuffix(data, []byte("\r"))
	return string(data), nil
}

// passphraseFrom reads a passphrase from path, or asks with prompt. It refuses an empty
// one. flag names the flag that helps if nobody can be asked.
func (c *cli) passphraseFrom(ctx context.Context, path, prompt, flag string) (string, error) {
	var text string
	var err error
	switch {
	case path != "":
		text, err = c.readText(ctx, path)
	case c.asking():
		text, err = c.Prompt.Secret(ctx, prompt)
	default:
		return "", missing("a passphrase", flag+" FILE")
	}
	if err != nil {
		return "", err
	}
	if text == "" {
		return "", usagef("the passphrase is empty")
	}
	return text, nil
}

// Hints for a weak passphrase.
const (
	longerOrWeak = "choose a longer one, or use --weak"
	longerOrMade = "choose a longer one, enter none to generate one, or use --weak"
)

// askNew asks for a new passphrase twice. It warns about a weak one before it is typed
// again, with a hint what to do instead, unless weak is true. The caller decides about an
// empty one.
func (c *cli) askNew(ctx context.Context, prompt string, weak bool, instead string) (string, error) {
	for {
		first, err := c.Prompt.Secret(ctx, prompt)
		if err != nil || first == "" {
			return first, err
		}
		if !weak && passphrase.Weak(first) {
			c.say("auth: %v; %s", device.ErrWeak, instead)
			continue
		}
		again, err := c.Prompt.Secret(ctx, "The same again: ")
		if err != nil {
			return "", err
		}
		if first == again {
			return first, nil
		}
		c.say("auth: the two passphrases differ; try again")
	}
}

// confirm asks a question. --yes answers it for scripts.
func (c *cli) confirm(ctx context.Context, question string) (bool, error) {
	if !c.choosing() {
		return false, hint.With(usagef("the command asks for confirmation, and there is nobody to ask"), "say so with --yes")
	}
	return c.Prompt.Confirm(ctx, question)
}

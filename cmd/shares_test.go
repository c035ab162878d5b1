package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/slip39"
)

// Word types a line, and takes what completes it.
func (p *typing) Word(ctx context.Context, prompt string, complete func(string) string) (string, error) {
	line, err := p.Secret(ctx, prompt)
	return line + complete(line), err
}

// splitKey returns a new recovery key and shares of it.
func splitKey(t *testing.T, threshold, count int) (backup.RecoveryKey, []slip39.Share) {
	t.Helper()
	key, err := backup.NewRecoveryKey(false)
	if err != nil {
		t.Fatal(err)
	}
	shares, err := key.Shares(threshold, count)
	if err != nil {
		t.Fatal(err)
	}
	return key, shares
}

// four returns the first four letters of each word.
func four(s slip39.Share) []string {
	words := s.Words()
	for i := range words {
		words[i] = words[i][:4]
	}
	return words
}

// unlike returns four letters of a word that is not the given one.
func unlike(word string) string {
	if strings.HasPrefix(word, "acad") {
		return "acid"
	}
	return "acad"
}

// replaced returns lines with others in place of the i-th.
func replaced(lines []string, i int, with ...string) []string {
	return slices.Replace(slices.Clone(lines), i, i+1, with...)
}

// TestTypedShares types shares, with what people do wrong.
func TestTypedShares(t *testing.T) {
	t.Parallel()
	key, shares := splitKey(t, 2, 3)
	_, others := splitKey(t, 2, 3)
	for shares[0].Together(others[0]) { // by chance, once in 32,768 times
		_, others = splitKey(t, 2, 3)
	}
	one, two, other := four(shares[0]), four(shares[1]), four(others[1])
	wrongTwo := replaced(two, 20, unlike(two[20]))
	exchanged := slices.Clone(one)
	exchanged[30], exchanged[31] = unlike(one[30]), unlike(one[31])
	enters := make([]string, 30)
	for name, tt := range map[string]struct {
		typed []string
		says  []string
		err   func(error) bool
	}{
		"two shares":                    {typed: slices.Concat(one, two), says: []string{"share 1 is right; 1 more to go"}},
		"whole words, in capitals":      {typed: slices.Concat(upper(shares[0].Words()), two)},
		"a share in one line":           {typed: append([]string{strings.Join(shares[0].Words(), " ")}, two...)},
		"a share with its numbers":      {typed: append([]string{strings.Join(numbered(shares[0].Words()), " ")}, two...)},
		"a word that is none":           {typed: slices.Concat(replaced(one, 7, "zzz", one[7]), two), says: []string{"No such word; near: zero"}},
		"three letters":                 {typed: slices.Concat(replaced(one, 7, "", "zer", one[7]), two), says: []string{"near: zero"}},
		"back one word":                 {typed: slices.Concat(replaced(one, 7, unlike(one[7]), "-", one[7]), two)},
		"back from the first word":      {typed: slices.Concat([]string{"-"}, one, two)},
		"a wrong word is asked again":   {typed: slices.Concat(one, wrongTwo, two[20:21]), says: []string{"a word is wrong, probably word 21"}},
		"two wrong words":               {typed: slices.Concat(exchanged, enters, one[30:32], enters[:3], two), says: []string{"two or more words are wrong"}},
		"a share of another set":        {typed: slices.Concat(one, other[:2], two), says: []string{"the shares are of different sets"}},
		"the same share again":          {typed: slices.Concat(one, one[:4], two), says: []string{"a share is there twice"}},
		"a share of another set, often": {typed: slices.Concat(one, other[:2], other[:2], other[:2]), err: func(err error) bool { return errors.Is(err, slip39.ErrMixed) }},
		"the wrong word, often":         {typed: slices.Concat(one, wrongTwo, wrongTwo[20:21], wrongTwo[20:21]), err: as[*slip39.ChecksumError]},
		"given up":                      {typed: one[:9], err: func(err error) bool { return errors.Is(err, io.EOF) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var terminal bytes.Buffer
			prompt := &typing{lines: tt.typed, asked: &terminal}
			c := &cli{Env: &Env{Prompt: asked{prompt}, Err: &terminal, Getenv: func(string) string { return "" }}}
			file, err := c.sharedKey(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			data, err := file.Ask(t.Context())
			if tt.err != nil {
				if data != nil || !tt.err(err) {
					t.Fatalf("it ends with %v\n%s", err, terminal.String())
				}
				return
			}
			if err != nil || string(data) != key.Text() {
				t.Fatalf("the key is not given back: %v\n%s", err, terminal.String())
			}
			if len(prompt.lines) > 0 {
				t.Errorf("%d words were not asked for", len(prompt.lines))
			}
			for _, want := range tt.says {
				if !strings.Contains(terminal.String(), want) {
					t.Errorf("the terminal does not say %q:\n%s", want, terminal.String())
				}
			}
		})
	}
}

// asked is a terminal that is there.
type asked struct{ *typing }

func (asked) Available() bool { return true }

func upper(words []string) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = strings.ToUpper(word)
	}
	return list
}

func numbered(words []string) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = strings.Repeat("1", i%2+1) + ". " + word
	}
	return list
}

// TestSourceAndShares tells the location from the shares, wherever it stands.
func TestSourceAndShares(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	share, share2, sealed := filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt"), filepath.Join(dir, "vault.age")
	for path, text := range map[string]string{share: "academic", share2: "acid", sealed: "age-encryption.org/v1\n-> X25519 x\n"} {
		if err := create(t.Context(), path, false, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	gone := filepath.Join(dir, "gone")
	for _, tt := range []struct {
		args   []string
		source string
		files  []string
	}{
		{nil, "", nil},
		{[]string{dir}, dir, nil},
		{[]string{share, share2}, "", []string{share, share2}},
		{[]string{dir, share, share2}, dir, []string{share, share2}},
		{[]string{share, share2, dir}, dir, []string{share, share2}},
		{[]string{sealed, share}, sealed, []string{share}},
		{[]string{"rclone:drive:auth", share}, "rclone:drive:auth", []string{share}},
		{[]string{gone, share}, gone, []string{share}},
		{[]string{dir, share, gone}, dir, []string{share, gone}},
		{[]string{dir, "-"}, dir, []string{"-"}},
	} {
		c := &cli{Env: &Env{}}
		source, files := c.sourceAndShares(t.Context(), tt.args)
		if source != tt.source || !slices.Equal(files, tt.files) {
			t.Errorf("%q: the source is %q, the shares %q; want %q and %q", tt.args, source, files, tt.source, tt.files)
		}
	}
}

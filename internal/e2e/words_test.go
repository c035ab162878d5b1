package e2e

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authcli/auth/cmd"
)

// goisms are words that an error of a library has and a message to people has not: system
// calls, functions, types and formats of Go, and what the parsers of flags say.
var goisms = regexp.MustCompile(`(?m)\b(stat|lstat|open|read|mkdir|rename|unlink|chmod|readlink|fork/exec|CreateFile) [^ \n]+: |` +
	`accepts .*arg\(s\)|requires at (least|most)|arg\(s\)|strconv\.|invalid argument|unknown (shorthand )?flag|flag needs|flag accessed|were all set|if any flags|` +
	`no such file|executable file not found|exit status [0-9]|signal: |0x[0-9a-f]{6,}|%!|<nil>|\bnil\b|goroutine|panic|runtime error|` +
	`unexpected EOF|unexpected end of|\bEOF\b|invalid character|json: |cannot unmarshal|[uU]nmarshal|context (deadline exceeded|canceled)|i/o timeout|` +
	`&\{|map\[|zlib: |gzip: |flate: |zip: |xml: |yaml: |hex: |base64|png: |jpeg: |image: |bmp: |tiff: |webp: |gif: |sqlite: |parsing time|time: |failed to|\berrno\b|syscall|` +
	`operation not permitted|permission denied|is a directory|not a directory|invalid syntax|value out of range|hash/|crypto/|cipher: |chacha20poly1305`)

// allCommands returns every visible command of the program.
func allCommands() []*cobra.Command {
	root := cmd.NewRoot(&cmd.Env{Out: io.Discard})
	var all []*cobra.Command
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		c.InitDefaultHelpFlag()
		all = append(all, c)
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	return all
}

// TestMessagesAreForPeople calls every command in the ways in which people err: unknown
// flags, flags without a value or with a wrong one, flags that exclude each other, too few
// and too many arguments, files that are missing, folders, empty or of another kind. No
// message has the words of a library.
func TestMessagesAreForPeople(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.must("otpauth://totp/GitHub:alice?secret=JBSWY3DPEHPK3PXP\n", "add", "--uri", "-")
	dir := t.TempDir()
	path := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	files := []string{
		filepath.Join(dir, "missing"),
		filepath.Join(dir, "missing", "file"),
		dir,
		path("empty", ""),
		path("text.txt", "nothing that anybody knows\n"),
		path("cut.json", `{"version": 1, "db": {"entries": [`),
		path("wrong.json", `{"version": "one", "db": 7}`),
		path("cut.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00"),
		path("cut.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF"),
		path("cut.zip", "PK\x03\x04\x14\x00"),
		path("cut.age", "age-encryption.org/v1\n-> scrypt AAAA\n"),
		path("cut.xml", "<?xml version='1.0'?><map><string name=\"a\""),
		path("binary", "\x00\x01\x02\xff\xfe"),
		filepath.Join(path("plain", "x"), "below"),
	}
	if os.Getuid() != 0 {
		locked := path("locked", "x")
		if err := os.Chmod(locked, 0); err != nil {
			t.Fatal(err)
		}
		files = append(files, locked)
	}
	slices.SortFunc(files, func(a, b string) int { return len(b) - len(a) }) // a folder after what is in it
	commands := allCommands()
	if len(commands) < 40 {
		t.Fatalf("only %d commands", len(commands))
	}
	for _, c := range commands {
		t.Run(strings.ReplaceAll(c.CommandPath(), " ", "-"), func(t *testing.T) {
			t.Parallel()
			for _, args := range mistakes(c, files) {
				d := *d
				d.t = t
				got := d.run("", args...)
				said := got.stderr
				for _, file := range files { // whose names are ours
					said = strings.ReplaceAll(said, file, "FILE")
				}
				if bad := goisms.FindString(said); bad != "" {
					t.Errorf("auth %s says %q in\n%s", strings.Join(args, " "), bad, got.stderr)
				}
				if got.code != 0 && got.stderr == "" {
					t.Errorf("auth %s: exit %d without a word", strings.Join(args, " "), got.code)
				}
			}
		})
	}
}

// mistakes returns calls of a command that are mistaken.
func mistakes(c *cobra.Command, files []string) (calls [][]string) {
	path := strings.Fields(c.CommandPath())[1:]
	call := func(args ...string) { calls = append(calls, append(slices.Clone(path), args...)) }
	call("--nonsense")
	call("-Z")
	call("--=x")
	call("--json=perhaps")
	call("a", "b", "c", "d", "e")
	if strings.Contains(c.Use, " ") { // it takes arguments, so none is a mistake
		call()
	}
	if c.Name() == "completion" || c.Name() == "use" {
		call("nonsense")
	}
	takes := strings.Contains(c.Use, "FILE") || strings.Contains(c.Use, "IMAGE") || strings.Contains(c.Use, "LOCATION")
	for _, file := range files {
		if takes {
			call(file)
		}
	}
	var flags []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		flags = append(flags, "--"+f.Name)
		switch what, _ := pflag.UnquoteUsage(f); {
		case f.Value.Type() == "bool":
			call("--" + f.Name + "=perhaps")
		case what == "FILE" && (f.Name == "to" || f.Name == "sheet") || what == "DIR":
			call("--" + f.Name)
			call("--"+f.Name, filepath.Join(files[0], "x"), "--plaintext", "GitHub:alice")
			call("--"+f.Name, filepath.Join(files[0], "x"), "--passphrase-file", files[4])
			call("--"+f.Name, files[len(files)-1], "GitHub:alice")
		case what == "FILE" || what == "IMAGE":
			call("--" + f.Name)
			for _, file := range files {
				call("--"+f.Name, file)
				call("--"+f.Name, file, "GitHub:alice")
			}
		default:
			call("--" + f.Name)
			for _, value := range []string{"x", "", "-1", "99999999999999999999999", "1.5"} {
				call("--"+f.Name+"="+value, "GitHub:alice")
			}
		}
	})
	for i, one := range flags {
		for _, other := range flags[i+1:] {
			for _, group := range c.Flag(one[2:]).Annotations["cobra_annotation_mutually_exclusive"] {
				if slices.Contains(c.Flag(other[2:]).Annotations["cobra_annotation_mutually_exclusive"], group) {
					call(one+value(c, one), other+value(c, other))
				}
			}
		}
	}
	return calls
}

// value returns a value for a flag that needs one.
func value(c *cobra.Command, flag string) string {
	if c.Flag(flag[2:]).Value.Type() == "bool" {
		return ""
	}
	return "=7"
}

// TestHelpBeginsWithAnExample checks that what a command's help says first can be typed.
func TestHelpBeginsWithAnExample(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	for _, c := range allCommands() {
		got := d.run("", append(strings.Fields(c.CommandPath())[1:], "--help")...)
		if got.code != 0 || !regexp.MustCompile(`^Examples:\n  auth`).MatchString(got.stdout) {
			t.Errorf("%s --help: exit %d\n%s", c.CommandPath(), got.code, got.stdout)
		}
		for _, part := range []string{"\nUsage:\n  auth", "\nFlags:\n", "\nExit status:\n  0 "} {
			if !strings.Contains(got.stdout, part) {
				t.Errorf("%s --help has no %q", c.CommandPath(), part)
			}
		}
	}
}

//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup/plugintest"
	"github.com/authcli/auth/internal/testenv"
)

// The passphrase is forgotten and nobody has printed a sheet, but the recovery key was also
// encrypted to a key in hardware, which a plugin of age speaks to. The new machine has that
// key with its PIN, and the key id, which the old one showed. To encrypt to a tagged key,
// the old machine needed no program.
func TestRecovery14HardwareKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{plugintest.Own, plugintest.Tag, plugintest.TagPQ} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			plugins := t.TempDir()
			plugintest.Install(t, plugins, "card")
			path := "PATH=" + plugins + string(os.PathListSeparator) + os.Getenv("PATH")
			key := plugintest.NewKey(t, "card", kind)
			identity := writeTemp(t, "# my card\n"+key.Identity+"\n")

			old, loc := newLocation(t)
			if kind == plugintest.Own {
				old.fails(1, []string{"age-plugin-card: the program is in no folder of PATH", "hint: install"}, "backup", "key", "--add", key.Recipient)
				old = old.with(path)
			}
			old.must("", "backup", "key", "--add", key.Recipient)
			var status struct{ Key string }
			if err := json.Unmarshal([]byte(old.must("", "backup", "status", "--json")), &status); err != nil || status.Key == "" {
				t.Fatalf("the key id is %q: %v", status.Key, err)
			}
			before := contents(t, loc)

			without := newDevice(t, nil)
			without.fails(1, []string{"age-plugin-card: the program is in no folder of PATH", "hint: install"}, "restore", loc, "--identity", identity)
			without.has()
			empty := newDevice(t, nil).with(path, plugintest.ModeEnv+"="+plugintest.Ask)
			empty.add("gone") // so that the file keyring is there, and asks nothing on the terminal
			empty.must("", "remove", "gone", "--yes", "--now")
			empty.fails(2, []string{"age-plugin-card asks", "nobody to ask"}, "restore", loc, "--identity", identity)
			shown := atCard(t, empty, "restore", loc, "--identity", identity, "--key-id", status.Key, "--stay-on")
			if strings.Contains(shown, plugintest.PIN) || strings.Contains(shown, "\x1b[31m") {
				t.Errorf("the terminal shows the PIN, or obeys the plugin:\n%q", shown)
			}
			empty.has("first")
			empty.right("first")
			empty.current()
			kept(t, loc, before)
			// From then on there is a passphrase again, and the card is not needed.
			empty.must("a passphrase of its own", "backup", "passphrase", "--passphrase-file", "-")
			third := newDevice(t, nil)
			third.must("a passphrase of its own", "restore", loc, "--passphrase-file", "-")
			third.right("first")
		})
	}
}

// atCard runs auth on a terminal, and types the PIN when the plugin asks for it.
func atCard(t *testing.T, d *device, args ...string) string {
	t.Helper()
	cmd := d.command(args...)
	cmd.Env = append(slices.Clip(d.env), "AUTH_NO_INPUT=")
	p := sit(t, cmd)
	p.awaits(`age-plugin-card: enter the \x1b[31mPIN: `)
	p.types(plugintest.PIN + "\r")
	p.awaits("restored")
	p.awaits("backup is on")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v:\n%s", err, p.seen.String())
	}
	return p.seen.String()
}

// A key that waits to be touched is waited for at a terminal, which says so, until Ctrl-C.
func TestPluginWaitsForATouch(t *testing.T) {
	t.Parallel()
	plugins := t.TempDir()
	plugintest.Install(t, plugins, "card")
	key := plugintest.NewKey(t, "card", plugintest.Tag)
	d := newDevice(t, nil)
	d.add("first")
	d = d.with("PATH="+plugins+string(os.PathListSeparator)+os.Getenv("PATH"), plugintest.ModeEnv+"="+plugintest.Hang)
	file := filepath.Join(t.TempDir(), "file.age")
	d.must("", "backup", "--to", file, "--recipient", key.Recipient)
	interactive(d)
	cmd := d.command("restore", file, "--identity", writeTemp(t, key.Identity+"\n"))
	p := sit(t, cmd)
	p.awaits("auth: waiting for age-plugin-card; the key may want to be touched")
	p.types("\x03")
	all := p.rest()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(all, "auth: interrupted") {
		t.Errorf("exit code %d, want 130\n%s", code, all)
	}
}

// Without auth, stock age opens the sealed key with the same plugin, and the backup with
// what was in it: the command of README.txt. That of Debian reads plain locations.
func TestRecovery14StockAge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, age, kind string
		flags           []string
	}{
		{"hybrid", age13(t), plugintest.Own, nil},
		{"hybrid, age1tagpq1", age13(t), plugintest.TagPQ, nil},
		{"x25519, age1tag1, Debian's age", testenv.Program(t, "age", "age"), plugintest.Tag, []string{"--x25519"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plugins := t.TempDir()
			plugintest.Install(t, plugins, "card")
			path := "PATH=" + plugins + string(os.PathListSeparator) + os.Getenv("PATH")
			key := plugintest.NewKey(t, "card", c.kind)
			old, loc := newLocation(t, c.flags...)
			sealed := sealedKeys(t, loc)
			old.with(path).must("", "backup", "key", "--add", key.Recipient)
			further := slices.DeleteFunc(sealedKeys(t, loc), func(name string) bool { return slices.Contains(sealed, name) })
			if len(further) != 1 {
				t.Fatalf("sealed keys: %q", further)
			}
			cmd := exec.Command("sh", "-c", `"$AGE" -d -i "$KEY" "$SEALED" | "$AGE" -d -i - "$BACKUP"`)
			cmd.Env = append(os.Environ(), path, "AGE="+c.age, "KEY="+writeTemp(t, key.Identity+"\n"),
				"SEALED="+filepath.Join(loc, further[0]), "BACKUP="+newest(t, loc))
			out, err := cmd.Output()
			var content struct{ Accounts []struct{ URI string } }
			if err != nil || json.Unmarshal(out, &content) != nil || len(content.Accounts) != 1 {
				t.Fatalf("age prints %q: %v", out, err)
			}
			if got := codeOf(t, content.Accounts[0].URI); got != exampleCode {
				t.Errorf("the code is %q", got)
			}
		})
	}
}

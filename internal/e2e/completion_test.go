//go:build unix

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// TestTab presses the tab key in real shells, with what somebody types in lower case. Bash
// has nothing but itself: no start files, and no package bash-completion.
func TestTab(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.must("otpauth://totp/GitHub:alice?secret=JBSWY3DPEHPK3PXP\notpauth://totp/GitLab:bob?secret=JBSWY3DPEHPK3PXQ\n"+
		"otpauth://totp/My%20Bank:carol?secret=JBSWY3DPEHPK3PXR\n", "add", "--uri", "-")
	shells := map[string]struct {
		args []string
		load string
		bank string // how the shell quotes the label
	}{
		"bash": {[]string{"--norc", "--noprofile", "-i"}, `PS1='$ '; source <(auth completion bash)`, `My\ Bank:carol`},
		"zsh":  {[]string{"-f", "-i"}, `PS1='$ '; autoload -U compinit; compinit -u -D; source <(auth completion zsh)`, `My\ Bank:carol`},
		"fish": {[]string{"--no-config", "-i"}, `function fish_prompt; echo '$ '; end; auth completion fish | source`, `My\ Bank:carol`},
	}
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := testenv.Program(t, name, name)
			own := d.with("TERM=xterm", "HOME="+t.TempDir(), "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "BASH_ENV=")
			s := watch(t, &exec.Cmd{Path: program, Args: append([]string{name}, shell.args...), Env: own.env, Dir: t.TempDir()}, 100, 30, nil)
			s.types(shell.load + "; echo loa''ded\r")
			s.shows("loaded")
			for _, typed := range []struct{ text, want string }{
				{"auth code githu", "itHub:alice"},
				{"auth code gitlab:", "itLab:bob"},
				{"auth code my", shell.bank},
				{"auth remo", "auth remove"},
				{"auth help form", "auth help formats"},
			} {
				s.types("\x15") // an empty line
				s.types(typed.text + "\t")
				if strings.Contains(typed.text, ":") && name == "bash" {
					typed.want = strings.TrimPrefix(typed.want, "itLab:") // bash completes what follows the colon
				}
				s.shows(typed.want)
			}
			s.types("\x15exit\r")
			s.ends(0)
		})
	}
}

// TestCompletionScriptsAreCobras checks that the scripts in the folder completions are what
// the program prints.
func TestCompletionScriptsAreCobras(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	for file, shell := range map[string]string{"auth.bash": "bash", "_auth": "zsh", "auth.fish": "fish", "auth.ps1": "powershell"} {
		printed := strings.TrimSpace(d.must("", "completion", shell))
		trimmed := strings.Split(printed, "\n")
		for i := range trimmed {
			trimmed[i] = strings.TrimRight(trimmed[i], " \t")
		}
		if want := strings.TrimSpace(string(read(t, filepath.Join(root, "completions", file)))); strings.Join(trimmed, "\n") != want {
			t.Errorf("completions/%s is not what auth completion %s prints", file, shell)
		}
	}
}

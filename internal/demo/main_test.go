package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemo runs the demo as on a machine with only Go: no HOME, no other program in PATH,
// no settings of the user. README.md must show its output.
func TestDemo(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"GOCACHE", "GOPATH", "GOMODCACHE", "GOPROXY"} {
		value, err := exec.Command(goTool, "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, strings.TrimSpace(string(value)))
	}
	t.Setenv("PATH", filepath.Dir(goTool))
	for _, name := range []string{"HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY"} {
		t.Setenv(name, "") // restores the variable after the test
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AUTH_KEYRING", "system") // A setting of the user that must not reach the demo.

	var out strings.Builder
	if err := run(root, &out); err != nil {
		t.Fatalf("%v\nso far:\n%s", err, out.String())
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := "```console\n" + out.String() + "```\n"
	if !strings.Contains(strings.ReplaceAll(string(readme), "\r\n", "\n"), block) {
		t.Errorf("README.md does not show the transcript of this demo. It is:\n%s", block)
	}
}

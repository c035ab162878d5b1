// Package e2e tests the program as users run it, in processes: scripts, recoveries and
// bad days. It also has the tests of the whole tree, such as who imports whom and what
// the pages say.
package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/authcli/auth/cmd"
	"github.com/authcli/auth/internal/backup/plugintest"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// root is the root of the module. Tests run in the folder of their package.
var root = filepath.Join("..", "..")

// TestMain makes the test binary run auth if a script calls it by that name. It differs
// from the shipped program in settings that users do not have: a clock and a machine name
// that tests can set, shorter timeouts for locations, and a low cost of passphrases; and in
// that it holds its own JSON against the schemas. It is the program of a plugin of age too.
func TestMain(m *testing.M) {
	if code, ok := plugintest.Main(); ok {
		os.Exit(code)
	}
	if os.Getenv(docsVariable) == "" { // otherwise this is auth, in a folder of its own
		docs, err := filepath.Abs(filepath.Join(root, "docs"))
		if err != nil {
			panic(err)
		}
		os.Setenv(docsVariable, docs)
	}
	testscript.Main(m, map[string]func(){"auth": func() {
		env := cmd.System()
		env.WorkFactor = 4
		if factor, err := strconv.Atoi(os.Getenv("TEST_WORK_FACTOR")); err == nil {
			env.WorkFactor = factor
		}
		// The process that holds the clipboard waits for the time to go by.
		if at := os.Getenv("TEST_NOW"); at != "" && !slices.Contains(os.Args, "hold-clipboard") {
			now, err := time.Parse(time.RFC3339, at)
			if err != nil {
				panic(err)
			}
			env.Now = func() time.Time { return now }
		}
		if wait := os.Getenv("TEST_PATIENCE"); wait != "" {
			var err error
			if env.Patience, err = time.ParseDuration(wait); err != nil {
				panic(err)
			}
		}
		if wait := os.Getenv("TEST_COMPLETION_WAIT"); wait != "" {
			var err error
			if env.CompletionWait, err = time.ParseDuration(wait); err != nil {
				panic(err)
			}
		}
		if keep := os.Getenv("TEST_COPY_FOR"); keep != "" {
			var err error
			if env.CopyFor, err = time.ParseDuration(keep); err != nil {
				panic(err)
			}
		}
		if os.Getenv("TEST_KEEPER") == "none" {
			env.Keeper = &keyringtest.Keeper{Err: keyring.ErrNoKeeper}
		}
		if name := os.Getenv("TEST_HOSTNAME"); name != "" {
			env.Hostname = func() string { return name }
		}
		os.Exit(mainHeld(env, os.Args[1:]))
	}, "age-plugin-test": func() {}}) // the name puts the program into PATH
}

// Programs that scripts check auth against, with the Debian packages that contain them. A
// script says [oathtool] and is skipped if the program is missing.
var programs = map[string]string{
	"oathtool": "oathtool",
	"zbarimg":  "zbar-tools",
	"qrencode": "qrencode",
	"age":      "age",
	"jq":       "jq",
	"bash":     "bash",
	"zsh":      "zsh",
	"fish":     "fish",
	"rclone":   "rclone",

	"pdftotext": "poppler-utils",
	"pdftoppm":  "poppler-utils",
}

// age13Path returns stock age 1.3 or later, which reads the default recovery keys: the
// one that AUTH_TEST_AGE names, or one in PATH; empty if there is none.
func age13Path() string {
	candidates := []string{os.Getenv("AUTH_TEST_AGE")}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		candidates = append(candidates, filepath.Join(dir, "age"))
	}
	for _, path := range candidates {
		if path, err := exec.LookPath(path); err == nil {
			version, _ := exec.Command(path, "--version").Output()
			var major, minor int
			if _, err := fmt.Sscanf(strings.TrimPrefix(string(version), "v"), "%d.%d", &major, &minor); err == nil && (major > 1 || minor >= 3) {
				return path
			}
		}
	}
	return ""
}

// TestScripts runs the scripts on the file keyring.
func TestScripts(t *testing.T) {
	run(t, "file", []string{"AUTH_KEYRING=file"})
}

// TestScriptsSystemKeyring runs the same scripts on a real Secret Service.
func TestScriptsSystemKeyring(t *testing.T) {
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	run(t, "system", append(service.Env, "AUTH_KEYRING=system"))
}

func run(t *testing.T, keyring string, env []string) {
	p := testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			repo, err := filepath.Abs(root)
			if err != nil {
				return err
			}
			for _, pair := range env {
				name, value, _ := strings.Cut(pair, "=")
				e.Setenv(name, value)
			}
			if keyring == "system" { // that of a busy machine takes its time
				e.Setenv("AUTH_KEYRING_TIMEOUT", "60s")
			}
			e.Setenv("TEST_COMPLETION_WAIT", "60s")
			e.Setenv("REPO", repo)
			e.Setenv(docsVariable, os.Getenv(docsVariable))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("AUTH_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("AUTH_NO_INPUT", "1")
			e.Setenv("PIPE", "|")
			e.Setenv("AGE13", filepath.Dir(age13Path()))
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "file", "system":
				return name == keyring, nil
			case "root":
				return os.Getuid() == 0, nil
			case "long":
				return testenv.Long(), nil
			case "kernel-keyring":
				err := keyringtest.KernelKeeps()
				if err != nil && testenv.Required(name) {
					return false, fmt.Errorf("%s is required: %w", name, err)
				}
				return err == nil, nil
			case "age1.3":
				if age13Path() == "" && testenv.Required(name) {
					return false, fmt.Errorf("%s is required: go install filippo.io/age/cmd/...@latest, in PATH or as AUTH_TEST_AGE", name)
				}
				return age13Path() != "", nil
			}
			pkg, known := programs[name]
			if !known {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := exec.LookPath(name)
			if err != nil && testenv.Required(name) {
				return false, fmt.Errorf("%s is required: apt-get install %s", name, pkg)
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"eventually": comesTo,
			"remember":   remember,
			"same":       same,
			"flip":       flip,
			"cut":        cut,
			"mode":       mode,
			"repeat":     repeat,
		},
	}
	if runtime.GOOS == "windows" {
		p.Setup = windows(p.Setup)
	}
	testscript.Run(t, p)
}

func windows(setup func(*testscript.Env) error) func(*testscript.Env) error {
	return func(e *testscript.Env) error {
		e.Setenv("USERPROFILE", e.WorkDir)
		return setup(e)
	}
}

// exits runs a program and checks its exit code: exits 3 auth code nobody.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// exitCode runs a program and returns its exit code.
func exitCode(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[0], err)
	}
	return 0
}

// comesTo is eventually: it runs a program that exits with 0 again and again, until it exits with another code, and checks that:
// eventually 2 auth status.
func comesTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for {
		switch got := exitCode(ts, args[1:]); got {
		case want:
			return
		case 0:
			time.Sleep(50 * time.Millisecond)
		default:
			ts.Fatalf("exit code %d, want %d in the end", got, want)
		}
	}
}

// vaultNow returns everything that the program shows of its vault, including secrets.
func vaultNow(ts *testscript.TestScript) string {
	var all strings.Builder
	ts.Check(ts.Exec("auth", "list", "--json"))
	all.WriteString(ts.ReadFile("stdout"))
	for line := range strings.Lines(all.String()) {
		for _, part := range strings.Split(line, `{"id":"`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			if strings.Contains(part, `"needs_verification":true`) {
				continue
			}
			ts.Check(ts.Exec("auth", "show", "--reveal", "id:"+id))
			all.WriteString(ts.ReadFile("stdout"))
		}
	}
	ts.Check(ts.Exec("auth", "status", "--json"))
	all.WriteString(ts.ReadFile("stdout"))
	return all.String()
}

// remember saves the content of the vault. same checks that the content is still the
// same.
func remember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: remember")
	}
	ts.Check(os.WriteFile(ts.MkAbs(".remembered"), []byte(vaultNow(ts)), 0o600))
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: same")
	}
	if before, now := ts.ReadFile(".remembered"), vaultNow(ts); before != now {
		ts.Fatalf("the vault changed\nbefore %s\nafter  %s", before, now)
	}
}

// flip inverts one bit of a file: flip FILE OFFSET. A negative offset counts from the
// end.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	data, at := atOffset(ts, neg, args)
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// cut truncates a file at an offset.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	data, at := atOffset(ts, neg, args)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data[:at], 0o600))
}

func atOffset(ts *testscript.TestScript, neg bool, args []string) ([]byte, int) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip or cut FILE OFFSET")
	}
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(data)
	}
	if at < 0 || at >= len(data) {
		ts.Fatalf("%s has %d bytes", args[0], len(data))
	}
	return data, at
}

// mode checks the permissions of a file: mode 600 vault.age.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if runtime.GOOS == "windows" {
		return
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); neg || got != args[0] {
		ts.Fatalf("mode %s, want %s", got, args[0])
	}
}

// repeat writes a text to a file many times: repeat FILE COUNT TEXT.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(args[2], n)), 0o600))
}

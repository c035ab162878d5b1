package release_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// cleanRoot returns the folder of a Debian with nothing but shells and man: the one that AUTH_TEST_ROOT names, as
// debootstrap left it, or a new one.
func cleanRoot(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		testenv.Missing(t, "clean-root", "needs to be root to install into a root of its own")
	}
	if root := os.Getenv("AUTH_TEST_ROOT"); root != "" {
		return root
	}
	program := testenv.Program(t, "debootstrap", "debootstrap")
	site, _, _ := strings.Cut(string(output(t, "apt-get", "indextargets", "--format", "$(SITE)", "Identifier: Packages")), "\n")
	suite := strings.TrimSpace(string(output(t, "sh", "-c", `. /etc/os-release; echo "$VERSION_CODENAME"`)))
	var out []byte
	for range 2 { // it downloads a whole system, and a network may fail once
		root := filepath.Join(t.TempDir(), "root")
		var err error
		if out, err = exec.Command(program, "--variant=minbase", "--include=man-db,bash-completion,zsh,fish", suite, root, site).CombinedOutput(); err == nil {
			return root
		}
	}
	t.Fatalf("debootstrap: %s", out[max(0, len(out)-2000):])
	return ""
}

// TestCleanRoot installs the package for Debian on a clean system, uses it there, and removes it without a trace.
func TestCleanRoot(t *testing.T) {
	d := open(t)
	testenv.NeedLong(t)
	root := cleanRoot(t)
	deb := "auth_" + d.version + "_linux_" + runtime.GOARCH + ".deb"
	run := func(command string) (string, error) {
		t.Helper()
		const enter = `mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /bin/bash -euc "$1"`
		cmd := exec.Command("unshare", "--mount", "sh", "-c", enter, root, command)
		cmd.Env = []string{
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp/home", "LC_ALL=C.UTF-8", "TERM=xterm", "DEBIAN_FRONTEND=noninteractive",
			"AUTH_KEYRING=file", "AUTH_HOME=/tmp/profile", "AUTH_NO_INPUT=1",
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	says := func(command, want string) {
		t.Helper()
		if out, err := run(command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, and not %q:\n%.600s", command, err, want, out)
		}
	}

	if err := os.MkdirAll(filepath.Join(root, "tmp", "home"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := files(t, root)
	if err := os.WriteFile(filepath.Join(root, "tmp", "auth.deb"), d.read(deb), 0o644); err != nil {
		t.Fatal(err)
	}
	says("dpkg --install /tmp/auth.deb", "Setting up auth")
	says("auth --version", "auth "+d.version+" (")
	says("auth version --json", `"verify":"cosign verify-blob checksums.txt --bundle checksums.txt.sigstore.json`)
	// The secret and the code at 59 seconds of RFC 6238, appendix B.
	says("echo GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ | auth add example --secret-file -", "added")
	says("auth code example --at 1970-01-01T00:00:59Z", "287082\n")

	says("man -w auth-code", "/usr/share/man/man1/auth-code.1")
	says("man auth-code", "--min-valid")
	says("man auth-recovery", "auth restore")
	says("man auth-formats", "Aegis")

	const bash = `. /usr/share/bash-completion/bash_completion; _completion_loader auth || true; `
	says(`set +eu; `+bash+`COMP_WORDS=(auth bac) COMP_CWORD=1 COMP_LINE="auth bac" COMP_POINT=8 COMP_TYPE=9; __start_auth auth bac auth; echo "${COMPREPLY[@]}"`, "backup")
	says(`set +eu; `+bash+`COMP_WORDS=(auth code "") COMP_CWORD=2 COMP_LINE="auth code " COMP_POINT=10 COMP_TYPE=9; __start_auth auth "" code; echo "${COMPREPLY[@]}"`, "example")
	says(`zsh -fc 'autoload -Uz compinit; compinit -D -u; print -r -- "auth is completed by $_comps[auth]"'`, "auth is completed by _auth")
	says(`fish -c 'complete -C "auth bac"'`, "backup")
	says(`fish -c 'complete -C "auth code "'`, "example")

	says("dpkg --purge auth && echo removed", "removed")
	for _, path := range []string{"tmp/auth.deb", "tmp/profile", "tmp/home"} {
		if err := os.RemoveAll(filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
	after := files(t, root)
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if before[path] == "" {
			t.Errorf("%s is left behind", path)
		} else if before[path] != after[path] {
			t.Errorf("%s was %s and is %s", path, before[path], after[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if after[path] == "" && path != "tmp/home" {
			t.Errorf("%s is gone", path)
		}
	}
}

// files returns the kinds and sizes of all files below a root, without what dpkg and man remember of their work.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch name {
		case "var/lib/dpkg", "var/cache/man", "var/log", "proc", "sys", "dev":
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found[name] = info.Mode().String()
		if info.Mode().IsRegular() {
			found[name] += fmt.Sprintf(", %d bytes", info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

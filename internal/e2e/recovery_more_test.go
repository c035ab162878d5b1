//go:build unix

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// A location was written on Windows. If wine is installed, the Windows build writes it.
// Otherwise the test imitates one: other line endings, names in another case, and files
// that the Windows shell leaves behind.
func TestRecovery10FromWindows(t *testing.T) {
	t.Parallel()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		d, loc := newLocation(t)
		d.add("second")
		readme := read(t, filepath.Join(loc, "README.txt"))
		remove(t, filepath.Join(loc, "README.txt"))
		write(t, filepath.Join(loc, "readme.TXT"), bytes.ReplaceAll(readme, []byte("\n"), []byte("\r\n")))
		write(t, filepath.Join(loc, "Thumbs.db"), []byte("x"))
		write(t, filepath.Join(loc, "desktop.ini"), []byte("[.ShellClassInfo]\r\n"))
		for _, name := range backups(t, loc) { // a copy whose name differs in case alone
			copyFile(t, filepath.Join(loc, name), filepath.Join(loc, strings.ToUpper(strings.TrimSuffix(name, ".age"))+".age"))
		}
		copyFile(t, filepath.Join(loc, sealedKeys(t, loc)[0]), filepath.Join(loc, strings.Replace(strings.ToUpper(sealedKeys(t, loc)[0]), "RECOVERY-", "recovery-", 1)))
		empty := newDevice(t, nil)
		pass := writeTemp(t, passphrase+"\r\n") // typed into Notepad
		empty.must("", "restore", loc, "--passphrase-file", pass)
		empty.has("first", "second")
		empty.right("second")
		empty.current()
		sheet := filepath.Join(t.TempDir(), "sheet.txt")
		d.must("", "backup", "key", "--sheet", sheet)
		write(t, sheet, bytes.ReplaceAll(read(t, sheet), []byte("\n"), []byte("\r\n")))
		byKey := newDevice(t, nil)
		byKey.must("", "restore", loc, "--identity", sheet)
		byKey.right("first")
	})
	t.Run("wine", func(t *testing.T) {
		testenv.NeedLong(t)
		t.Parallel()
		run := onWindows(t)
		loc := filepath.Join(t.TempDir(), "cloud")
		pass := writeTemp(t, passphrase)
		run(exampleSecret, "add", "first", "--secret-file", "-")
		run("", "backup", "enable", windowsPath(loc), "--passphrase-file", windowsPath(pass))
		run(exampleSecret, "add", "second", "--secret-file", "-")
		empty := newDevice(t, nil)
		empty.restore(0, loc)
		empty.has("first", "second")
		empty.right("second")
		empty.add("from here")
		run("", "sync")
		if got := run("", "code", "from here", "--at", "59"); strings.TrimSpace(got) != strings.TrimSpace(exampleCode) {
			t.Errorf("back on Windows the code is %q", got)
		}
	})
}

// windowsPath returns wine's name of a file.
func windowsPath(path string) string { return "Z:" + strings.ReplaceAll(path, "/", `\`) }

// onWindows builds the program for Windows and returns a function that runs it with wine.
func onWindows(t *testing.T) func(stdin string, args ...string) string {
	t.Helper()
	wine := testenv.Program(t, "wine", "wine")
	exe, home := filepath.Join(t.TempDir(), "auth.exe"), t.TempDir()
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return func(stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command(wine, append([]string{exe}, args...)...)
		cmd.Env = append(os.Environ(), "WINEDEBUG=-all", "AUTH_HOME="+windowsPath(home), "AUTH_KEYRING=file", "AUTH_NO_INPUT=1", "DISPLAY=")
		cmd.Stdin = strings.NewReader(stdin)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			if strings.Contains(errs.String(), "bcryptprimitives") {
				testenv.Missing(t, "wine", "needs a wine with bcryptprimitives.dll")
			}
			t.Fatalf("auth %s: %v\n%s", strings.Join(args, " "), err, errs.String())
		}
		return out.String()
	}
}

// The tests use remotes of a real rclone: an alias, an encrypting one, and a WebDAV
// server.
func TestRecovery11Rclone(t *testing.T) {
	t.Parallel()
	rclone := testenv.Program(t, "rclone", "rclone")
	obscured, err := exec.Command(rclone, "obscure", "a password").Output()
	if err != nil {
		t.Fatal(err)
	}
	dav := "[dav]\ntype = webdav\nvendor = other\nurl = " + serveWebDAV(t, rclone) + "\n"
	kinds := []struct{ name, config string }{
		{"webdav", strings.Replace(dav, "[dav]", "[cloud]", 1)},
	}
	if testenv.Long() { // what rclone promises of one it promises of the others
		kinds = append(kinds, []struct{ name, config string }{
			{"alias", "[cloud]\ntype = alias\nremote = " + t.TempDir() + "\n"},
			{"crypt", "[cloud]\ntype = crypt\nremote = " + t.TempDir() + "\npassword = " + string(obscured)},
			{"crypt over webdav", dav + "[cloud]\ntype = crypt\nremote = dav:sealed\npassword = " + string(obscured)},
		}...)
	}
	for _, c := range kinds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			old := newDevice(t, nil).withRemote(c.config)
			old.add("first")
			old.enable("rclone:cloud:my auth")
			empty := newDevice(t, nil).withRemote(c.config)
			empty.restore(0, "rclone:cloud:my auth")
			empty.right("first")
			empty.current()
		})
	}
}

// serveWebDAV starts a WebDAV server on loopback and returns its address.
func serveWebDAV(t *testing.T, rclone string) string {
	t.Helper()
	cmd := exec.Command(rclone, "serve", "webdav", "--addr", "127.0.0.1:0", t.TempDir())
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "RCLONE_CONFIG="+writeTemp(t, ""))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var seen strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := said.Read(buf)
		seen.Write(buf[:n])
		if _, rest, found := strings.Cut(seen.String(), "http://127.0.0.1:"); found && strings.Contains(rest, "/") {
			port, _, _ := strings.Cut(rest, "/")
			go func() {
				for err == nil {
					_, err = said.Read(buf)
				}
			}()
			return "http://127.0.0.1:" + port + "/"
		}
		if err != nil {
			t.Fatalf("rclone serve webdav: %v: %s", err, seen.String())
		}
	}
}

package location_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

func TestRcloneMissing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]location.Options{
		"not installed": {LookPath: func(name string) (string, error) { return "", &exec.Error{Name: name, Err: exec.ErrNotFound} }},
		"not looked up": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Temp = t.TempDir()
			fails(t, parse(t, "rclone:gdrive:auth", o), location.ErrRcloneMissing)
		})
	}
}

// The same remotes when something is wrong with them.
func TestRemoteBadDays(t *testing.T) {
	t.Parallel()
	r := newRclone(t)
	o := r.options(t)

	t.Run("a file in its place", func(t *testing.T) {
		put(t, filepath.Join(r.alias, "file"), "mine")
		l := parse(t, "rclone:short cut:file", o)
		for what, err := range map[string]error{
			"List":    onList(t, l),
			"Create":  l.Create(t.Context(), "a.age", []byte("x")),
			"Prepare": location.Prepare(t.Context(), l),
		} {
			if !errors.Is(err, location.ErrNotFolder) {
				t.Errorf("%s: %v, want ErrNotFolder", what, err)
			}
		}
		put(t, filepath.Join(r.alias, "same", "same"), "a file that is called like its folder")
		if names := namesIn(t, parse(t, "rclone:short cut:same", o)); !slices.Equal(names, []string{"same"}) {
			t.Errorf("List has %q, want same", names)
		}
	})

	t.Run("no such remote", func(t *testing.T) {
		err := onList(t, parse(t, "rclone:not configured:auth", o))
		var failed *location.RcloneError
		if !errors.Is(err, location.ErrGone) || !errors.As(err, &failed) || !strings.Contains(failed.Message, "not configured") {
			t.Errorf("List: %v, want ErrGone with rclone's words", err)
		}
	})

	t.Run("a configuration that cannot be read", func(t *testing.T) {
		bad := o
		bad.Env = []string{"RCLONE_CONFIG=" + put(t, filepath.Join(t.TempDir(), "rclone.conf"), "[nas]\ntype = sftp\nhunter2-was-pasted-here\n")}
		err := onList(t, parse(t, "rclone:nas:auth", bad))
		var failed *location.RcloneError
		if !errors.As(err, &failed) || failed.Code == 0 || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "could not parse line") {
			t.Errorf("List: %v, want rclone's words without the line", err)
		}
	})

	t.Run("a store that never answers", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // The kernel accepts for it; nobody answers.
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		err = onList(t, parse(t, "rclone:dav:auth", withURL(o, "http://"+silent.Addr().String())), 1500*time.Millisecond)
		if !errors.Is(err, location.ErrTimeout) {
			t.Errorf("List: %v, want ErrTimeout", err)
		}
	})

	t.Run("a store that is not there", func(t *testing.T) {
		// A port that no server is given by chance.
		err := onList(t, parse(t, "rclone:dav:auth", withURL(o, "http://user:hunter2@127.0.0.1:1")))
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "refused") {
			t.Errorf("List: %v, want rclone's words without the password", err)
		}
	})

	t.Run("unmounted", func(t *testing.T) {
		folder := filepath.Join(r.alias, "stick")
		put(t, filepath.Join(folder, "a.age"), "x")
		l := parse(t, "rclone:short cut:stick", o)
		if err := os.Rename(folder, folder+"-gone"); err != nil {
			t.Fatal(err)
		}
		if err := l.Create(t.Context(), "b.age", []byte("x")); !errors.Is(err, location.ErrGone) {
			t.Errorf("Create: %v, want ErrGone", err)
		}
		if _, err := os.Lstat(folder); err == nil {
			t.Error("Create made a folder that was gone")
		}
	})

	t.Run("somebody else was faster", func(t *testing.T) {
		folder := filepath.Join(r.alias, "race")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		raced := o
		raced.LookPath = func(string) (string, error) { // Before the rename, which is the third call.
			if left, _ := os.ReadDir(folder); len(left) == 1 && left[0].Name() != "a.age" {
				put(t, filepath.Join(folder, "a.age"), "theirs")
			}
			return r.program, nil
		}
		if err := parse(t, "rclone:short cut:race", raced).Create(t.Context(), "a.age", []byte("ours")); !errors.Is(err, location.ErrExists) {
			t.Errorf("Create: %v, want ErrExists", err)
		}
		if data, err := os.ReadFile(filepath.Join(folder, "a.age")); string(data) != "theirs" {
			t.Errorf("the file of another holds %q, %v", data, err)
		}
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("there is %v, want a.age alone", left)
		}
	})

	t.Run("leftovers", func(t *testing.T) {
		folder := filepath.Join(r.alias, "left")
		old, young := filepath.Join(folder, ".~auth-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp"), filepath.Join(folder, ".~auth-BBCDEFGHIJKLMNOPQRSTUVWXYZ.tmp")
		put(t, old, "x")
		put(t, young, "x")
		day := time.Now().Add(-25 * time.Hour)
		if err := os.Chtimes(old, day, day); err != nil {
			t.Fatal(err)
		}
		l := parse(t, "rclone:short cut:left", o)
		if err := l.Create(t.Context(), "a.age", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if names := namesIn(t, l); !slices.Equal(names, []string{"a.age"}) {
			t.Errorf("List has %q, want a.age", names)
		}
		if _, err := os.Lstat(old); err == nil {
			t.Error("the old one is still there")
		}
		if _, err := os.Lstat(young); err != nil {
			t.Error("the young one was removed: somebody may be writing it")
		}
		if left, _ := os.ReadDir(o.Temp); len(left) != 0 {
			t.Errorf("copies to upload are still here: %v", left)
		}
	})
}

// A file that appears while rclone looks for it: the first look finds nothing, so that
// rclone takes the name for a folder, and its listing of that folder finds the file. Such
// a cat prints nothing and succeeds.
func TestReadOfAFileThatAppears(t *testing.T) {
	t.Parallel()
	r := newRclone(t)
	server, err := url.Parse(r.address)
	if err != nil {
		t.Fatal(err)
	}
	var looks atomic.Int32
	through := httputil.NewSingleHostReverseProxy(server)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, "/late.age") && q.Method == "PROPFIND" && looks.Add(1) == 1 {
			http.NotFound(w, q)
			return
		}
		through.ServeHTTP(w, q)
	}))
	t.Cleanup(proxy.Close)
	if err := parse(t, "rclone:dav:", r.options(t)).Create(t.Context(), "late.age", []byte("whole")); err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, "rclone:dav:", withURL(r.options(t), proxy.URL)).Read(t.Context(), "late.age")
	if err != nil || string(got) != "whole" {
		t.Errorf("Read: %q, %v, want whole", got, err)
	}
	if looks.Load() == 0 {
		t.Error("rclone did not look for the file")
	}
}

// withURL changes the address of the WebDAV remote.
func withURL(o location.Options, url string) location.Options {
	o.Env = append(slices.Clone(o.Env), "RCLONE_CONFIG_DAV_TYPE=webdav", "RCLONE_CONFIG_DAV_URL="+url, "RCLONE_CONFIG_DAV_VENDOR=other")
	return o
}

func onList(t *testing.T, l location.Location, within ...time.Duration) error {
	t.Helper()
	ctx := t.Context()
	if len(within) > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within[0])
		defer cancel()
	}
	_, err := l.List(ctx)
	return err
}

// rclone's message is shown as one printable line without secrets.
func TestWordsOfRclone(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"": "",
		"2026/01/02 03:04:05 ERROR : first\n2026/01/02 03:04:05 Failed to copy: last\n\n": "Failed to copy: last",
		"Failed: \x1b[2J\x07\u202e\xff":                                                          `Failed: \x1b[2J\a\u202e\ufffd`,
		`Failed to load config file "/c": could not parse line: pass = hunter2`:                  `Failed to load config file "/c": could not parse line:`,
		`Propfind "https://alice:hunter2@example.com/auth/": 401`:                                `Propfind "https://@example.com/auth/": 401`,
		`Get "https://s3.example.com/b?X-Amz-Credential=hunter2&X-Amz-Signature=1": i/o timeout`: `Get "https://s3.example.com/b?": i/o timeout`,
		`couldn't fetch token: oauth2: "invalid_grant" "Token has been expired or revoked."`:     `couldn't fetch token: oauth2: "invalid_grant" "Token has been expired or revoked."`,
		"Failed: バケット": "Failed: バケット",
	} {
		if got := location.LastLine(said); got != want {
			t.Errorf("%q is shown as %q, want %q", said, got, want)
		}
	}
	if got := location.LastLine(strings.Repeat("ö\x1b", 1000)); len(got) > 300 || !strings.HasPrefix(got, `ö\x1bö`) {
		t.Errorf("a long line is shown with %d bytes: %q", len(got), got)
	}
}

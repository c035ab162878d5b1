package atomicfile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/atomicfile"
	"github.com/authcli/auth/internal/testenv"
)

// TestMain turns the test binary into a writing process if a test starts it as one. It
// writes the file "file" in the folder DIR, in the way that WRITE names.
func TestMain(m *testing.M) {
	dir, how := os.Getenv("ATOMICFILE_DIR"), os.Getenv("ATOMICFILE_WRITE")
	if how == "" {
		os.Exit(m.Run())
	}
	path := filepath.Join(dir, "file")
	stop := func(at string) {
		if at == how {
			fmt.Println("here")
			_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed
		}
	}
	for i := 0; ; i++ {
		err := atomicfile.WriteFunc(path, atomicfile.Options{NoReplace: how == "many"}, func(f *os.File) error {
			stop("nothing")
			for _, half := range []string{"secret ", "secret "} {
				if _, err := f.WriteString(half); err != nil {
					return err
				}
				stop("half")
			}
			stop("whole")
			return nil
		})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		path = filepath.Join(dir, fmt.Sprint(i))
		if i == 0 {
			fmt.Println("here")
		}
	}
}

// writer starts a process that writes into dir. It returns when the process has reached
// the point where it is to be killed.
func writer(t *testing.T, dir, how string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ATOMICFILE_DIR="+dir, "ATOMICFILE_WRITE="+how)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "here\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd
}

// needNameless skips a test if the file system does not support files without names.
func needNameless(t *testing.T, dir string) {
	t.Helper()
	f, ok := atomicfile.OpenNameless(dir)
	if !ok {
		t.Skip("no files without names here")
	}
	f.Close()
}

// A killed process leaves the old file and nothing of the new one.
func TestKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"nothing", "half", "whole"} {
		for _, old := range []string{"", "old"} {
			dir := t.TempDir()
			needNameless(t, dir)
			want := ""
			if old != "" {
				want = "file"
				if err := os.WriteFile(filepath.Join(dir, "file"), []byte(old), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := writer(t, dir, how)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if got := names(t, dir); got != want {
				t.Errorf("%s, old %q: the folder holds %q", how, old, got)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "file")); string(got) != old {
				t.Errorf("%s, old %q: the file holds %q", how, old, got)
			}
		}
	}
}

// A process that writes new files and is killed at any moment leaves only complete files
// under their names.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	times := testenv.Times(t, "a process that writes files is killed", 10, 500)
	chance := testenv.Rand(t)
	for range times {
		dir := t.TempDir()
		needNameless(t, dir)
		cmd := writer(t, dir, "many")
		time.Sleep(time.Duration(chance.IntN(10_000)) * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for name := range strings.FieldsSeq(names(t, dir)) {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || string(data) != "secret secret " || strings.HasPrefix(name, ".") {
				t.Errorf("%s holds %q (%v)", name, data, err)
			}
		}
	}
}

// The same rules hold for temporary files with names.
func TestWriteNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	refusal := errors.New("no")
	for _, c := range []struct {
		content string
		o       atomicfile.Options
		refused error
		want    error
		holds   string
	}{
		{"first", atomicfile.Options{NoReplace: true}, refusal, refusal, ""},
		{"first", atomicfile.Options{NoReplace: true}, nil, nil, "first"},
		{"second", atomicfile.Options{NoReplace: true}, nil, fs.ErrExist, "first"},
		{"second", atomicfile.Options{}, refusal, refusal, "first"},
		{"second", atomicfile.Options{}, nil, nil, "second"},
	} {
		err := atomicfile.WriteNamed(path, c.o, func(f *os.File) error {
			if _, err := f.WriteString(c.content); err != nil {
				return err
			}
			return c.refused
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
		if got, _ := os.ReadFile(path); string(got) != c.holds {
			t.Errorf("%+v: it holds %q", c, got)
		}
		if got := names(t, dir); got != "file" && c.holds != "" || c.holds == "" && got != "" {
			t.Errorf("%+v: the folder holds %q", c, got)
		}
	}
}

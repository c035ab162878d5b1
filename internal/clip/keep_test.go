package clip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/clip"
)

// An answering is the output of the process that holds a text.
type answering struct {
	bytes.Buffer
	closed chan struct{}
}

func (a *answering) Close() error {
	close(a.closed)
	return nil
}

// keep runs the process that holds a text in this one, and returns its answer.
func keep(t *testing.T, s clip.System, way, text string, stay time.Duration) (answer string, ended <-chan struct{}) {
	t.Helper()
	return keepUntil(t.Context(), t, s, way, text, stay)
}

// keepUntil is keep for a process that is asked to end when ctx does.
func keepUntil(ctx context.Context, t *testing.T, s clip.System, way, text string, stay time.Duration) (answer string, ended <-chan struct{}) {
	t.Helper()
	told, err := json.Marshal(map[string]any{"way": way, "text": text, "for": stay, "state": s.State})
	if err != nil {
		t.Fatal(err)
	}
	out, done := &answering{closed: make(chan struct{})}, make(chan struct{})
	go func() {
		defer close(done)
		_ = clip.Keep(ctx, s, bytes.NewReader(told), out) // the answer has the error
	}()
	select {
	case <-out.closed:
	case <-time.After(2 * time.Minute):
		t.Fatal("no answer")
	}
	return out.String(), done
}

// A machine may be too busy to answer when the time is over. Clearing is tried again then:
// otherwise the code would stay for good.
func TestClearedOnABusyMachine(t *testing.T) {
	t.Parallel()
	for way, programs := range map[string]func(file, busy string) map[string]string{
		clip.Pbcopy: func(file, busy string) map[string]string {
			return map[string]string{"pbcopy": "cat >" + file, "pbpaste": busy + "cat " + file}
		},
		clip.Tmux: func(file, busy string) map[string]string {
			return map[string]string{"tmux": `case $1 in
load-buffer) cat >` + file + ` ;;
list-buffers) echo 10 buffer0 ;;
show-buffer) ` + busy + `cat ` + file + ` ;;
delete-buffer) : >` + file + ` ;;
esac`}
		},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, looks := filepath.Join(dir, "clipboard"), filepath.Join(dir, "looks")
			// The first look is that of the copy, and the second one that of clearing.
			busy := "echo >>" + looks + "; [ $(wc -l <" + looks + ") -ne 2 ] || exec sleep 60; "
			s, _ := fake(t, "darwin", nil, programs(file, busy))
			answer, ended := keep(t, s, way, "1234567890", time.Millisecond)
			if answer != "{}\n" {
				t.Fatalf("the answer is %q", answer)
			}
			<-ended
			if held, err := os.ReadFile(file); err != nil || len(held) > 0 {
				t.Errorf("afterwards the clipboard holds %q, %v", held, err)
			}
		})
	}
}

// The clipboards of macOS and of Windows below WSL, by programs that keep their input in a
// file: the text gets there by standard input, is read back, and is cleared.
func TestHeldAndCleared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		way, system string
		programs    func(file, log string) map[string]string
	}{
		{clip.Pbcopy, "darwin", func(file, log string) map[string]string {
			return map[string]string{"pbcopy": `echo "$@" >>` + log + `; cat >` + file, "pbpaste": "cat " + file}
		}},
		// The script that marks the text gets it from its standard input. Where it may not run,
		// pbcopy does it.
		{clip.Pbcopy, "darwin", func(file, log string) map[string]string {
			return map[string]string{
				"osascript": `case "$1 $2 $4" in "-l JavaScript "*org.nspasteboard.ConcealedType*) cat >` + file + ` ;; *) exit 1 ;; esac; echo "$@" >>` + log,
				"pbcopy":    `read -r text; if [ "$text" ]; then echo pbcopy was asked for 1234567890 >>` + log + `; else : >` + file + `; fi`,
				"pbpaste":   "cat " + file,
			}
		}},
		{clip.Pbcopy, "darwin", func(file, log string) map[string]string {
			return map[string]string{
				"osascript": "cat >/dev/null; echo not authorized >&2; exit 1",
				"pbcopy":    `echo "$@" >>` + log + `; cat >` + file, "pbpaste": "cat " + file,
			}
		}},
		// Which of the scripts it is shows in the word that is the script.
		{clip.PowerShell, "linux", func(file, log string) map[string]string {
			return map[string]string{"powershell.exe": `echo "$@" >>` + log + `
for script; do :; done
script=$(echo "$script" | base64 -d | tr -d '\000')
case $script in
*SetDataObject*) cat >` + file + ` ;;
*Get-Clipboard*) cat ` + file + `; printf '\r\n' ;;
*Clear*) : >` + file + ` ;;
esac`}
		}},
	} {
		t.Run(c.way, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, log := filepath.Join(dir, "clipboard"), filepath.Join(dir, "log")
			s, _ := fake(t, c.system, nil, c.programs(file, log))
			answer, ended := keep(t, s, c.way, "1234567890", 200*time.Millisecond)
			if answer != "{}\n" {
				t.Fatalf("the answer is %q", answer)
			}
			if held, err := os.ReadFile(file); err != nil || string(held) != "1234567890" {
				t.Errorf("the clipboard holds %q, %v", held, err)
			}
			<-ended
			if held, err := os.ReadFile(file); err != nil || len(held) > 0 {
				t.Errorf("afterwards the clipboard holds %q, %v", held, err)
			}
			if words, err := os.ReadFile(log); err != nil || strings.Contains(string(words), "1234567890") {
				t.Errorf("the arguments were %q, %v", words, err)
			}
		})
	}
}

// clip.exe can be neither asked nor told to clear what it has: nothing of it is claimed.
func TestClipExe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clipboard")
	s, _ := fake(t, "linux", map[string]string{"WSL_DISTRO_NAME": "Debian"}, map[string]string{"clip.exe": `[ $# = 0 ] && cat >` + file})
	done, err := s.Copy(t.Context(), clip.ClipExe, "123456", time.Minute)
	if err != nil || done != (clip.Copied{Way: clip.ClipExe}) {
		t.Errorf("%+v, %v", done, err)
	}
	if held, err := os.ReadFile(file); err != nil || string(held) != "123456" {
		t.Errorf("the clipboard holds %q, %v", held, err)
	}
	s, _ = fake(t, "linux", nil, map[string]string{"clip.exe": "echo no session >&2; exit 1"})
	if _, err := s.Copy(t.Context(), clip.ClipExe, "123456", time.Minute); err == nil || !strings.Contains(err.Error(), "clip.exe: no session") {
		t.Errorf("a failure is %v", err)
	}
}

// What the user copies meanwhile stays.
func TestOtherTextStays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clipboard")
	s, _ := fake(t, "darwin", nil, map[string]string{"pbcopy": "cat >" + file, "pbpaste": "cat " + file})
	if answer, ended := keep(t, s, clip.Pbcopy, "123456", 500*time.Millisecond); answer == "{}\n" {
		if err := os.WriteFile(file, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		<-ended
	}
	if held, err := os.ReadFile(file); err != nil || string(held) != "theirs" {
		t.Errorf("the clipboard holds %q, %v", held, err)
	}
}

// The same text, copied again, stays for its own time: the process that held it first leaves it
// to the one that holds it since. Where that one could not copy, the first one clears.
func TestCopiedTwice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, second string // what pbcopy does the second time
		left         string
	}{
		{"held since", "cat >$file", "123456"},
		{"failed since", "cat >/dev/null; exit 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, state := t.TempDir(), t.TempDir()
			file, again := filepath.Join(dir, "clipboard"), filepath.Join(dir, "again")
			s, _ := fake(t, "darwin", nil, map[string]string{
				"pbcopy":  "file=" + file + "; if [ -e " + again + " ]; then rm " + again + "; " + c.second + "; else cat >$file; fi",
				"pbpaste": "cat " + file,
			})
			s.State = state
			// The clock of the first process is told to go on.
			first, over := s, make(chan struct{})
			began := time.Now()
			first.Now = func() time.Time {
				select {
				case <-over:
					return began.Add(time.Minute)
				default:
					return began
				}
			}
			_, ended := keep(t, first, clip.Pbcopy, "123456", 20*time.Millisecond) // its clock stands still: so often it is looked at
			if err := os.WriteFile(again, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			_, endedToo := keepUntil(ctx, t, s, clip.Pbcopy, "123456", time.Hour)
			close(over)
			<-ended
			if held, err := os.ReadFile(file); err != nil || string(held) != c.left {
				t.Errorf("after the time of the first copy the clipboard holds %q, %v", held, err)
			}
			cancel()
			<-endedToo
			if held, err := os.ReadFile(file); err != nil || len(held) > 0 {
				t.Errorf("after that of the second one it holds %q, %v", held, err)
			}
			if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// A text whose time is over while the same text is being copied again waits for that: it is
// cleared where the second copy fails, and stays where that one holds it.
func TestCopiedAgainMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, second, left string }{
		{"reaches it", "cat >$file", "123456"},
		{"fails", "cat >/dev/null; exit 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, again, begun, on := filepath.Join(dir, "clipboard"), filepath.Join(dir, "again"), filepath.Join(dir, "begun"), filepath.Join(dir, "on")
			s, _ := fake(t, "darwin", nil, map[string]string{
				"pbcopy": "file=" + file + "; if [ -e " + again + " ]; then rm " + again + "; : >" + begun +
					"; while [ ! -e " + on + " ]; do sleep 0.01; done; " + c.second + "; else cat >$file; fi",
				"pbpaste": "cat " + file,
			})
			s.State = t.TempDir()
			first, over := s, make(chan struct{})
			began := time.Now()
			asked := make(chan struct{}, 100)
			first.Now = func() time.Time {
				select {
				case <-over:
					select {
					case asked <- struct{}{}:
					default:
					}
					return began.Add(time.Minute)
				default:
					return began
				}
			}
			_, ended := keep(t, first, clip.Pbcopy, "123456", 20*time.Millisecond) // its clock stands still: so often it is looked at
			write(t, again)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			second := make(chan (<-chan struct{}), 1)
			go func() {
				_, endedToo := keepUntil(ctx, t, s, clip.Pbcopy, "123456", time.Hour)
				second <- endedToo
			}()
			for {
				if _, err := os.Stat(begun); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			close(over)
			select {
			case <-asked: // the first one knows that its time is over
			case <-ended:
				t.Error("the first one did not wait")
			}
			write(t, on)
			endedToo := <-second
			<-ended
			if held, err := os.ReadFile(file); err != nil || string(held) != c.left {
				t.Errorf("after the time of the first copy the clipboard holds %q, %v", held, err)
			}
			cancel()
			<-endedToo
		})
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A clipboard that claims success and holds something else is an error, and so is a
// program that fails. What it says of its input is not passed on.
func TestNotHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, pbcopy, pbpaste, want string }{
		{"nothing there", "cat >/dev/null", "true", clip.ErrNotHeld.Error()},
		{"something else", "cat >/dev/null", "echo 654321", clip.ErrNotHeld.Error()},
		{"failure", "echo cannot reach the window server >&2; exit 1", "true", "cannot reach the window server"},
		{"a failure that quotes", "cat >&2; exit 1", "true", "exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := fake(t, "darwin", nil, map[string]string{"pbcopy": c.pbcopy, "pbpaste": c.pbpaste})
			answer, ended := keep(t, s, clip.Pbcopy, "123456", time.Hour)
			<-ended
			if !strings.Contains(answer, c.want) || strings.Contains(answer, "123456") {
				t.Errorf("the answer is %q", answer)
			}
		})
	}
}

// wl-copy that knows the mark for histories is asked to set it. It serves the clipboard
// for as long as it lives.
func TestSensitive(t *testing.T) {
	t.Parallel()
	for help, want := range map[string]string{
		"-s, --seat":      "--foreground --type text/plain",
		"    --sensitive": "--foreground --type text/plain --sensitive",
	} {
		dir := t.TempDir()
		file, log := filepath.Join(dir, "clipboard"), filepath.Join(dir, "log")
		s, _ := fake(t, "linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, map[string]string{
			"wl-copy": `case $1 in
--help) echo "` + help + `" ;;
--clear) : >` + file + ` ;;
*) echo "$@" >` + log + `; cat >` + file + `; while [ -s ` + file + ` ]; do sleep 0.01; done ;;
esac`,
			"wl-paste": "cat " + file,
		})
		answer, ended := keep(t, s, clip.WlCopy, "123456", 100*time.Millisecond)
		<-ended
		if words, err := os.ReadFile(log); err != nil || answer != "{}\n" || strings.TrimSpace(string(words)) != want {
			t.Errorf("%q: the arguments were %q, %v, and the answer %q", help, words, err, answer)
		}
	}
}

// Images and texts of clipboards, by what their programs print.
func TestPaste(t *testing.T) {
	t.Parallel()
	const image = "\x89PNG image"
	for _, c := range []struct {
		name, system, env string
		programs          map[string]string
		image, text       string
		err               error
	}{
		{"an image on Wayland", "linux", "WAYLAND_DISPLAY", map[string]string{
			"wl-paste": `case "$*" in --list-types) printf 'text/html\nimage/jpeg\nimage/png\n' ;; "--no-newline --type image/png") printf '` + `\211PNG image` + `' ;; esac`,
		}, image, "", nil},
		{"a text on X11", "linux", "DISPLAY", map[string]string{
			"xclip": `case "$*" in *TARGETS) printf 'TARGETS\nUTF8_STRING\n' ;; *UTF8_STRING) echo words ;; esac`,
		}, "", "words", nil},
		{"nothing that is of use", "linux", "DISPLAY", map[string]string{"xclip": "echo application/x-color"}, "", "", clip.ErrEmpty},
		{"nothing at all", "linux", "WAYLAND_DISPLAY", map[string]string{"wl-paste": "echo No selection >&2; exit 1"}, "", "", clip.ErrEmpty},
		{"an image on macOS", "darwin", "TERM", map[string]string{
			"osascript": "echo '«data PNGf89504E4720696D616765»'", "pbpaste": "echo words",
		}, image, "", nil},
		{"a text on macOS", "darwin", "TERM", map[string]string{"osascript": "exit 1", "pbpaste": "echo words"}, "", "words", nil},
		{"over SSH", "darwin", "SSH_TTY", nil, "", "", clip.ErrAway},
		{"no display", "linux", "TERM", nil, "", "", clip.ErrNoDisplay},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := fake(t, c.system, map[string]string{c.env: "x"}, c.programs)
			got, err := s.Paste(t.Context())
			if !errors.Is(err, c.err) || string(got.Image) != c.image || got.Text != c.text {
				t.Errorf("%q, %q, %v", got.Image, got.Text, err)
			}
		})
	}
	s, _ := fake(t, "linux", map[string]string{"DISPLAY": ":0"}, nil)
	if _, err := s.Paste(t.Context()); err == nil || !strings.Contains(err.Error(), "xclip (Debian: xclip)") {
		t.Errorf("without a program: %v", err)
	}
}

// A program that can only write a file gets a private folder for it, which is gone
// afterwards, also where the command was interrupted.
func TestScreenByFile(t *testing.T) {
	t.Parallel()
	run := t.TempDir()
	seen := filepath.Join(t.TempDir(), "seen")
	env := map[string]string{"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": run}
	s, _ := fake(t, "linux", env, map[string]string{
		"grim":             "echo compositor does not support it >&2; exit 1",
		"gnome-screenshot": `[ "$1" = --file ] && printf picture >"$2" && ls -ld "${2%/*}" | cut -c1-10 >` + seen,
	})
	got, err := s.Screen(t.Context(), clip.Whole)
	if err != nil || string(got) != "picture" {
		t.Fatalf("%q, %v", got, err)
	}
	if mode, err := os.ReadFile(seen); err != nil || string(mode) != "drwx------\n" {
		t.Errorf("the folder was %q, %v", mode, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s, _ = fake(t, "linux", env, map[string]string{"spectacle": `for file; do :; done; printf picture >"$file"; : >` + seen + `.2; exec sleep 600`})
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(seen + ".2"); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := s.Screen(ctx, clip.Whole); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if left, err := os.ReadDir(run); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s, _ = fake(t, "linux", env, nil)
	if _, err := s.Screen(t.Context(), clip.Whole); err == nil || !strings.Contains(err.Error(), "grim (Debian: grim)") {
		t.Errorf("without a program: %v", err)
	}
	s, _ = fake(t, "linux", env, map[string]string{"grim": "echo compositor does not support it >&2; exit 1"})
	if _, err := s.Screen(t.Context(), clip.Whole); err == nil || !strings.Contains(err.Error(), "grim: compositor does not support it") {
		t.Errorf("a program that cannot: %v", err)
	}
}

// A part of the screen is chosen with the program that fits the session. Nothing chosen is said so, and no other program
// asks again.
func TestScreenRegion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, system, env string
		programs          map[string]string
		want              string // the picture, or a part of the error
	}{
		{"Wayland", "linux", "WAYLAND_DISPLAY", map[string]string{
			"slurp": "echo 10,20 300x400", "grim": `[ "$1 $2 $3" = "-g 10,20 300x400 -" ] && printf picture`,
		}, "picture"},
		{"nothing chosen on Wayland", "linux", "WAYLAND_DISPLAY", map[string]string{
			"slurp": "echo selection cancelled >&2; exit 1", "grim": "printf picture", "spectacle": "exit 0",
		}, clip.ErrNotChosen.Error()},
		{"slurp where it cannot", "linux", "WAYLAND_DISPLAY", map[string]string{
			"slurp": "echo no layer shell >&2; exit 1", "grim": "printf picture",
			"gnome-screenshot": `[ "$1 $2" = "--area --file" ] && printf picture >"$3"`,
		}, "picture"},
		{"grim alone", "linux", "WAYLAND_DISPLAY", map[string]string{"grim": "printf picture"}, "slurp and grim (Debian: slurp grim) or spectacle"},
		{"X11", "linux", "DISPLAY", map[string]string{"maim": `[ "$*" = --select ] && printf picture`}, "picture"},
		{"nothing chosen on X11", "linux", "DISPLAY", map[string]string{
			"maim": "echo Selection was cancelled by keystroke or right-click. >&2; exit 1",
		}, clip.ErrNotChosen.Error()},
		{"macOS", "darwin", "TERM", map[string]string{"screencapture": `[ "$1" = -i ] && printf picture >"$5"`}, "picture"},
		{"nothing chosen on macOS", "darwin", "TERM", map[string]string{"screencapture": "exit 0"}, clip.ErrNotChosen.Error()},
		{"WSL", "linux", "WSL_INTEROP", map[string]string{"powershell.exe": "printf picture"}, clip.ErrNoRegion.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := fake(t, c.system, map[string]string{c.env: "x"}, c.programs)
			got, err := s.Screen(t.Context(), clip.Region)
			if c.want == "picture" && (err != nil || string(got) != c.want) || c.want != "picture" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%q, %v; want %s", got, err, c.want)
			}
		})
	}
}

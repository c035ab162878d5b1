package schedule_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/authcli/auth/internal/schedule"
	"github.com/authcli/auth/internal/testenv"
)

// awkward is a job with everything that has a meaning in one of the formats.
func awkward(program string) schedule.Job {
	return schedule.Job{
		Name: "auth-sync", About: "merge & back up, 100%", Program: program,
		Args:  []string{"sync", "a b", `say "hi"`, "100%", "$HOME ${HOME}", `C:\dir\`, `\"`, "", "it's", "<&>", "東京", ";", "--x=y"},
		Env:   []string{`AUTH_HOME=/home/a b/50% of $HOME/it's "<&>" \`, "PATH=/opt/bin:/usr/bin"},
		Every: 90 * time.Minute,
	}
}

func program(t *testing.T, folder, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), folder, "auth")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	testenv.Executable(t, path, script)
	return path
}

// TestSystemdVerifies checks that systemd's own reader takes the units, and without a word. internal/e2e runs them.
func TestSystemdVerifies(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is on Linux")
	}
	analyze := testenv.Program(t, "systemd-analyze", "systemd")
	for _, folder := range []string{"plain", "a b", "100%n", "$HOME", "日本"} {
		plan, err := schedule.Systemd(awkward(program(t, folder, "#!/bin/sh\n")), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, f := range plan.Files {
			paths = append(paths, f.Path)
			if err := os.WriteFile(f.Path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(analyze, append([]string{"--user", "verify"}, paths...)...)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME=") // not the user's own units
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s\n%s", folder, err, out, plan.Files[0].Data)
		}
	}
}

// TestSystemdVerifyCanFail checks that the test above could fail.
func TestSystemdVerifyCanFail(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is on Linux")
	}
	analyze := testenv.Program(t, "systemd-analyze", "systemd")
	path := filepath.Join(t.TempDir(), "auth-sync.service")
	if err := os.WriteFile(path, []byte("[Service]\nType=oneshot\nExecStart=/bin/true\nEnvironment=\"A=1\nNicest=10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(analyze, "--user", "verify", path)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME=") // not the user's own units
	if out, err := cmd.CombinedOutput(); err == nil && len(out) == 0 {
		t.Error("systemd-analyze verify says nothing of an unknown key and an open quote")
	}
}

func TestLaunchdGrammar(t *testing.T) {
	t.Parallel()
	job := awkward(`/Applications/a b/it's "auth" <&> 100%`)
	plan, err := schedule.Launchd(job, "/Users/a/Library/LaunchAgents", 501)
	if err != nil {
		t.Fatal(err)
	}
	file := plan.Files[0]
	if want := "/Users/a/Library/LaunchAgents/io.github.authcli.auth-sync.plist"; file.Path != want {
		t.Errorf("the file is %s, want %s", file.Path, want)
	}
	check := func(what string, data []byte) {
		got := readPlist(t, data)
		if label := got["Label"]; label != "io.github.authcli.auth-sync" {
			t.Errorf("%s: label %v", what, label)
		}
		if args, want := fmt.Sprintf("%q", got["ProgramArguments"]), fmt.Sprintf("%q", append([]string{job.Program}, job.Args...)); args != want {
			t.Errorf("%s: arguments\n%s, want\n%s", what, args, want)
		}
		env, _ := got["EnvironmentVariables"].(map[string]any)
		if home := env["AUTH_HOME"]; home != strings.TrimPrefix(job.Env[0], "AUTH_HOME=") {
			t.Errorf("%s: AUTH_HOME is %v", what, home)
		}
		if got["StartInterval"] != "5400" || got["RunAtLoad"] != true {
			t.Errorf("%s: interval %v, at load %v", what, got["StartInterval"], got["RunAtLoad"])
		}
	}
	check("ours", file.Data)

	// And by a reader of property lists that is not ours, through its binary form and back.
	util := testenv.Program(t, "plistutil", "libplist-utils")
	dir := t.TempDir()
	ours, binary, back := filepath.Join(dir, "ours"), filepath.Join(dir, "binary"), filepath.Join(dir, "back")
	if err := os.WriteFile(ours, file.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-i", ours, "-f", "bin", "-o", binary}, {"-i", binary, "-f", "xml", "-o", back}} {
		if out, err := exec.Command(util, args...).CombinedOutput(); err != nil {
			t.Fatalf("plistutil %v: %v\n%s", args, err, out)
		}
	}
	data, err := os.ReadFile(back)
	if err != nil {
		t.Fatal(err)
	}
	check("plistutil's", data)
}

// readPlist reads a property list as its DTD (PropertyList-1.0.dtd) says: plist with one dict; a dict of keys, each
// followed by one value.
func readPlist(t *testing.T, data []byte) map[string]any {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	next := func() xml.Token {
		for {
			token, err := d.Token()
			if err != nil {
				t.Fatalf("%v in\n%s", err, data)
			}
			switch token := token.(type) {
			case xml.StartElement, xml.EndElement:
				return token
			case xml.CharData:
				if len(bytes.TrimSpace(token)) > 0 {
					t.Fatalf("text %q outside of a value", token)
				}
			}
		}
	}
	text := func(of xml.StartElement) string {
		var s string
		if err := d.DecodeElement(&s, &of); err != nil {
			t.Fatal(err)
		}
		return s
	}
	var value func(xml.StartElement) any
	value = func(at xml.StartElement) any {
		switch at.Name.Local {
		case "string", "integer":
			return text(at)
		case "true", "false":
			if err := d.Skip(); err != nil {
				t.Fatal(err)
			}
			return at.Name.Local == "true"
		case "array":
			var list []any
			for {
				start, ok := next().(xml.StartElement)
				if !ok {
					return list
				}
				list = append(list, value(start))
			}
		case "dict":
			dict := map[string]any{}
			for {
				key, ok := next().(xml.StartElement)
				if !ok {
					return dict
				}
				if key.Name.Local != "key" {
					t.Fatalf("<%s> where a key has to be", key.Name.Local)
				}
				name := text(key)
				start, ok := next().(xml.StartElement)
				if !ok {
					t.Fatalf("key %s has no value", name)
				}
				if _, twice := dict[name]; twice {
					t.Fatalf("key %s twice", name)
				}
				dict[name] = value(start)
			}
		}
		t.Fatalf("<%s> is no element of a property list that is expected here", at.Name.Local)
		return nil
	}
	root, ok := next().(xml.StartElement)
	if !ok || root.Name.Local != "plist" || len(root.Attr) != 1 || root.Attr[0].Value != "1.0" {
		t.Fatalf("the root is %v", root)
	}
	start, ok := next().(xml.StartElement)
	if !ok {
		t.Fatal("the list is empty")
	}
	dict, ok := value(start).(map[string]any)
	if _, closed := next().(xml.EndElement); !ok || !closed {
		t.Fatal("a plist has one dict")
	}
	return dict
}

// taskSchema is what the elements of a task may have in them: the parts of the schema of [MS-TSCH] (2.5.1 and on) that
// are used here. A list that is ordered is a sequence of the schema; the others are in any order (all).
var taskSchema = map[string]struct {
	ordered  bool
	may      []string
	required []string
}{
	"Task":             {may: []string{"RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"}, required: []string{"Actions"}},
	"RegistrationInfo": {may: []string{"URI", "SecurityDescriptor", "Source", "Date", "Author", "Version", "Description", "Documentation"}},
	"Triggers":         {may: []string{"BootTrigger", "RegistrationTrigger", "IdleTrigger", "TimeTrigger", "EventTrigger", "LogonTrigger", "SessionStateChangeTrigger", "CalendarTrigger", "WnfStateChangeTrigger"}},
	"TimeTrigger": {
		ordered:  true,
		may:      []string{"Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "RandomDelay"},
		required: []string{"StartBoundary"},
	},
	"Repetition": {may: []string{"Interval", "Duration", "StopAtDurationEnd"}, required: []string{"Interval"}},
	"Principals": {may: []string{"Principal"}, required: []string{"Principal"}},
	"Principal":  {may: []string{"UserId", "LogonType", "GroupId", "DisplayName", "RunLevel", "ProcessTokenSidType", "RequiredPrivileges"}},
	"Settings": {may: []string{
		"AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries",
		"AllowHardTerminate", "StartWhenAvailable", "NetworkProfileName", "RunOnlyIfNetworkAvailable", "WakeToRun", "Enabled", "Hidden",
		"DeleteExpiredTaskAfter", "IdleSettings", "NetworkSettings", "ExecutionTimeLimit", "Priority", "RunOnlyIfIdle",
		"UseUnifiedSchedulingEngine", "DisallowStartOnRemoteAppSession",
	}},
	"Actions": {may: []string{"Exec", "ComHandler", "SendEmail", "ShowMessage"}},
	"Exec":    {may: []string{"Command", "Arguments", "WorkingDirectory"}, required: []string{"Command"}},
}

func TestTaskFollowsItsSchema(t *testing.T) {
	t.Parallel()
	job := awkward(`C:\Program Files\a & b\auth.exe`)
	job.Env = nil
	plan, err := schedule.Task(job, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text := fromUTF16(t, plan.Files[0].Data)
	if !strings.HasPrefix(text, `<?xml version="1.0" encoding="UTF-16"?>`) {
		t.Errorf("it begins with %.60q", text)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it was decoded above
	var path []string
	children := map[string][]string{}
	values := map[string]string{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Space != "http://schemas.microsoft.com/windows/2004/02/mit/task" {
				t.Errorf("%s is in the namespace %q", token.Name.Local, token.Name.Space)
			}
			if n := len(path); n > 0 {
				children[path[n-1]] = append(children[path[n-1]], token.Name.Local)
			}
			path = append(path, token.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if n := len(path); n > 0 && len(bytes.TrimSpace(token)) > 0 {
				values[path[n-1]] += string(token)
			}
		}
	}
	for element, found := range children {
		rule, ok := taskSchema[element]
		if !ok {
			t.Errorf("%s has elements in it, and the schema has none", element)
		}
		last := -1
		for i, child := range found {
			at := slices.Index(rule.may, child)
			if at < 0 || slices.Contains(found[:i], child) {
				t.Errorf("%s must not have this %s", element, child)
			}
			if rule.ordered && at < last {
				t.Errorf("%s has %s out of order", element, child)
			}
			last = at
		}
		for _, child := range rule.required {
			if !slices.Contains(found, child) {
				t.Errorf("%s lacks %s", element, child)
			}
		}
	}
	for element, want := range map[string]string{
		"Interval": "PT5400S", "Command": job.Program, "LogonType": "InteractiveToken", "RunLevel": "LeastPrivilege", "MultipleInstancesPolicy": "IgnoreNew",
	} {
		if values[element] != want {
			t.Errorf("%s is %q, want %q", element, values[element], want)
		}
	}
	if got := splitWindows(values["Arguments"]); !slices.Equal(got, job.Args) {
		t.Errorf("the arguments arrive as %q, want %q", got, job.Args)
	}
	job.Env = []string{"A=b"}
	if _, err := schedule.Task(job, t.TempDir()); !errors.Is(err, schedule.ErrText) {
		t.Errorf("a task with variables: %v", err)
	}
}

func fromUTF16(t *testing.T, data []byte) string {
	t.Helper()
	if len(data)%2 != 0 || !bytes.HasPrefix(data, []byte{0xff, 0xfe}) {
		t.Fatal("it is not UTF-16 with a mark")
	}
	var units []uint16
	for i := 2; i < len(data); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(data[i:]))
	}
	return string(utf16.Decode(units))
}

// splitWindows takes a command line apart by the rules of "Parsing C command-line arguments" (Microsoft): 2n backslashes
// and a quote are n backslashes and a delimiter, 2n+1 are n backslashes and a quote, others stand for themselves.
func splitWindows(line string) (args []string) {
	var arg strings.Builder
	quoted, begun := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			n := len(line[i:]) - len(strings.TrimLeft(line[i:], `\`))
			i, begun = i+n-1, true
			if i+1 == len(line) || line[i+1] != '"' {
				arg.WriteString(strings.Repeat(`\`, n))
				continue
			}
			arg.WriteString(strings.Repeat(`\`, n/2))
			if n%2 == 1 {
				arg.WriteByte('"')
				i++
			}
		case c == '"':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			if begun {
				args = append(args, arg.String())
				arg.Reset()
			}
			begun = false
		default:
			arg.WriteByte(c)
			begun = true
		}
	}
	if begun {
		args = append(args, arg.String())
	}
	return args
}

// TestSplitWindows checks the reader above by the examples of Microsoft's page.
func TestSplitWindows(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`"abc" d e`:      {"abc", "d", "e"},
		`a\\b d"e f"g h`: {`a\\b`, "de fg", "h"},
		`a\\\"b c d`:     {`a\"b`, "c", "d"},
		`a\\\\"b c" d e`: {`a\\b c`, "d", "e"},
	} {
		if got := splitWindows(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	plans := map[string]func(schedule.Job) (schedule.Plan, error){
		"systemd": func(j schedule.Job) (schedule.Plan, error) { return schedule.Systemd(j, "/units") },
		"launchd": func(j schedule.Job) (schedule.Plan, error) { return schedule.Launchd(j, "/agents", 501) },
		"task":    func(j schedule.Job) (schedule.Plan, error) { j.Env = nil; return schedule.Task(j, `C:\state`) },
	}
	for name, plan := range plans {
		for _, every := range []time.Duration{0, -time.Hour, schedule.Shortest - time.Second, schedule.Longest + time.Second, time.Hour + time.Millisecond} {
			job := awkward("/usr/bin/auth")
			job.Every = every
			if _, err := plan(job); !errors.Is(err, schedule.ErrInterval) {
				t.Errorf("%s every %v: %v", name, every, err)
			}
		}
		for _, bad := range []string{"/opt/a\nExecStart=/bin/sh", "/opt/\x00", "/opt/\xff", "/opt/\u0085"} {
			job := awkward(bad)
			if _, err := plan(job); !errors.Is(err, schedule.ErrText) {
				t.Errorf("%s with the program %q: %v", name, bad, err)
			}
			job = awkward("/usr/bin/auth")
			job.Args = []string{bad}
			if _, err := plan(job); !errors.Is(err, schedule.ErrText) {
				t.Errorf("%s with the argument %q: %v", name, bad, err)
			}
		}
	}
	for _, bad := range []string{`/opt/it's/auth`, `/opt/"auth"`, `/opt/a\b`} {
		if _, err := schedule.Systemd(awkward(bad), "/units"); !errors.Is(err, schedule.ErrText) {
			t.Errorf("systemd runs no program at %s: %v", bad, err)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 90 * time.Minute: "1h30m", 30 * time.Minute: "30m", 24 * time.Hour: "24h", 5*time.Minute + 30*time.Second: "5m30s",
		time.Hour + time.Second: "1h0m1s", 10 * time.Hour: "10h", 20 * time.Minute: "20m",
	} {
		if got := schedule.Words(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
		if back, err := time.ParseDuration(want); err != nil || back != d {
			t.Errorf("%s is typed as %v, %v", want, back, err)
		}
	}
}

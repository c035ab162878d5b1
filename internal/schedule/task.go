package schedule

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"
)

// taskStart is when the intervals of a task are counted from. It is over, so that the task begins at once, and always
// the same, so that a job is always the same text.
const taskStart = "2026-01-01T00:00:00"

// Task returns the plan of a task of Windows, with its description in a folder ([MS-TSCH] 2.5, "XML Task Definition
// Language"). It runs while the user is logged in; what was missed meanwhile is one run afterwards. A task has no
// environment of its own: a job with variables is [ErrText], and so is what the format cannot hold. The other error is
// [ErrInterval].
func Task(j Job, folder string) (Plan, error) {
	if err := j.check(); err != nil {
		return Plan{}, err
	}
	if len(j.Env) > 0 {
		return Plan{}, fmt.Errorf("%q %w: a task of Windows has no variables", j.Env[0], ErrText)
	}
	var args []string
	for _, arg := range j.Args {
		args = append(args, argument(arg))
	}
	text := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>%s</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>%s</StartBoundary>
      <Repetition>
        <Interval>PT%dS</Interval>
      </Repetition>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Enabled>true</Enabled>
    <Hidden>true</Hidden>
    <ExecutionTimeLimit>PT%dS</ExecutionTimeLimit>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%s</Command>
      <Arguments>%s</Arguments>
    </Exec>
  </Actions>
</Task>
`, escaped(j.About), taskStart, int(j.Every/time.Second), int(Limit/time.Second), escaped(j.Program), escaped(strings.Join(args, " ")))
	file := File{filepath.Join(folder, j.Name+".xml"), utf16LE(strings.ReplaceAll(text, "\n", "\r\n"))}
	return Plan{
		Scheduler: "the Task Scheduler",
		Look:      "schtasks /Query /V /FO LIST /TN " + j.Name,
		Files:     []File{file},
		Start: []Command{
			{Args: []string{"schtasks", "/Create", "/F", "/TN", j.Name, "/XML", file.Path}},
			{Args: []string{"schtasks", "/Run", "/TN", j.Name}},
		},
		Stop: []Command{
			{Args: []string{"schtasks", "/End", "/TN", j.Name}, MayFail: true},
			{Args: []string{"schtasks", "/Delete", "/F", "/TN", j.Name}, MayFail: true},
		},
	}, nil
}

// utf16LE returns a text in the encoding that schtasks reads: UTF-16, little-endian, with a mark.
func utf16LE(text string) []byte {
	data := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data
}

// argument returns an argument as programs of Windows take their command line apart (CommandLineToArgvW): quoted where
// it has to be, with the backslashes before a quote doubled.
func argument(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\"") {
		return arg
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range arg {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	b.WriteByte('"')
	return b.String()
}

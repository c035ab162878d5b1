package schedule

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// Systemd returns the plan of a timer of the user's systemd, with its two units in a folder (systemd.timer(5),
// systemd.service(5)). It runs a minute after the user logs in, at once if that is over, and from then on at its
// interval. The time of a laptop's sleep does not count. The error is [ErrInterval] or [ErrText].
func Systemd(j Job, folder string) (Plan, error) {
	if err := j.check(); err != nil {
		return Plan{}, err
	}
	if strings.ContainsAny(j.Program, `"'\`) { // systemd takes no such path, quoted or not
		return Plan{}, fmt.Errorf("%q %w: systemd runs no program whose path has quotes or backslashes", j.Program, ErrText)
	}
	var service strings.Builder
	fmt.Fprintf(&service, "[Unit]\nDescription=%s\n\n[Service]\nType=oneshot\n", specifiers(j.About))
	// No variable is expanded in the path of the program, so a dollar stands for itself there.
	fmt.Fprintf(&service, "ExecStart=%s", quoted(j.Program))
	for _, arg := range j.Args {
		service.WriteString(" " + strings.ReplaceAll(quoted(arg), "$", "$$"))
	}
	service.WriteString("\n")
	for _, variable := range j.Env {
		fmt.Fprintf(&service, "Environment=%s\n", quoted(variable))
	}
	fmt.Fprintf(&service, "TimeoutStartSec=%d\nNice=10\n", int(Limit/time.Second))

	timer := fmt.Sprintf("[Unit]\nDescription=%s\n\n[Timer]\nOnStartupSec=60\nOnUnitActiveSec=%d\n\n[Install]\nWantedBy=timers.target\n",
		specifiers(j.About), int(j.Every/time.Second))

	systemctl := func(args ...string) Command { return Command{Args: append([]string{"systemctl", "--user"}, args...)} }
	gone := func(args ...string) Command { return Command{Args: systemctl(args...).Args, MayFail: true} }
	unit := j.Name + ".timer"
	return Plan{
		Scheduler: "systemd",
		Look:      "systemctl --user status " + j.Name,
		Files: []File{
			{path.Join(folder, j.Name+".service"), []byte(service.String())},
			{path.Join(folder, unit), []byte(timer)},
		},
		Start:  []Command{systemctl("daemon-reload"), systemctl("enable", "--quiet", unit), systemctl("restart", unit)},
		Stop:   []Command{gone("disable", "--quiet", "--now", unit), gone("stop", j.Name+".service")},
		Forget: []Command{gone("daemon-reload")},
	}, nil
}

// quoted returns a word of a unit file: within double quotes, with C's escapes, and without specifiers.
func quoted(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(specifiers(word)) + `"`
}

// specifiers returns a text in which no % begins a specifier.
func specifiers(text string) string { return strings.ReplaceAll(text, "%", "%%") }

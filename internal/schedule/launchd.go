package schedule

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// agentPrefix begins the label of an agent, which has to be unique on a machine.
const agentPrefix = "io.github.authcli."

// Launchd returns the plan of an agent of launchd for the user with an id, with its property list in a folder
// (launchd.plist(5)). It runs when the user logs in, and at its interval; what a sleeping Mac has missed is one run when
// it wakes up. The error is [ErrInterval] or [ErrText].
func Launchd(j Job, folder string, uid int) (Plan, error) {
	if err := j.check(); err != nil {
		return Plan{}, err
	}
	label := agentPrefix + j.Name
	var p plist
	p.WriteString(xml.Header)
	p.WriteString(`<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n")
	p.WriteString("<plist version=\"1.0\">\n<dict>\n")
	p.key("Label")
	p.text(label)
	p.key("ProgramArguments")
	p.WriteString("\t<array>\n")
	for _, arg := range append([]string{j.Program}, j.Args...) {
		p.text(arg)
	}
	p.WriteString("\t</array>\n")
	if len(j.Env) > 0 {
		p.key("EnvironmentVariables")
		p.WriteString("\t<dict>\n")
		for _, variable := range j.Env {
			name, value, _ := strings.Cut(variable, "=")
			p.key(name)
			p.text(value)
		}
		p.WriteString("\t</dict>\n")
	}
	p.key("StartInterval")
	fmt.Fprintf(&p, "\t<integer>%d</integer>\n", int(j.Every/time.Second))
	p.key("RunAtLoad")
	p.WriteString("\t<true/>\n")
	p.key("ProcessType")
	p.text("Background")
	p.WriteString("</dict>\n</plist>\n")

	file := File{path.Join(folder, label+".plist"), p.Bytes()}
	domain := "gui/" + strconv.Itoa(uid)
	return Plan{
		Scheduler: "launchd",
		Look:      "launchctl print " + domain + "/" + label,
		Files:     []File{file},
		// An agent that runs already is not read anew.
		Start: []Command{
			{Args: []string{"launchctl", "bootout", domain + "/" + label}, MayFail: true},
			{Args: []string{"launchctl", "enable", domain + "/" + label}, MayFail: true},
			{Args: []string{"launchctl", "bootstrap", domain, file.Path}},
		},
		Stop: []Command{{Args: []string{"launchctl", "bootout", domain + "/" + label}, MayFail: true}},
	}, nil
}

// A plist is a property list as it is written.
type plist struct{ bytes.Buffer }

func (p *plist) key(name string)   { p.element("key", name) }
func (p *plist) text(value string) { p.element("string", value) }

func (p *plist) element(name, value string) {
	fmt.Fprintf(p, "\t<%s>%s</%[1]s>\n", name, escaped(value))
}

// escaped returns a text as XML has it.
func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}

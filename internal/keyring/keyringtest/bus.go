package keyringtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// busConfig is a session bus on one socket that activates nothing and, for a
// thousand accounts in one message, has the limits of a desktop's.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_connections_per_user">100000</limit>
  <limit name="max_completed_connections">100000</limit>
  <limit name="max_incomplete_connections">10000</limit>
</busconfig>
`

func (s *Service) startBus() {
	s.t.Helper()
	for _, sub := range []string{"home", "run", "data", "config", "cache", "state"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	socket := filepath.Join(s.dir, "run", "bus")
	s.Bus = "unix:path=" + socket
	for _, name := range []string{"home", "data", "config", "cache", "state"} {
		variable := "XDG_" + strings.ToUpper(name) + "_HOME"
		if name == "home" {
			variable = "HOME"
		}
		s.Env = append(s.Env, variable+"="+filepath.Join(s.dir, name))
	}
	s.Env = append(s.Env, "XDG_RUNTIME_DIR="+filepath.Join(s.dir, "run"), "DBUS_SESSION_BUS_ADDRESS="+s.Bus,
		"DISPLAY=", "WAYLAND_DISPLAY=", "GNOME_KEYRING_CONTROL=", "SSH_AUTH_SOCK=")

	config := filepath.Join(s.dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, socket), 0o600); err != nil {
		s.t.Fatal(err)
	}
	_ = os.Remove(socket) // of an earlier service in the same folder
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	address, err := bus.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.start(bus)
	if _, err := bufio.NewReader(address).ReadString('\n'); err != nil { // it prints it when it listens
		s.t.Fatalf("dbus-daemon did not start: %v", err)
	}
	if s.conn, err = dbus.Connect(s.Bus); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.conn.Close() })
}

// silence takes the name under which gnome-keyring asks for prompts, and
// leaves every call to it without an answer.
func (s *Service) silence() {
	s.t.Helper()
	conn, err := dbus.Connect(s.Bus)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue); err != nil {
		s.t.Fatal(err)
	}
	conn.Eavesdrop(make(chan *dbus.Message)) // which hands them to nobody
}

//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// busConfig is a session bus on one socket that starts no services.
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
</busconfig>
`

// startService starts a bus and an unlocked gnome-keyring below dir, and sets the
// environment of this process to use them. stop ends both.
func startService(dir string) (stop func(), err error) {
	var started []*exec.Cmd
	stop = func() {
		for _, c := range started {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	socket := filepath.Join(dir, "bus")
	for name, value := range map[string]string{
		"HOME": dir, "XDG_RUNTIME_DIR": dir, "XDG_DATA_HOME": filepath.Join(dir, "data"),
		"XDG_CONFIG_HOME": dir, "XDG_STATE_HOME": dir, "XDG_CACHE_HOME": dir,
		"DBUS_SESSION_BUS_ADDRESS": "unix:path=" + socket, "DISPLAY": "", "WAYLAND_DISPLAY": "",
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, socket), 0o600); err != nil {
		return nil, err
	}
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	address, err := bus.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := bus.Start(); err != nil {
		return nil, err
	}
	started = append(started, bus)
	if _, err := bufio.NewReader(address).ReadString('\n'); err != nil { // the address is printed once the bus listens
		return nil, fmt.Errorf("dbus-daemon: %w", err)
	}
	daemon := exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock", "--control-directory="+dir)
	daemon.Stdin = strings.NewReader("bench")
	if err := daemon.Start(); err != nil {
		return nil, err
	}
	started = append(started, daemon)
	if err := awaitUnlocked("unix:path=" + socket); err != nil {
		return nil, err
	}
	return stop, keyring.Set(smallService, smallItem, smallValue)
}

// awaitUnlocked waits for the collection "login", which appears after the service.
// Without it, go-keyring would prompt and wait for ever.
func awaitUnlocked(bus string) error {
	conn, err := dbus.Connect(bus)
	if err != nil {
		return err
	}
	defer conn.Close()
	login := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets/collection/login")
	for range 300 {
		locked, err := login.GetProperty("org.freedesktop.Secret.Collection.Locked")
		if err == nil && locked.Value() == false {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("gnome-keyring does not answer")
}

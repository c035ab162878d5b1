package keyringtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// ServiceOptions says what a [SecretService] starts with. The zero value is an
// unlocked collection "login", and no prompts because there is no display.
type ServiceOptions struct {
	// Password of the collection "login"; empty is "test".
	Password string
	// NoLogin starts without a collection "login", and without a default one.
	NoLogin bool
	// Locked locks "login" once it is there.
	Locked bool
	// Silent takes prompts and never answers them, as a person who is away.
	Silent bool
	// BusOnly starts no daemon, and none can be activated.
	BusOnly bool
	// Dir holds everything: HOME, the XDG folders, the keyring. It stays when
	// the service ends, so that another can start on it. Empty is a temporary
	// one. Its path must be short, there are sockets below it.
	Dir string
}

// Service is a Secret Service on a private bus.
type Service struct {
	// Env is what makes a process use it, to be appended to os.Environ: HOME,
	// XDG folders, DBUS_SESSION_BUS_ADDRESS, and no display.
	Env []string
	// Bus is the address of the session bus.
	Bus string

	t      testing.TB
	o      ServiceOptions
	dir    string
	conn   *dbus.Conn
	daemon *exec.Cmd
}

// need is how the real parts of this package are called in AUTH_TEST_REQUIRE.
const need = "secret-service"

const loginPath = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")

// SecretService starts a D-Bus session bus and a gnome-keyring of its own on
// it, as any user, without a display, and beside others. Both end with the
// test. Where they are not installed the test is skipped, or fails if
// AUTH_TEST_REQUIRE lists "secret-service".
func SecretService(t testing.TB, o ServiceOptions) *Service {
	t.Helper()
	programs := []string{"dbus-daemon", "gnome-keyring-daemon"}
	if o.BusOnly {
		programs = programs[:1]
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing(t)
		}
	}
	if o.Password == "" {
		o.Password = "test"
	}
	s := &Service{t: t, o: o, dir: o.Dir}
	if s.dir == "" {
		s.dir = shortTempDir(t)
	}
	s.startBus()
	if o.Silent {
		s.silence()
	}
	if !o.BusOnly {
		s.Start()
	}
	if o.Locked {
		s.Lock()
	}
	return s
}

func missing(t testing.TB) {
	t.Helper()
	const message = "needs a Secret Service: apt-get install gnome-keyring dbus"
	if slices.Contains(strings.Split(os.Getenv("AUTH_TEST_REQUIRE"), ","), need) {
		t.Fatal(message)
	}
	t.Skip(message)
}

// shortTempDir is not testing's: the name of a test would make paths of
// sockets longer than the 108 bytes that they may have.
func shortTempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "auth-")
	if err == nil && len(dir) > 60 {
		err = errors.Join(os.Remove(dir), errors.New("the path of the temporary folder is too long for sockets"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

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

// start starts a process that ends with the test, whatever the test's end.
func (s *Service) start(cmd *exec.Cmd) {
	s.t.Helper()
	cmd.Env = append(os.Environ(), s.Env...)
	endWithParent(cmd)
	err := cmd.Start()
	if errors.Is(err, syscall.EPERM) {
		// Its file capabilities are more than a container has; a copy has
		// none.
		err = s.startCopy(cmd)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { end(cmd) })
}

func (s *Service) startCopy(cmd *exec.Cmd) error {
	from, err := os.Open(cmd.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	path := filepath.Join(s.dir, filepath.Base(cmd.Path))
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		return errors.Join(err, to.Close())
	}
	if err := to.Close(); err != nil {
		return err
	}
	again := exec.Command(path, cmd.Args[1:]...)
	again.Env, again.Stdin, again.Stdout, again.Stderr = cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr
	endWithParent(again)
	*cmd = *again
	return cmd.Start()
}

// end kills a process, which may be stopped or gone, and waits for it.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// Start starts the daemon, again after [Service.Kill], and unlocks it.
func (s *Service) Start() {
	s.t.Helper()
	owners := make(chan *dbus.Signal, 16)
	s.conn.Signal(owners)
	defer s.conn.RemoveSignal(owners)
	match := []dbus.MatchOption{
		dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"),
		dbus.WithMatchArg(0, "org.freedesktop.secrets"),
	}
	if err := s.conn.AddMatchSignal(match...); err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = s.conn.RemoveMatchSignal(match...) }()

	s.daemon = exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets",
		"--control-directory="+filepath.Join(s.dir, "run", "keyring"))
	if !s.o.NoLogin {
		s.daemon.Args = append(s.daemon.Args, "--unlock") // makes it with this password, read to its end
		s.daemon.Stdin = strings.NewReader(s.o.Password)
	}
	s.start(s.daemon)

	deadline := time.After(30 * time.Second)
	for {
		select {
		case signal := <-owners: // name, old owner, new owner
			if signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(signal.Body) == 3 && signal.Body[2] != "" {
				if !s.o.NoLogin {
					s.awaitUnlocked()
				}
				return
			}
		case <-deadline:
			s.t.Fatal("gnome-keyring-daemon did not take its name on the bus")
		}
	}
}

// awaitUnlocked waits for the collection, which can come after the name.
func (s *Service) awaitUnlocked() {
	s.t.Helper()
	for range 500 {
		locked, err := s.conn.Object("org.freedesktop.secrets", loginPath).
			GetProperty("org.freedesktop.Secret.Collection.Locked")
		if err == nil && locked.Value() == false {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatal("gnome-keyring-daemon did not unlock its collection")
}

// Lock locks the collection "login".
func (s *Service) Lock() {
	s.t.Helper()
	err := s.conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginPath}).Err
	if err != nil {
		s.t.Fatal(err)
	}
}

// UseSession makes the collection that lives in memory the default one.
func (s *Service) UseSession() {
	s.t.Helper()
	err := s.conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.SetAlias", 0, "default", loginPath[:len(loginPath)-len("login")]+"session").Err
	if err != nil {
		s.t.Fatal(err)
	}
}

// ClearPassword gives the collection "login" an empty password.
func (s *Service) ClearPassword() {
	s.t.Helper()
	const service = "org.freedesktop.secrets"
	var output dbus.Variant
	var session dbus.ObjectPath
	call := s.conn.Object(service, "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant(""))
	if err := call.Store(&output, &session); err != nil {
		s.t.Fatal(err)
	}
	type secret struct {
		Session           dbus.ObjectPath
		Parameters, Value []byte
		ContentType       string
	}
	was, is := secret{session, nil, []byte(s.o.Password), "text/plain"}, secret{session, nil, nil, "text/plain"}
	err := s.conn.Object(service, "/org/freedesktop/secrets").
		Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.ChangeWithMasterPassword", 0, loginPath, was, is).Err
	if err != nil {
		s.t.Fatal(err)
	}
}

// Stop halts the daemon, so that calls get no answer.
func (s *Service) Stop() { s.signal(stopSignal) }

// Continue lets a stopped daemon go on.
func (s *Service) Continue() { s.signal(continueSignal) }

// Kill ends the daemon without a chance to tidy up.
func (s *Service) Kill() { end(s.daemon) }

func (s *Service) signal(signal os.Signal) {
	s.t.Helper()
	if err := s.daemon.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
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

package keyringtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/authcli/auth/internal/testenv"
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

const (
	secretService     = "org.freedesktop.secrets"
	secretServicePath = dbus.ObjectPath("/org/freedesktop/secrets")
	serviceInterface  = "org.freedesktop.Secret.Service" // its interface
)

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
			testenv.Missing(t, "secret-service", "needs a Secret Service: apt-get install gnome-keyring dbus")
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

	deadline := time.After(2 * time.Minute)
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
	// What gnome-keyring is asked first must not need what it knows of the caller: see greet of package keyring.
	_ = s.conn.Object(secretService, secretServicePath).Call(serviceInterface+".ReadAlias", 0, "default").Err
	for range 3000 { // half a minute: a busy machine starts it late
		locked, err := s.conn.Object("org.freedesktop.secrets", loginPath).
			GetProperty("org.freedesktop.Secret.Collection.Locked")
		if err == nil && locked.Value() == false {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("gnome-keyring-daemon did not unlock its collection")
}

// Owner returns the process that is the Secret Service now; 0 if there is none.
func (s *Service) Owner() int {
	var pid uint32
	call := s.conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, "org.freedesktop.secrets")
	if call.Store(&pid) != nil {
		return 0
	}
	return int(pid)
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

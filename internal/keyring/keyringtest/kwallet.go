package keyringtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/authcli/auth/internal/testenv"
)

// kwalletConfig turns on the Secret Service of KWallet, and its questions off.
const kwalletConfig = `[Wallet]
Enabled=true
First Use=false
Default Wallet=kdewallet
Prompt on Open=false
Close When Idle=false
Leave Open=true
[org.freedesktop.secrets]
apiEnabled=true
`

// KWallet starts KDE's wallet as the Secret Service on a bus of its own, without a
// display. Where it is not installed the test is skipped, or fails if AUTH_TEST_REQUIRE
// lists "kwalletd5".
func KWallet(t testing.TB) *Service {
	t.Helper()
	testenv.Program(t, "kwalletd5", "libkf5wallet-bin")
	testenv.Program(t, "dbus-daemon", "dbus")
	s := &Service{t: t, dir: shortTempDir(t)}
	s.startBus()
	s.Env = append(s.Env, "QT_QPA_PLATFORM=offscreen")
	s.configure("kwalletrc", kwalletConfig)
	s.startKWallet() // which makes the wallet, and shows it from its next start on
	if err := s.daemon.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = s.daemon.Wait()
	s.StartKWallet()
	return s
}

// StartKWallet starts the wallet, again after [Service.Kill], and opens it as a login
// does.
func (s *Service) StartKWallet() {
	s.t.Helper()
	s.startKWallet()
	s.awaitName(secretService)
	const collection = dbus.ObjectPath("/org/freedesktop/secrets/collection/kdewallet")
	s.until("there is a default collection", func() bool {
		return s.conn.Object(secretService, secretServicePath).Call(serviceInterface+".SetAlias", 0, "default", collection).Err == nil
	})
	s.unlock(collection)
}

func (s *Service) startKWallet() {
	s.t.Helper()
	s.daemon = exec.Command("kwalletd5")
	s.start(s.daemon)
	s.awaitName("org.kde.kwalletd5")
	hash := make([]byte, 56) // of the password: any key will do
	for i := range hash {
		hash[i] = byte(i + 1)
	}
	const wallet = "kdewallet"
	s.until("the wallet is open", func() bool {
		object := s.conn.Object("org.kde.kwalletd5", "/modules/kwalletd5")
		if object.Call("org.kde.KWallet.pamOpen", 0, wallet, hash, int32(0)).Err != nil {
			return false
		}
		var open bool
		return object.Call("org.kde.KWallet.isOpen", 0, wallet).Store(&open) == nil && open
	})
}

// AwaitKWallet waits until the wallet has written to the disk what was set before.
func (s *Service) AwaitKWallet() {
	s.t.Helper()
	set := time.Now()
	s.until("the wallet is on the disk", func() bool {
		info, err := os.Stat(filepath.Join(s.dir, "data", "kwalletd", "kdewallet.kwl"))
		// It writes some seconds after a change. Without a write for this long, nothing was left to write.
		return err == nil && (info.ModTime().After(set) || time.Since(set) > 20*time.Second)
	})
}

// unlock opens a collection as the first program of a session does. The prompt of KWallet
// asks nothing, since the wallet is open.
func (s *Service) unlock(collection dbus.ObjectPath) {
	s.t.Helper()
	isOpen := func() bool {
		locked, err := s.conn.Object(secretService, collection).GetProperty("org.freedesktop.Secret.Collection.Locked")
		return err == nil && locked.Value() == false
	}
	s.until("the collection is unlocked", func() bool {
		var unlocked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		object := s.conn.Object(secretService, secretServicePath)
		if object.Call(serviceInterface+".Unlock", 0, []dbus.ObjectPath{collection}).Store(&unlocked, &prompt) != nil || prompt == "/" {
			return isOpen()
		}
		if s.conn.Object(secretService, prompt).Call("org.freedesktop.Secret.Prompt.Prompt", 0, "").Err != nil {
			return false
		}
		for range 200 { // a second prompt would come in the way of the first
			if isOpen() {
				return true
			}
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
}

// configure writes a file of the folder of configurations.
func (s *Service) configure(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "config", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// until waits until something is so: two minutes at most, since a busy machine is slow.
func (s *Service) until(what string, so func() bool) {
	s.t.Helper()
	if !s.waits(2*time.Minute, so) {
		s.t.Fatalf("waited in vain: %s", what)
	}
}

// waits reports whether something becomes so within a time.
func (s *Service) waits(within time.Duration, so func() bool) bool {
	for deadline := time.Now().Add(within); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (s *Service) awaitName(name string) {
	s.t.Helper()
	s.until(name+" is on the bus", func() bool {
		var owned bool
		return s.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned) == nil && owned
	})
}

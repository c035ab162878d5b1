//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keyring

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path"
	"strings"

	"github.com/godbus/dbus/v5"
)

// systemLimit is ours: no limit of the Secret Service is known, and the D-Bus
// library takes about a millisecond for four kilobytes.
const systemLimit = 512 << 10

const (
	busVariable = "DBUS_SESSION_BUS_ADDRESS"

	serviceName = "org.freedesktop.secrets"
	servicePath = dbus.ObjectPath("/org/freedesktop/secrets")
	service     = "org.freedesktop.Secret.Service"

	loginCollection   = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	defaultCollection = dbus.ObjectPath("/org/freedesktop/secrets/aliases/default")
	noObject          = dbus.ObjectPath("/") // "none" in the Secret Service API

	greeting = service + ".ReadAlias" // see greet
)

// SessionBus returns the address of the session bus that go-keyring will talk
// to, given the value of DBUS_SESSION_BUS_ADDRESS, or "" where it would run
// dbus-launch: that starts a bus and a keyring of its own, and leaves both
// behind. It looks where godbus does (getSessionBusAddress in conn.go and
// tryDiscoverDbusSessionBusAddress in conn_other.go of v5.2.4): the variable,
// the socket of the user's runtime directory, the file that once named it.
func SessionBus(variable string) string {
	if knownBus(variable) {
		return variable
	}
	u, err := user.Current()
	if err != nil {
		return ""
	}
	dir := path.Join("/run/user", u.Uid)
	socket := path.Join(dir, "bus")
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		return "unix:path=" + dbus.EscapeBusAddressValue(socket)
	}
	text, err := os.ReadFile(path.Join(dir, "dbus-session"))
	if err != nil {
		return ""
	}
	address, found := strings.CutPrefix(string(text), busVariable+"=")
	if !found {
		return ""
	}
	return strings.TrimRight(address, "\n\r")
}

func knownBus(address string) bool { return address != "" && address != "autolaunch:" }

// prepare makes sure that go-keyring will talk to the bus that was asked for.
func (k *SystemKeyring) prepare(context.Context) error {
	if !knownBus(k.o.Bus) {
		return fmt.Errorf("%w: no D-Bus session bus", ErrUnavailable)
	}
	// go-keyring takes the address from the environment of the process, and
	// godbus puts one there that it has found by itself. This is the one
	// place where this package touches it.
	switch now := os.Getenv(busVariable); { //nolint:forbidigo // see above: godbus reads it there
	case !knownBus(now):
		if err := os.Setenv(busVariable, k.o.Bus); err != nil {
			return err
		}
	case now != k.o.Bus:
		return fmt.Errorf("%w: %s names another bus", ErrUnavailable, busVariable)
	}
	return nil
}

// unlock makes sure that go-keyring will not prompt where nobody can answer.
func (k *SystemKeyring) unlock(ctx context.Context) error {
	conn, err := dbus.SessionBus() // the connection that go-keyring shares
	if err != nil {
		return err
	}
	greet(ctx, conn, 0)
	if k.o.Interactive {
		return nil
	}
	return unlockQuietly(ctx, conn)
}

// greet asks the service, first of all that is asked over a connection, what can be
// answered without knowing the caller, and waits for the answer. gnome-keyring 42 to 50
// aborts when a caller's first request needs the record that it makes of each caller, and
// that record is not yet made: about one new connection in 2,500 whose first word was
// OpenSession ended it here, and with it the user's session of unlocked keyrings; none of
// 90,000 did that greeted first. See Debian bug 1147303.
func greet(ctx context.Context, conn *dbus.Conn, flags dbus.Flags) {
	// An error comes again with the next request, which is told.
	_ = conn.Object(serviceName, servicePath).CallWithContext(ctx, greeting, flags, "default").Err
}

// unlockQuietly asks the service to unlock the collection that go-keyring will use,
// without a prompt: one with an empty password can be unlocked so. It tries "login"
// before the default one, since asking which of them it is costs a round trip.
func unlockQuietly(ctx context.Context, conn *dbus.Conn) error {
	for _, collection := range []dbus.ObjectPath{loginCollection, defaultCollection} {
		var unlocked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		err := conn.Object(serviceName, servicePath).
			CallWithContext(ctx, service+".Unlock", 0, []dbus.ObjectPath{collection}).Store(&unlocked, &prompt)
		var refused dbus.Error
		switch {
		case err != nil && !errors.As(err, &refused):
			return err
		case err == nil && prompt != noObject:
			conn.Object(serviceName, prompt).CallWithContext(ctx, "org.freedesktop.Secret.Prompt.Dismiss", 0)
			return ErrLocked
		case len(unlocked) > 0:
			return nil
		}
	}
	return nil // go-keyring will say what is wrong
}

// usedCollection returns the collection that go-keyring will use: "login" in lower
// case if the service lists it, else the default alias (GetLoginCollection in
// its secret_service.go).
func usedCollection(ctx context.Context, conn *dbus.Conn, flags dbus.Flags) dbus.ObjectPath {
	var listed dbus.Variant
	call := conn.Object(serviceName, servicePath).
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", flags, service, "Collections")
	if call.Store(&listed) == nil {
		paths, _ := listed.Value().([]dbus.ObjectPath)
		for _, p := range paths {
			if p == loginCollection {
				return p
			}
		}
	}
	return defaultCollection
}

// refuseMemory refuses a collection that is kept in memory only. Where there is no
// "login" and the alias "default" names "session", every Set would succeed, and
// nothing would be left after the next login.
func (k *SystemKeyring) refuseMemory(ctx context.Context) error {
	name, _, err := k.collection(ctx)
	if err == nil && name == "session" {
		return fmt.Errorf("%w: its collection %q is kept in memory only", ErrUnavailable, name)
	}
	return nil // an error of the Set says more than this one
}

// collection asks the service over a connection of its own, which ends with ctx. It
// starts no service.
func (k *SystemKeyring) collection(ctx context.Context) (name string, locked bool, err error) {
	if !knownBus(k.o.Bus) {
		return "", false, fmt.Errorf("%w: no D-Bus session bus", ErrUnavailable)
	}
	conn, err := dbus.Connect(k.o.Bus, dbus.WithContext(ctx))
	if err != nil {
		return "", false, err
	}
	defer conn.Close()
	const quiet = dbus.FlagNoAutoStart
	greet(ctx, conn, quiet)
	found := usedCollection(ctx, conn, quiet)
	if found == defaultCollection {
		call := conn.Object(serviceName, servicePath).CallWithContext(ctx, service+".ReadAlias", quiet, "default")
		if err := call.Store(&found); err != nil {
			return "", false, err
		}
		if found == noObject {
			return "", false, fmt.Errorf("%w: it has no default collection", ErrUnavailable)
		}
	}
	var value dbus.Variant
	call := conn.Object(serviceName, found).
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", quiet, "org.freedesktop.Secret.Collection", "Locked")
	if err := call.Store(&value); err != nil {
		return "", false, err
	}
	locked, _ = value.Value().(bool)
	return path.Base(string(found)), locked, nil
}

// classify returns what an error of the bus, known by its name, or of the two
// libraries, known by their words, means to us; nil if it does not know.
func (k *SystemKeyring) classify(ctx context.Context, err error) error {
	if onBus, ok := errors.AsType[dbus.Error](err); ok {
		switch onBus.Name {
		case "org.freedesktop.Secret.Error.IsLocked": // Secret Service API, Errors
			return ErrLocked
		case "org.freedesktop.DBus.Error.ServiceUnknown", // no service, no activation file
			"org.freedesktop.DBus.Error.NameHasNoOwner",
			"org.freedesktop.DBus.Error.NoReply", // the service ended with the call outstanding
			"org.freedesktop.DBus.Error.Disconnected",
			"org.freedesktop.DBus.Error.TimedOut", // activation never completed
			"org.freedesktop.DBus.Error.Timeout",
			"org.freedesktop.DBus.Error.UnknownMethod", // not a Secret Service
			"org.freedesktop.DBus.Error.UnknownObject":
			return ErrUnavailable
		}
		if strings.HasPrefix(onBus.Name, "org.freedesktop.DBus.Error.Spawn.") { // the service does not start
			return ErrUnavailable
		}
		if strings.Contains(onBus.Error(), "Alias default does not exist") { // KWallet without a wallet
			return ErrUnavailable
		}
		return nil
	}
	var dial *net.OpError // the bus's socket is gone, or nobody listens
	if errors.As(err, &dial) || errors.Is(err, dbus.ErrClosed) {
		return ErrUnavailable
	}
	text := err.Error()
	switch {
	// Unlock in go-keyring's secret_service.go: the prompt was dismissed, or
	// could not be shown, or there is nothing to unlock.
	case strings.HasPrefix(text, "failed to unlock correct collection"):
		if _, locked, err := k.collection(ctx); err == nil && !locked {
			return ErrUnavailable
		} else if errors.Is(err, ErrUnavailable) {
			return ErrUnavailable
		}
		return ErrLocked
	// getTransport, Auth and the like in godbus.
	case strings.HasPrefix(text, "dbus: "), text == "EOF", strings.Contains(text, "use of closed network connection"):
		return ErrUnavailable
	}
	return nil
}

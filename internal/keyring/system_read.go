//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keyring

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// readUnlocked reads an item of the collection "login" if that is there and unlocked. It
// returns what go-keyring would, in two round trips to the bus instead of six, which are
// most of what "auth code" waits for. In every other case ok is false, and go-keyring
// has to be asked.
//
// Source: Secret Service API 0.2, Collection.SearchItems and Item.GetSecret.
func (k *SystemKeyring) readUnlocked(ctx context.Context, name string) (value string, ok bool) {
	conn, err := dbus.SessionBus() // the connection that go-keyring shares
	if err != nil {
		return "", false
	}
	// The second question is sent before the first answer has come.
	search := conn.Object(serviceName, loginCollection).
		GoWithContext(ctx, "org.freedesktop.Secret.Collection.SearchItems", 0, make(chan *dbus.Call, 1),
			map[string]string{"username": name, "service": k.o.Service}) // go-keyring's attributes
	session, opened := k.openSession(ctx, conn)
	var items []dbus.ObjectPath
	select {
	case <-ctx.Done():
		return "", false
	case found := <-search.Done:
		if found.Store(&items) != nil || len(items) == 0 || !opened {
			return "", false
		}
	}
	answer := conn.Object(serviceName, items[0]).
		CallWithContext(ctx, "org.freedesktop.Secret.Item.GetSecret", 0, session)
	if answer.Err != nil {
		k.session.Store(nil) // its service may have ended
		return "", false
	}
	return secretOf(answer.Body)
}

// secretOf returns the value in an answer to GetSecret, which is a structure of the
// session, the parameters of its encryption, the value and the value's type. Store would
// copy it byte by byte, by reflection.
func secretOf(body []any) (value string, ok bool) {
	if len(body) != 1 {
		return "", false
	}
	secret, ok := body[0].([]any)
	if !ok || len(secret) != 4 {
		return "", false
	}
	bytes, ok := secret[2].([]byte)
	return string(bytes), ok
}

// openSession returns the session for secrets that readUnlocked reads: unencrypted
// on the bus, like go-keyring's. It ends with the connection.
func (k *SystemKeyring) openSession(ctx context.Context, conn *dbus.Conn) (path dbus.ObjectPath, ok bool) {
	if known := k.session.Load(); known != nil {
		return dbus.ObjectPath(*known), true
	}
	var output dbus.Variant
	err := conn.Object(serviceName, servicePath).
		CallWithContext(ctx, service+".OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &path)
	if err != nil {
		return "", false
	}
	text := string(path)
	k.session.Store(&text)
	return path, true
}

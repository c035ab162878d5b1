//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keyring

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// look reads an item where that takes nothing but reading: the collection "login" is
// there and unlocked, and holds it. It says the same as go-keyring then, in two round
// trips to the bus instead of six, which is most of what "auth code" waits for.
// Whatever else is the case, ok is false, and go-keyring has to find out.
//
// Source: Secret Service API 0.2, Collection.SearchItems and Item.GetSecret.
func (k *SystemKeyring) look(ctx context.Context, name string) (value string, ok bool) {
	conn, err := dbus.SessionBus() // the connection that go-keyring shares
	if err != nil {
		return "", false
	}
	// Both questions are under way before the first answer.
	search := conn.Object(serviceName, loginCollection).
		GoWithContext(ctx, "org.freedesktop.Secret.Collection.SearchItems", 0, make(chan *dbus.Call, 1),
			map[string]string{"username": name, "service": k.o.Service}) // go-keyring's attributes
	session, opened := k.session(ctx, conn)
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
		k.plain.Store(nil) // of a service that has ended, perhaps
		return "", false
	}
	return secretOf(answer.Body)
}

// secretOf returns the value in an answer to GetSecret: a structure of the session, the
// parameters of its encryption, the value and its type. It is not taken by Store, which
// copies a byte at a time by reflection.
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

// session returns the session for secrets that look reads: unencrypted on the bus, as
// go-keyring's. It ends with the connection.
func (k *SystemKeyring) session(ctx context.Context, conn *dbus.Conn) (path dbus.ObjectPath, ok bool) {
	if known := k.plain.Load(); known != nil {
		return dbus.ObjectPath(*known), true
	}
	var output dbus.Variant
	err := conn.Object(serviceName, servicePath).
		CallWithContext(ctx, service+".OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &path)
	if err != nil {
		return "", false
	}
	text := string(path)
	k.plain.Store(&text)
	return path, true
}

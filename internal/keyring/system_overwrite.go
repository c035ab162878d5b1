//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keyring

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"
)

// overwrite gives a new value to an item that is there, in the collection that "default"
// names. done says that no more is to be done: it is written, or it is not known whether it
// is. Where it is false, go-keyring has to be asked.
//
// go-keyring creates an item in place of the one that is there. KeePassXC then asks its
// user in a window, with each change, also where it is set up to ask nothing
// (keepassxc#7623, open in 2.7). It does not ask to set the secret of an item. Where the
// collection is "login", go-keyring writes as ever: that is not KeePassXC.
//
// Source: Secret Service API 0.2, Collection.SearchItems and Item.SetSecret.
func (k *SystemKeyring) overwrite(ctx context.Context, name, value string) (done bool, err error) {
	conn, err := dbus.SessionBus() // the connection that go-keyring shares
	if err != nil || usedCollection(ctx, conn, 0) != defaultCollection {
		return false, nil
	}
	call := func(object dbus.ObjectPath, method string, args ...any) *dbus.Call {
		return conn.Object(serviceName, object).CallWithContext(ctx, method, 0, args...)
	}
	var items []dbus.ObjectPath
	attributes := map[string]string{"username": name, "service": k.o.Service} // go-keyring's
	err = call(defaultCollection, "org.freedesktop.Secret.Collection.SearchItems", attributes).Store(&items)
	if err != nil || len(items) != 1 {
		return false, nil
	}
	var output dbus.Variant
	var session dbus.ObjectPath
	if call(servicePath, service+".OpenSession", "plain", dbus.MakeVariant("")).Store(&output, &session) != nil {
		return false, nil
	}
	defer call(session, "org.freedesktop.Secret.Session.Close")
	err = call(items[0], "org.freedesktop.Secret.Item.SetSecret", secret{
		Session: session, Parameters: []byte{}, Value: []byte(value), Type: "text/plain; charset=utf8",
	}).Err
	if _, refused := errors.AsType[dbus.Error](err); refused {
		return false, nil // it is locked, for one
	}
	return true, err
}

// A secret is the structure of a value on the bus.
//
// Source: Secret Service API 0.2, type Secret.
type secret struct {
	Session    dbus.ObjectPath
	Parameters []byte
	Value      []byte
	Type       string
}

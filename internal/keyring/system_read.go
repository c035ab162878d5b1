//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keyring

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"
)

// A secretReader is a connection to the Secret Service with an open session.
type secretReader struct {
	bus     *busConn
	session dbus.ObjectPath
}

// readUnlocked reads an item of the collection "login" if that is there and unlocked. It
// returns what go-keyring would, in three round trips to the service instead of six, which
// are most of what "auth code" waits for. In every other case ok is false, and go-keyring
// has to be asked.
//
// Source: Secret Service API 0.2, Collection.SearchItems and Item.GetSecret.
func (k *SystemKeyring) readUnlocked(ctx context.Context, name string) (value string, ok bool) {
	r := k.reader.Swap(nil) // another call at the same time connects for itself
	if r == nil {
		bus, err := dialBus(ctx, k.o.Bus)
		if err != nil {
			return "", false
		}
		r = &secretReader{bus: bus}
	}
	value, err := r.read(ctx, k.o.Service, name)
	if err != nil {
		r.bus.conn.Close()
		return "", false
	}
	k.reader.Store(r)
	return value, true
}

// read reads an item. After an error the connection is of no more use.
func (r *secretReader) read(ctx context.Context, service, name string) (string, error) {
	defer r.bus.bind(ctx)()
	search := busCall{
		serviceName, loginCollection, "org.freedesktop.Secret.Collection.SearchItems",
		[]any{map[string]string{"username": name, "service": service}},
	} // go-keyring's attributes
	found, err := r.search(search)
	if err != nil {
		return "", err
	}
	var items []dbus.ObjectPath
	if err := found.decode(&items); err != nil {
		return "", err
	}
	if len(items) == 0 {
		return "", errBus // go-keyring looks for it elsewhere
	}
	serial, err := r.bus.send(busCall{serviceName, items[0], "org.freedesktop.Secret.Item.GetSecret", []any{r.session}})
	if err != nil {
		return "", err
	}
	answer, err := r.bus.receive(serial)
	if err != nil {
		return "", err
	}
	return secretOf(answer)
}

// search sends a search, and in the same piece what has to come before it on a new
// connection: the opening of a session for secrets, which is not encrypted on the bus,
// like go-keyring's.
func (r *secretReader) search(search busCall) (busReply, error) {
	if r.session != "" {
		serial, err := r.bus.send(search)
		if err != nil {
			return busReply{}, err
		}
		return r.bus.receive(serial)
	}
	if err := r.greet(); err != nil {
		return busReply{}, err
	}
	open := busCall{serviceName, servicePath, service + ".OpenSession", []any{"plain", dbus.MakeVariant("")}}
	serial, err := r.bus.send(open, search)
	if err != nil {
		return busReply{}, err
	}
	opened, err := r.bus.receive(serial)
	if err != nil {
		return busReply{}, err
	}
	var output dbus.Variant
	if err := opened.decode(&output, &r.session); err != nil {
		return busReply{}, err
	}
	return r.bus.receive(serial + 1)
}

// greet says hello to the bus, and to the service as [greet] does.
func (r *secretReader) greet() error {
	hello := busCall{"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Hello", nil}
	serial, err := r.bus.send(hello, busCall{serviceName, servicePath, greeting, []any{"default"}})
	if err != nil {
		return err
	}
	if greeted, err := r.bus.receive(serial); err != nil || greeted.failed {
		return errors.Join(errBus, err)
	}
	_, err = r.bus.receive(serial + 1)
	return err
}

// secretOf returns the value in an answer to GetSecret, which is a structure of the
// session, the parameters of its encryption, the value and the value's type: (oayays).
func secretOf(answer busReply) (string, error) {
	if answer.failed {
		return "", errBus // it is locked, for one
	}
	r := busReader{data: answer.body, order: answer.order}
	r.bytes() // the session
	r.byte()  // the zero after it
	r.bytes() // the parameters
	value := r.bytes()
	return string(value), r.err
}

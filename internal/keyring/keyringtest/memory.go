package keyringtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/authcli/auth/internal/keyring"
)

// ErrInjected is the error of [Fail].
var ErrInjected = errors.New("injected fault")

// A Fault is what goes wrong with one operation of a [Memory].
type Fault string

const (
	None        Fault = ""
	Fail        Fault = "fail"         // an error, and nothing is done
	FailAfter   Fault = "fail after"   // done, and an error nevertheless
	Hang        Fault = "hang"         // no answer until the context ends, never done
	Late        Fault = "late"         // as Hang, and done by [Memory.Land]
	Lie         Fault = "lie"          // nil, and nothing is done
	Empty       Fault = "empty"        // nil; a read gives "", a write stores ""
	CrashBefore Fault = "crash before" // the process is gone, nothing done
	CrashAfter  Fault = "crash after"  // done, and the process is gone
)

// An Op is one operation on a [Memory].
type Op struct {
	N    int    // 1 for the first
	Verb string // "get", "set" or "delete"
	Name string
}

// Memory is a keyring in memory. The zero value is ready and has no faults.
// It is safe for concurrent use; set its fields before that.
type Memory struct {
	Max    int            // Limit; 0 is 512 KiB
	Fault  func(Op) Fault // nil is never
	Refuse func(name, value string) (handled bool, err error)

	mu    sync.Mutex
	items map[string]string
	late  []func()
	n     int
}

var _ keyring.Keyring = (*Memory)(nil)

// crash is what a process does in place of going on.
type crash struct{}

// Crashes runs f, which may end in the crash of a process that [CrashBefore]
// and [CrashAfter] stand for, and reports whether it did.
func Crashes(f func()) (crashed bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case crash:
			crashed = true
		default:
			panic(p)
		}
	}()
	f()
	return false
}

// Nth is a [Memory.Fault] that strikes once, at operation n.
func Nth(n int, f Fault) func(Op) Fault {
	return func(op Op) Fault {
		if op.N == n {
			return f
		}
		return None
	}
}

func (m *Memory) Get(ctx context.Context, name string) (value string, err error) {
	err = m.do(ctx, "get", name, func() error {
		v, ok := m.items[name]
		if !ok {
			return keyring.ErrNotFound
		}
		value = v
		return nil
	}, func() {})
	if err != nil {
		value = ""
	}
	return value, err
}

func (m *Memory) Set(ctx context.Context, name, value string) error {
	if len(value) > m.Limit() {
		return keyring.ErrTooBig
	}
	put := func(value string) {
		if m.items == nil {
			m.items = map[string]string{}
		}
		m.items[name] = value
	}
	return m.do(ctx, "set", name, func() error {
		if m.Refuse != nil {
			if handled, err := m.Refuse(name, value); handled {
				return err
			}
		}
		put(value)
		return nil
	}, func() { put("") })
}

func (m *Memory) Delete(ctx context.Context, name string) error {
	return m.do(ctx, "delete", name, func() error {
		delete(m.items, name)
		return nil
	}, func() {})
}

// Limit is Max, or 512 KiB.
func (m *Memory) Limit() int {
	if m.Max == 0 {
		return 512 << 10
	}
	return m.Max
}

// Kind is "system", which a Memory stands in for.
func (m *Memory) Kind() string { return "system" }

// Items is a copy of what is stored.
func (m *Memory) Items() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := map[string]string{}
	maps.Copy(items, m.items)
	return items
}

// Replace stores a value, or removes the item if it is nil, without an
// operation: damage, say.
func (m *Memory) Replace(name string, value *string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value == nil {
		delete(m.items, name)
		return
	}
	m.items[name] = *value
}

// Clone is a Memory without faults that holds the same items.
func (m *Memory) Clone() *Memory { return &Memory{Max: m.Max, Refuse: m.Refuse, items: m.Items()} }

// Ops is the number of operations so far.
func (m *Memory) Ops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

// Land does what the operations that were [Late] asked for.
func (m *Memory) Land() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.late {
		f()
	}
	m.late = nil
}

// do runs one operation, which is what and, for Empty, also blank.
func (m *Memory) do(ctx context.Context, verb, name string, what func() error, blank func()) error {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return fmt.Errorf("name %q", name)
	}
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	m.mu.Lock()
	m.n++
	fault := None
	if m.Fault != nil {
		fault = m.Fault(Op{N: m.n, Verb: verb, Name: name})
	}
	if fault == Hang || fault == Late {
		if fault == Late {
			m.late = append(m.late, func() { _ = what() })
		}
		m.mu.Unlock()
		<-ctx.Done()
		return ended(ctx.Err())
	}
	defer m.mu.Unlock()
	switch fault {
	case Fail:
		return ErrInjected
	case FailAfter:
		_ = what()
		return ErrInjected
	case Lie:
		if verb == "get" { // there is nothing to lie about
			return what()
		}
		return nil
	case Empty:
		if verb != "get" {
			err := what()
			blank()
			return err
		}
		return nil
	case CrashBefore:
		panic(crash{})
	case CrashAfter:
		_ = what()
		panic(crash{})
	}
	return what()
}

// ended is the error of a call whose context has.
func ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", keyring.ErrTimeout, err)
	}
	return err
}

package vault_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/vault"
)

func (m *member) order() (ids []string) {
	for _, a := range m.state.Accounts() {
		ids = append(ids, a.ID)
	}
	return ids
}

func (m *member) wantOrder(ids ...string) {
	m.t.Helper()
	if got := m.order(); !slices.Equal(got, ids) {
		m.t.Errorf("%s shows %q, want %q", m.id, got, ids)
	}
}

// Accounts that one change adds keep the order in which it added them, on every
// device that comes to know them.
func TestImportKeepsItsOrder(t *testing.T) {
	t.Parallel()
	x, y := newMember(t, "x"), newMember(t, "y")
	var want []string
	x.at(0, func(tx *vault.Tx) error {
		for i := range 20 {
			a, err := tx.Add(newAccount("", fmt.Sprintf("Site%d:me", i), fmt.Sprintf("secret %d", i)))
			if err != nil {
				return err
			}
			want = append(want, a.ID)
		}
		return nil
	})
	y.sync(1, x)
	x.sync(2, y)
	x.wantOrder(want...)
	y.wantOrder(want...)
}

// The order that was given last holds; what it does not name follows by creation.
func TestOrdersMerge(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i, id := range []string{"a", "b", "c"} {
		x.add(i, id, "Site "+id+":me", "secret "+id)
	}
	y := x.clone("y")
	x.at(10, func(tx *vault.Tx) error { tx.Move([]string{"c", "b", "a"}); return nil })
	x.add(11, "e", "Site e:me", "secret e")
	y.add(12, "d", "Site d:me", "secret d")
	before := x.clone("x")
	x.sync(20, y)
	y.sync(20, before)
	x.wantOrder("c", "b", "a", "e", "d")
	y.wantOrder("c", "b", "a", "e", "d")
	y.at(30, func(tx *vault.Tx) error { tx.Move([]string{"d"}); return nil })
	x.sync(31, y)
	x.wantOrder("d", "c", "b", "a", "e")
}

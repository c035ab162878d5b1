package vault_test

import (
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/vault"
)

// A member is one of several devices. Its clock is the minutes since start that a
// change is said to happen at.
type member struct {
	t     *testing.T
	id    string
	state *vault.State
}

func newMember(t *testing.T, id string) *member {
	return &member{t, id, &vault.State{ID: "vault-" + id}}
}

// at makes a change as a write of the vault does.
func (m *member) at(minute int, change func(tx *vault.Tx) error) {
	m.t.Helper()
	tx := &vault.Tx{State: m.state, Now: start.Add(time.Duration(minute) * time.Minute), Device: m.id}
	if err := change(tx); err != nil {
		m.t.Fatalf("%s at %d: %v", m.id, minute, err)
	}
	tx.Close()
}

// add adds an account and returns its id.
func (m *member) add(minute int, id, label, secret string) string {
	m.t.Helper()
	m.at(minute, func(tx *vault.Tx) error {
		_, err := tx.AddBeside(newAccount(id, label, secret))
		return err
	})
	return id
}

// sync merges the backups of others, as they are read from files.
func (m *member) sync(minute int, others ...*member) (report vault.MergeReport) {
	m.t.Helper()
	for _, other := range others {
		m.at(minute, func(tx *vault.Tx) error {
			report = tx.Merge(copied(other.state.Portable()))
			return nil
		})
	}
	return report
}

// clone returns a device that holds the same vault under an id of its own.
func (m *member) clone(id string) *member {
	return &member{m.t, id, copied(m.state)}
}

func (m *member) account(query string) vault.Account {
	m.t.Helper()
	a, err := m.state.Find(query, true)
	if err != nil {
		m.t.Fatalf("%s: %v", m.id, err)
	}
	return a
}

// live returns the shown labels, sorted.
func (m *member) live() []string {
	var labels []string
	for _, a := range m.state.Accounts() {
		labels = append(labels, a.Shown)
	}
	slices.Sort(labels)
	return labels
}

func (m *member) wantLive(labels ...string) {
	m.t.Helper()
	if got := m.live(); !slices.Equal(got, labels) {
		m.t.Errorf("%s has %q, want %q", m.id, got, labels)
	}
}

// trash returns "id secret" of each secret in the trash, sorted.
func (m *member) trash() []string {
	list := []string{}
	for _, d := range m.state.Trash {
		list = append(list, d.ID+" "+string(d.Credential.Secret.Reveal()))
	}
	slices.Sort(list)
	return list
}

func (m *member) wantTrash(entries ...string) {
	m.t.Helper()
	if got := m.trash(); !slices.Equal(got, append([]string{}, entries...)) {
		m.t.Errorf("%s has %q in the trash, want %q", m.id, got, entries)
	}
}

func newAccount(id, label, secret string) account.Account {
	a := account.Account{ID: id, Credential: account.Default(account.TOTP)}
	a.Issuer, a.Name = account.SplitLabel(label)
	if secret == "" {
		a.Credential = account.Credential{Type: account.TOTP}
	} else {
		a.Secret = account.NewSecret([]byte(secret))
	}
	return a
}

func credential(secret string) account.Credential { return newAccount("", "", secret).Credential }

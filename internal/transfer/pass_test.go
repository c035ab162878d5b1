package transfer_test

import (
	"testing"

	"github.com/authcli/auth/internal/transfer"
)

// Where an entry names nobody, its path does; folders count below a password store.
func TestPassEntryIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	for path, label := range map[string]string{
		"alice.txt":         "alice",
		"/tmp/x/alice.gpg":  "alice",
		"-":                 "pass entry",
		"github.com/alice":  "alice",
		`C:\Users\me\alice`: "alice",
		"/home/me/.password-store/github.com/alice.gpg":     "github.com:alice",
		"/home/me/.password-store/web/github.com/alice.gpg": "github.com:alice",
		"/home/me/.password-store/alice.gpg":                "alice",
	} {
		b, err := transfer.Read(t.Context(), []transfer.File{{Name: path, Data: []byte("hunter2\ntotp: AAAA\n")}}, transfer.ReadOptions{})
		if err != nil || len(b.Accounts) != 1 || b.Accounts[0].Label() != label {
			t.Errorf("%s: %v, %v; want %s", path, b.Accounts, err, label)
		}
	}
	b, err := transfer.Read(t.Context(), []transfer.File{{Name: "x", Data: []byte("hunter2\nhotp: AAAAAAAA\n")}}, transfer.ReadOptions{})
	if err != nil || len(b.Accounts) != 1 || b.Accounts[0].Type != "hotp" || len(b.Warnings) != 1 {
		t.Errorf("hotp: %v, %v", b, err)
	}
}

package backup_test

import (
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
)

// The names of Key.Seal, with what a sync client adds, and no others.
func TestSealedKeyID(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"recovery-0123456789abcdef-01234567.age":                              "0123456789abcdef",
		"recovery-0123456789abcdef-01234567 (conflicted copy 2026-03-01).age": "0123456789abcdef",
		"recovery-0123456789abcdef-01234567.sync-conflict-20260301-AB.age":    "0123456789abcdef",
		"recovery-0123456789abcdef-01234567":                                  "",
		"recovery-0-0.age":                                                    "",
		"recovery-.age":                                                       "",
		"recovery-0123456789ABCDEF-01234567.age":                              "",
		"recovery-0123456789abcdef.age":                                       "",
		"recovery-0123456789abcdef-0123456.age":                               "",
		"x/recovery-0123456789abcdef-01234567.age":                            "",
		"recovery-../0123456789abc-01234567.age":                              "",
		"0123456789abcdef-20260301T120000Z-1-0123456789abcdef.age":            "",
		"": "",
	} {
		if id, ok := backup.SealedKeyID(name); id != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, id, ok, want)
		}
	}
}

// An enrolment that an earlier version stored with a hostile name is rid of it.
func TestEnrolmentDropsHostileNames(t *testing.T) {
	t.Parallel()
	e := backup.Enrolment{Location: "/x", On: true, Key: newKey(t)}
	good := sealedAs(&e, 1)
	e.AddSealed(backup.SealedKey{Name: "../../x", Hash: good.Hash, Retired: true})
	text, err := e.Encode()
	if err != nil || !strings.Contains(text, "../../x") {
		t.Fatal(text, err)
	}
	e, err = backup.ParseEnrolment(text)
	if err != nil || len(e.Sealed) != 1 || e.Sealed[0] != good {
		t.Errorf("%+v, %v", e.Sealed, err)
	}
}

// A backup that lists more than any device ever makes is read in part: the newest.
func TestBackupListsAreBounded(t *testing.T) {
	t.Parallel()
	e := backup.Enrolment{Key: newKey(t)}
	c := backup.Content{Device: "0123456789abcdef", Created: noon, State: example(t)}
	for n := range 1000 {
		c.Sealed = append(c.Sealed, sealedAs(&e, n))
		c.OldKeys = append(c.OldKeys, e.Key.Text())
	}
	payload, err := backup.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := backup.Decode(payload)
	if err != nil || len(got.OldKeys) > 500 || len(got.Sealed) > 500 || got.Sealed[len(got.Sealed)-1] != c.Sealed[999] {
		t.Errorf("%d sealed keys and %d old keys are read, with %v", len(got.Sealed), len(got.OldKeys), err)
	}
}

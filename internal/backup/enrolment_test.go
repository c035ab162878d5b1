package backup_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// windowsItem is the most bytes of an item in the smallest keyring, with room for none more.
const windowsItem = 2500

func newKey(t *testing.T) backup.RecoveryKey {
	t.Helper()
	key, err := backup.NewRecoveryKey(false)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// kept returns an enrolment as it is read from its item, which has to fit any keyring.
func kept(t *testing.T, e backup.Enrolment) backup.Enrolment {
	t.Helper()
	text, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > windowsItem {
		t.Fatalf("the item has %d bytes: %d sealed keys, %d old keys", len(text), len(e.Sealed), len(e.OldKeys))
	}
	again, err := backup.ParseEnrolment(text)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// sealedAs notes a new sealed key of the current recovery key.
func sealedAs(e *backup.Enrolment, n int) backup.SealedKey {
	k := backup.SealedKey{Name: fmt.Sprintf("recovery-%s-%08x.age", e.Key.ID(), n), Hash: fmt.Sprintf("%032x", n)}
	e.AddSealed(k)
	return k
}

// A device of an item of 2,500 bytes can change its passphrase and rotate its key for
// ever, and its backups list every key there was.
func TestEnrolmentFitsForEver(t *testing.T) {
	t.Parallel()
	loc, err := location.Parse(t.TempDir(), location.Options{Dir: "/", Wait: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]func(e backup.Enrolment, n int) backup.Enrolment{
		"passphrases": func(e backup.Enrolment, n int) backup.Enrolment {
			for i := range e.Sealed {
				e.Sealed[i].Retired = true
			}
			return e
		},
		"rotations": func(e backup.Enrolment, n int) backup.Enrolment { return e.Rotated(newKey(t), int64(n)) },
	} {
		t.Run(name, func(t *testing.T) {
			e := backup.Enrolment{Location: loc.String(), On: true, Key: newKey(t)}
			first := sealedAs(&e, 0)
			var written backup.Written
			var sealed, old []string
			for n := 1; n <= 30; n++ {
				e = step(e, n)
				newest := sealedAs(&e, n)
				job := e
				e = kept(t, e)
				if at := slices.IndexFunc(e.Sealed, func(k backup.SealedKey) bool { return k.Name == newest.Name }); at < 0 || e.Sealed[at].Retired {
					t.Fatalf("%d: the sealed key in use is not kept", n)
				}
				entries, err := loc.List(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				content := writtenBy(t, backup.Job{
					Location: loc, Enrolment: job, Written: written, Device: "0123456789abcdef", Generation: uint64(n),
					State: example(t), Now: noon, Entries: entries, Record: func(w backup.Written) error { written = w; return nil },
				})
				sealed, old = sealedNames(content.Sealed), content.OldKeys
				// A rotation begins with what the location's backups list, as Device.Rotate does.
				for _, k := range content.Sealed {
					if name == "rotations" {
						e.AddSealed(k)
					}
				}
				for _, text := range content.OldKeys {
					key, err := backup.ParseRecoveryKey(text)
					if err != nil {
						t.Fatal(err)
					}
					e.AddOldKey(key)
				}
			}
			if len(sealed) != 31 || !slices.Contains(sealed, first.Name) {
				t.Errorf("the newest backup lists %d sealed keys, want 31", len(sealed))
			}
			if name == "rotations" && len(old) != 30 {
				t.Errorf("the newest backup lists %d keys before the current one, want 30", len(old))
			}
		})
	}
}

func sealedNames(keys []backup.SealedKey) (list []string) {
	for _, k := range keys {
		list = append(list, k.Name)
	}
	return list
}

// writtenBy runs a job, and reads the backup that it wrote. What it says of sealed keys
// that are not there is no matter here.
func writtenBy(t *testing.T, job backup.Job) backup.Content {
	t.Helper()
	job.SealedBytes = func(string) ([]byte, error) { return nil, fmt.Errorf("none") }
	done, err := job.Run(t.Context())
	if done.File == "" {
		t.Fatal(err)
	}
	data, err := job.Location.Read(t.Context(), done.File)
	if err != nil {
		t.Fatal(err)
	}
	content, err := backup.Open(data, job.Enrolment.Key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Where no earlier key fits the item any more, the next backup still lists those that the
// one before it lists.
func TestEnrolmentWithoutRoomForKeys(t *testing.T) {
	t.Parallel()
	s, old := newShelf(t), newKey(t)
	w := newWriter(t, "a", old)
	w.e.Location = "/" + strings.Repeat("x", 2200)
	w.e = w.e.Rotated(newKey(t), 1)
	w.run(s)
	w.e = kept(t, w.e)
	if len(w.e.OldKeys) > 0 {
		t.Fatalf("%d earlier keys fit", len(w.e.OldKeys))
	}
	for range 3 {
		if c := s.content(w.add(vault.NewID()).run(s), w.e.Key); !slices.Equal(c.OldKeys, []string{old.Text()}) {
			t.Errorf("the backup lists %d earlier keys", len(c.OldKeys))
		}
		w.e = kept(t, w.e)
	}
}

// Fields of a later version survive a rewrite, a rotation too.
func TestEnrolmentKeepsLaterFields(t *testing.T) {
	t.Parallel()
	text, err := backup.Enrolment{Location: "/cloud", On: true, Key: newKey(t)}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := backup.ParseEnrolment(strings.Replace(text, "{", `{"widgets":{"a":[1,2]},`, 1))
	if err != nil {
		t.Fatal(err)
	}
	for how, e := range map[string]backup.Enrolment{"rewritten": e, "rotated": e.Rotated(newKey(t), 1)} {
		if text, err := e.Encode(); err != nil || !strings.Contains(text, `"widgets":{"a":[1,2]}`) {
			t.Errorf("%s: %v, %s", how, err, text)
		}
	}
}

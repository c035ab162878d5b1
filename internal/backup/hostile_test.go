package backup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/vault"
)

// A signature is over every byte: one that is moved to another payload, cut off, in upper case or of zeros is none.
func TestSignatureElsewhere(t *testing.T) {
	t.Parallel()
	key := newRecoveryKey(t)
	payload, err := key.Encode(backup.Content{Device: "d", Created: noon, State: example(t)})
	if err != nil {
		t.Fatal(err)
	}
	data := string(payload)
	line, rest, _ := strings.Cut(data, "\n")
	for what, bad := range map[string]string{
		"another payload": line + "\n" + strings.Replace(rest, `"live"`, `"evil"`, 1),
		"padding":         line + "\n" + strings.Replace(rest, `  "}`, ` 0"}`, 1),
		"upper case":      strings.ToUpper(line[:20]) + data[20:],
		"moved":           "{" + rest[:20] + line + rest[20:],
		"cut":             line[:40] + line[41:] + "\n" + rest,
		"zeros":           `{"mac":"` + strings.Repeat("0", 64) + "\",\n" + rest,
		"none":            "{\n" + rest,
		"more":            data + " ",
	} {
		if bad == data {
			t.Errorf("%s: this test shows nothing", what)
		}
		if key.Signed([]byte(bad)) {
			t.Errorf("%s: it is taken for valid", what)
		}
	}
}

// A sealed key that is cut or altered at any byte opens nothing, and is an error of its own kind.
func TestDamagedSealedKey(t *testing.T) {
	t.Parallel()
	key := newRecoveryKey(t)
	_, data, err := key.Seal(backup.Sealing{Passphrase: "pass", WorkFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	id, err := backup.PassphraseIdentity("pass")
	if err != nil {
		t.Fatal(err)
	}
	for at := range data {
		flipped := bytes.Clone(data)
		flipped[at] ^= 1 << (at % 8)
		for _, bad := range [][]byte{data[:at], flipped} {
			// An altered digit of the work factor may ask for seconds of scrypt, which is no matter of this test.
			if header, _, _ := bytes.Cut(bad, []byte("\n--- ")); bytes.Contains(header, []byte(" scrypt ")) && !bytes.Contains(header, []byte(" 4\n")) {
				continue
			}
			got, err := backup.UnsealKey(bad, id)
			if err == nil || !got.IsZero() {
				t.Fatalf("damaged at byte %d of %d it opens", at, len(data))
			}
			if !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrForeign) && !errors.Is(err, backup.ErrWrongKey) && !errors.Is(err, backup.ErrWorkFactor) {
				t.Fatalf("damaged at byte %d of %d: %v", at, len(data), err)
			}
		}
	}
}

// A location full of files that open and are nonsense inside: each is told what it is, none makes a reader panic, and what is
// whole is found beside them, also where unsigned files are accepted.
func TestHostileContent(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	good := w.run(s)
	payload, err := backup.Unseal([]byte(s.files[good]), key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(payload, &whole); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{
		"version", "device", "device_name", "generation", "created", "accounts", "name_only", "vault", "removed", "order", "ordered",
		"supersedes", "sealed", "old_keys", "old_files",
	} {
		for i, value := range []string{
			"null", "[null]", `[{}]`, `{"":null}`, `"x"`, "-1", "[[]]", `[{"record":null}]`, `[{"record":{"id":""}}]`,
			`{"version":1,"vault":"x","accounts":[null]}`, `{"version":1,"vault":"x","accounts":[{"id":"a"}],"trash":[null]}`,
		} {
			object := maps.Clone(whole)
			object[field] = json.RawMessage(value)
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			s.put(fmt.Sprintf("bad-%s-%d.age", field, i), key, text)
		}
	}
	inv := s.take(key)
	for _, f := range inv.Files {
		if f.Name != good && f.State == backup.Good {
			t.Errorf("%s is good", f.Name)
		}
	}
	if newest := inv.Newest(time.Time{}, false); len(newest) != 1 || names(backup.Merge(newest)) != "account of a" {
		t.Errorf("the newest are %v", newest)
	}
	merged := backup.Merge(inv.Newest(time.Time{}, true))
	here := change(t, new(vault.State), func(tx *vault.Tx) error {
		_, err := backup.Restore(tx, merged, backup.Options{Deleted: true})
		return err
	})
	if !strings.Contains(names(here), "account of a") {
		t.Errorf("with those that are unsigned there is %s", names(here))
	}
}

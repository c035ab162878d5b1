package backup_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/testenv"
)

// printed returns a new key and its groups as they are printed.
func printed(t *testing.T, x25519 bool) (key backup.RecoveryKey, begin string, groups []string) {
	t.Helper()
	key, err := backup.NewRecoveryKey(x25519)
	if err != nil {
		t.Fatal(err)
	}
	lines := key.Lines()
	return key, lines[0], strings.Fields(strings.Join(lines[1:], " "))
}

// typed returns the identity that a file with text is.
func typed(text string) (backup.RecoveryKey, error) {
	ids, err := backup.IdentityFile{Data: []byte(text)}.Identities()
	if err != nil {
		return backup.RecoveryKey{}, err
	}
	key, ok := backup.AsRecoveryKey(ids...)
	if !ok {
		return key, errors.New("not one recovery key")
	}
	return key, nil
}

// What a person types is the key, whatever its case and wherever its lines and groups end.
func TestTypedKey(t *testing.T) {
	t.Parallel()
	for _, x25519 := range []bool{false, true} {
		key, begin, groups := printed(t, x25519)
		if got := begin + strings.Join(groups, ""); got != key.Text() {
			t.Fatalf("the lines say another key than the text")
		}
		full := strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f {
				return r + '！' - '!'
			}
			return r
		}, key.Text())
		for name, text := range map[string]string{
			"as it is":            key.Text(),
			"lower case":          strings.ToLower(key.Text()),
			"as it is printed":    strings.Join(key.Lines(), "\n"),
			"in groups":           strings.ToLower(begin + " " + strings.Join(groups, " ")),
			"a group a line":      begin + "\r\n" + strings.Join(groups, "\r\n") + "\r\n",
			"hyphens":             begin + "-" + strings.Join(groups, "-"),
			"no hyphens":          strings.ReplaceAll(key.Text(), "-", ""),
			"other hyphens":       strings.ReplaceAll(key.Text(), "-", "–"),
			"comments around":     "# the sheet\n\n  " + strings.ToLower(key.Text()) + "  \n# its end",
			"letters that look":   begin + strings.NewReplacer("0", "o", "8", "B", "L", "i").Replace(strings.Join(groups, "")),
			"full width":          full,
			"a wrong beginning":   strings.Replace(key.Text(), "SECRET", "SECERT", 1),
			"a byte order mark":   "\ufeff" + key.Text(),
			"a no-break space in": begin + "\u00a0" + strings.Join(groups, "\u00a0"),
		} {
			if got, err := typed(text); err != nil || got.ID() != key.ID() {
				t.Errorf("x25519 %v, %s: %v", x25519, name, err)
			}
		}
		if got, err := backup.ParseTypedKey(strings.ToLower(strings.Join(key.Lines(), "\n"))); err != nil || got.ID() != key.ID() {
			t.Errorf("ParseTypedKey: %v", err)
		}
	}
}

// Each wrong character, and each two that changed places, is found by its group. More of
// them are an error, and never another key.
func TestTypedKeyWrong(t *testing.T) {
	t.Parallel()
	random := testenv.Rand(t)
	const chars = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L?"
	for _, x25519 := range []bool{false, true} {
		_, begin, groups := printed(t, x25519)
		data := []byte(strings.Join(groups, ""))
		check := func(what string, data []byte, want backup.TypingError) {
			t.Helper()
			_, err := typed(begin + string(data))
			var wrong *backup.TypingError
			if !errors.As(err, &wrong) || *wrong != want {
				t.Errorf("%s: %v, want %v", what, err, &want)
			}
		}
		for i := range data {
			other := chars[random.IntN(len(chars))]
			if other == data[i] {
				other = '?'
			}
			wrong := append([]byte{}, data...)
			wrong[i] = other
			check(fmt.Sprintf("character %d", i), wrong, backup.TypingError{Group: i/4 + 1})
			check(fmt.Sprintf("without character %d", i), append(append([]byte{}, data[:i]...), data[i+1:]...), backup.TypingError{Extra: -1})
			if i > 0 && data[i] != data[i-1] {
				wrong = append([]byte{}, data...)
				wrong[i-1], wrong[i] = wrong[i], wrong[i-1]
				check(fmt.Sprintf("characters %d and %d", i-1, i), wrong, backup.TypingError{Group: (i-1)/4 + 1})
			}
		}
		check("two more", append(append([]byte{}, data...), "QQ"...), backup.TypingError{Extra: 2})
		check("nothing", nil, backup.TypingError{Extra: -58})
		for range 100 {
			wrong := append([]byte{}, data...)
			for _, i := range random.Perm(len(data))[:3] {
				wrong[i] = chars[(strings.IndexByte(chars, wrong[i])+1+random.IntN(31))%32]
			}
			check("three characters", wrong, backup.TypingError{})
		}
	}
}

// What is no recovery key is not said to be a mistyped one, and no error has a key in it.
func TestTypedKeyForeign(t *testing.T) {
	t.Parallel()
	key, _, groups := printed(t, false)
	for name, text := range map[string]string{
		"nothing":      "",
		"comments":     "# a sheet\n",
		"words":        "the quick brown fox",
		"a recipient":  key.Recipient(),
		"a plugin":     "AGE-PLUGIN-YUBIKEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
		"a passphrase": "agreed-ancient-badger-basin-cactus-cobalt-dagger-ember-fathom-garnet",
	} {
		if _, err := typed(text); !errors.Is(err, backup.ErrIdentityFile) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := backup.ParseTypedKey(text); !errors.Is(err, backup.ErrRecoveryKey) {
			t.Errorf("%s, typed: %v", name, err)
		}
	}
	_, err := typed(strings.Replace(key.Text(), groups[3], "????", 1))
	if err == nil {
		t.Fatal("a key with four wrong characters is taken")
	}
	for _, group := range groups {
		if strings.Contains(err.Error(), group) {
			t.Errorf("the error shows a part of the key: %v", err)
		}
	}
	// Two keys in a file are two, each as it was typed.
	other, _, _ := printed(t, true)
	ids, err := backup.IdentityFile{Data: []byte(strings.ToLower(strings.Join(key.Lines(), "\n") + "\n" + other.Text()))}.Identities()
	if err != nil || len(ids) != 2 {
		t.Errorf("two keys: %d, %v", len(ids), err)
	}
}

// On the sheet the key's beginning has a line of its own, and somebody who types the groups
// alone has typed the key.
func TestTypedKeyWithoutItsBeginning(t *testing.T) {
	t.Parallel()
	for _, x25519 := range []bool{false, true} {
		key, _, groups := printed(t, x25519)
		lines := strings.ToLower(strings.Join(key.Lines()[1:], "\n"))
		got, err := typed(lines)
		if err != nil || got.ID() != key.ID() {
			t.Errorf("x25519 %v: %v", x25519, err)
		}
		text := ""
		for i, have := range []int{20, 40, 58} {
			text += key.Lines()[1+i] + "\n"
			if got, left, ok := backup.Typed(text); got != have || left != 58-have || !ok {
				t.Errorf("after line %d: %d, %d, %v", i, got, left, ok)
			}
		}
		wrong := []byte(strings.Join(groups, ""))
		if wrong[50] != 'Q' {
			wrong[50] = 'Q'
		} else {
			wrong[50] = 'P'
		}
		for text, want := range map[string]backup.TypingError{
			string(wrong):                            {Group: 13},
			strings.Join(groups[:len(groups)-1], ""): {Extra: -2},
		} {
			_, err := typed(text)
			var mistyped *backup.TypingError
			if !errors.As(err, &mistyped) || *mistyped != want {
				t.Errorf("x25519 %v: %v, want %v", x25519, err, &want)
			}
		}
		if _, err := typed(strings.Join(groups[:3], "")); !errors.Is(err, backup.ErrIdentityFile) {
			t.Errorf("three groups: %v", err)
		}
	}
}

func TestTypedSoFar(t *testing.T) {
	t.Parallel()
	key, _, _ := printed(t, false)
	text := ""
	for i, want := range [][2]int{{0, 58}, {20, 38}, {40, 18}, {58, 0}} {
		text += strings.ToLower(key.Lines()[i]) + "\n"
		if have, left, ok := backup.Typed(text); have != want[0] || left != want[1] || !ok {
			t.Errorf("after line %d: %d, %d, %v", i, have, left, ok)
		}
	}
	if _, _, ok := backup.Typed("ssh-ed25519 AAAA"); ok {
		t.Error("another text is the beginning of a key")
	}
}

func FuzzTypedKey(f *testing.F) {
	for _, seed := range []string{"", "AGE-SECRET-KEY-PQ-1", "age secret key 1qqqq", "AGE-SECRET-KEY-1" + strings.Repeat("Q", 58), "# x\nAGE"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := backup.ParseTypedKey(text)
		var wrong *backup.TypingError
		switch {
		case err == nil && key.IsZero():
			t.Error("no key and no error")
		case err != nil && !errors.As(err, &wrong) && !errors.Is(err, backup.ErrRecoveryKey):
			t.Errorf("error %v", err)
		}
		_, _, _ = backup.Typed(text)
	})
}

// Attack: an identity file of a million bytes in lines of one character, which took 43 seconds
// when each line copied those before it. The memory that is taken grows with the file alone.
// Other tests would take some too: this one is not parallel.
func TestTypedKeyOfManyLines(t *testing.T) {
	text := strings.Repeat("a\n", 20_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := backup.ParseTypedKey(text)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, backup.ErrRecoveryKey) || took > 100*uint64(len(text)) {
		t.Errorf("%d bytes take %d bytes of memory, with %v", len(text), took, err)
	}
}

package passphrase_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/authcli/auth/internal/passphrase"
)

// Two generated passphrases differ, have ten words, and are not weak.
func TestNew(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	for range 100 {
		p := passphrase.New()
		if made[p] || strings.Count(p, "-") != 9 || passphrase.Weak(p) {
			t.Errorf("made one of %d letters, weak %v, again %v", len(p), passphrase.Weak(p), made[p])
		}
		made[p] = true
	}
}

// Case, hyphens, spaces and line breaks of a generated passphrase do not matter. Other
// texts are not changed.
func TestGenerated(t *testing.T) {
	t.Parallel()
	for range 20 {
		p := passphrase.New()
		for _, typed := range []string{
			p, strings.ToUpper(p), strings.ReplaceAll(p, "-", " "), " " + strings.ReplaceAll(p, "-", " - ") + "\r\n",
			strings.Replace(p, "-", "\n", 5), strings.ReplaceAll(p, "-", "\u2013"), strings.ReplaceAll(p, "-", "\u00a0"),
		} {
			if got, ok := passphrase.Generated(typed); !ok || got != p {
				t.Errorf("%q is taken for %q, %v", typed, got, ok)
			}
		}
		first, rest, _ := strings.Cut(p, "-")
		for _, typed := range []string{
			rest, p + "-zoo", strings.ReplaceAll(p, "-", ""), strings.ReplaceAll(p, "-", "_"), "x" + p, rest + "-" + first + "s",
		} {
			if got, ok := passphrase.Generated(typed); ok {
				t.Errorf("%q is taken for %q", typed, got)
			}
		}
	}
	for _, typed := range []string{"", "-", "a b c d e f g h i j", "correct horse battery staple"} {
		if got, ok := passphrase.Generated(typed); ok {
			t.Errorf("%q is taken for %q", typed, got)
		}
	}
}

// Passphrases that people choose are weak: those that once passed, and those that
// published lists and papers on guessing name.
func TestWeak(t *testing.T) {
	t.Parallel()
	for what, list := range map[string][]string{
		"these passed":       {"password12345678", "qwertyuiopasdfgh", "1234567890123456", "abcdefghabcdefgh", "short", "pw"},
		"nothing, or little": {"", " ", "x", "xK9#mP2$", "Tr0ub4dor&3"}, // the last one is from xkcd 936
		"lists of the most common passwords (NordPass, SplashData, Have I Been Pwned)": {
			"123456", "password", "qwerty123", "1q2w3e4r5t", "iloveyou", "admin123456", "123456789012345678901234567890",
			"1qaz2wsx3edc4rfv", "1q2w3e4r5t6y7u8i9o0p", "qwertyuiopasdfghjklzxcvbnm", "zaq12wsxcde34rfv", "1234567890qwertyuiop",
			"passwordpassword", "iloveyouforever", "letmeinletmein123", "liverpoolfootballclub",
		},
		"keyboards (qwerty, qwertz, azerty, dvorak, digits)": {
			"QWERTYUIOPASDFGH", "zxcvbnm,./asdfgh", "qwertzuiopasdfgh", "azertyuiopqsdfgh", "',.pyfgcrlaoeuidhtns", "789456123789456123", "!@#$%^&*()_+QWERTYUIOP",
		},
		"sequences and counting": {
			"abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkj", "0123456789abcdef", "12345678910111213", "9876543210987654", "acegikmoqsuwy135",
			"1-2-3-4-5-6-7-8-9-10-11-12",
		},
		"repetitions":     {"aaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababab", "asdfasdfasdfasdf", "xK9#xK9#xK9#xK9#xK9#", strings.Repeat("horse ", 20), strings.Repeat("abandon-", 10)},
		"dates":           {"24.12.1999 25.12.1999", "1999-12-24/2001-01-01", "31121999password", "January2024!January", "Summer2024Summer2024"},
		"names and words": {"MichaelMichael1984", "JenniferAndJason", "DragonMonkeyShadow", "sunshineprincess1"},
		"disguised":       {"P@ssw0rd12345678", "drowssap87654321", "p-a-s-s-w-o-r-d-1-2-3-4", "p1a2s3s4w5o6r7d8", "L3tM31n!L3tM31n!", "PASSWORD!PASSWORD!"},
		"one letter repeated by hand in another alphabet": {"ааааааааааааааааааааа", "あああああああああああああああああ"},
	} {
		for _, p := range list {
			if !passphrase.Weak(p) {
				t.Errorf("%s: %q is not weak", what, p)
			}
		}
	}
}

// Passphrases that cannot be guessed are accepted: words chosen by dice, personal
// sentences, and the output of password managers, in any script.
func TestNotWeak(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"correct horse battery staple", "another horse, another staple", "a third horse and its own staple",
		"caller fidelity nomad lattice", "salvage-gazelle-hymnal-torque",
		"xK9#mP2$vL7@nQ4wZ", "hG7tRw2LxVb9QzNc4", "e3b0c44298fc1c149afbf4c8996fb924",
		"Mein Hund heißt Bello und bellt laut", "正しい馬、電池、留め具", "верная лошадь, скрепка и батарейка",
		"xK9#mP2$vL7@nQ4wZ" + strings.Repeat("k", 1<<16), // a long one takes no longer than a short one
	} {
		if passphrase.Weak(p) {
			t.Errorf("%.50q is weak", p)
		}
	}
}

// Any five letters are weak, and nothing panics.
func FuzzWeak(f *testing.F) {
	for _, seed := range []string{"", "password1", "\xff\x00", "q1w2e3r4", "24.12.1999", "日本", "11111111-2222"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if len(p) > 200 {
			return
		}
		if !passphrase.Weak(p) && utf8.RuneCountInString(p) < 6 {
			t.Errorf("%q is not weak", p)
		}
		if got, ok := passphrase.Generated(p); ok && strings.Count(got, "-") != 9 {
			t.Errorf("%q is taken for %q", p, got)
		}
	})
}

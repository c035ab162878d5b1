package transfer_test

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/transfer"
)

// written returns the formats that can be written.
func written() []transfer.Format {
	return slices.DeleteFunc(transfer.Formats(), func(f transfer.Format) bool { return f.Write == nil })
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// randomAccount makes an account of any type with odd texts in it.
func randomAccount(dice *mathrand.Rand, i int) account.Account {
	pick := func(choices ...string) string { return choices[dice.IntN(len(choices))] }
	kind := []account.Type{account.TOTP, account.TOTP, account.TOTP, account.HOTP, account.Steam, account.MOTP, account.Yandex}[dice.IntN(7)]
	a := account.Account{
		Issuer:     pick("GitHub", "Air Canada", "A:B", "100%", "Пример", "例え", `Quo"ted, Inc`, "a+b", "x&y=z", "Steam", "<b>", "semi;colon", "O'Neil"),
		Name:       pick("", fmt.Sprintf("user%d", i), "alice@example.com", "with space", "x:y", "a+b@x", "#EXT#", "50%25", "ünï", "a/b?c", `back\slash`, "a,b;c", "=cmd"),
		Credential: account.Default(kind),
	}
	if dice.IntN(8) == 0 {
		a.Issuer, a.Name = "", "alone"
	}
	secret := make([]byte, 5+dice.IntN(40))
	for i := range secret {
		secret[i] = byte(dice.Uint32())
	}
	switch kind {
	case account.TOTP, account.HOTP:
		a.Digits = []int{5, 6, 7, 8, 9, 10}[dice.IntN(6)]
		a.Algorithm = []account.Algorithm{account.SHA1, account.SHA256, account.SHA512}[dice.IntN(3)]
		if kind == account.TOTP {
			a.Period = []int{1, 10, 30, 30, 60, 90, 86400, 100000}[dice.IntN(8)]
		} else {
			a.Counter = []uint64{0, 1, 7, 1 << 31, 1 << 40, 1<<63 - 1, 1<<64 - 1}[dice.IntN(7)]
		}
	case account.MOTP:
		secret = []byte(pick("e3152afee62599c8", "ABCDEF0123", "not hex"))
		a.PIN = account.NewSecret([]byte(pick("", "1234")))
	case account.Yandex:
		a.PIN = account.NewSecret([]byte(pick("", "1234", "5210481216086702")))
	}
	a.Secret = account.NewSecret(secret)
	for _, tag := range []string{"Größe", "Work", "a/b", transfer.Favourite, "x y"} {
		if dice.IntN(5) == 0 {
			a.Tags = append(a.Tags, tag)
		}
	}
	if dice.IntN(3) == 0 {
		a.Note = pick("a note", "two\nlines", `"quoted"`, "ends with ünï")
	}
	return a
}

// canHold returns a as a format keeps it: without what Output.Dropped names.
func canHold(f transfer.Format, a account.Account) account.Account {
	star := slices.Contains(a.Tags, transfer.Favourite)
	tags := slices.DeleteFunc(slices.Clone(a.Tags), func(tag string) bool { return tag == transfer.Favourite })
	if f.Holds.Tags != transfer.AnyTags {
		tags = tags[:min(len(tags), f.Holds.Tags)]
	}
	if star && (f.Holds.Star || f.Holds.Tags == transfer.AnyTags) {
		tags = append(tags, transfer.Favourite)
	}
	slices.Sort(tags)
	a.Tags = tags
	if !f.Holds.Note {
		a.Note = ""
	}
	if f.Name == "proton" && a.Type == account.Steam {
		a.Issuer = "Steam"
		if a.Name == "Steam" {
			a.Name = ""
		}
	}
	return a
}

func same(a, b account.Account) bool {
	return a.Issuer == b.Issuer && a.Name == b.Name && a.Note == b.Note && slices.Equal(a.Tags, b.Tags) &&
		a.Credential.Equal(b.Credential) && a.Counter == b.Counter && a.Alias == b.Alias && a.DeviceBound == b.DeviceBound
}

// read reads an export back, as a file or as the texts of codes.
func read(t *testing.T, out transfer.Output, phrase string) transfer.Batch {
	t.Helper()
	if out.Texts != nil {
		b, err := transfer.ReadTexts(out.Texts)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, err := transfer.Read(context.Background(), []transfer.File{{Name: "export", Data: out.Data}}, transfer.ReadOptions{
		Passphrase: func(context.Context) (string, error) { return phrase, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is written is read back as it was: export → import is the identity for every
// account that the format can express, recognised by content, plain and sealed.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, f := range written() {
		for _, phrase := range []string{"", "corréct horse"} {
			if phrase == "" && !f.Holds.Plain || phrase != "" && !f.Holds.Sealed {
				continue
			}
			t.Run(f.Name+map[bool]string{true: "-sealed"}[phrase != ""], func(t *testing.T) {
				t.Parallel()
				dice := testenv.Rand(t)
				var accounts []account.Account
				for i := range 600 {
					accounts = append(accounts, randomAccount(dice, i))
				}
				out, err := transfer.Write(f.Name, accounts, transfer.WriteOptions{Passphrase: phrase, Rand: rand.Reader, Now: now})
				if err != nil {
					t.Fatal(err)
				}
				batch := read(t, out, phrase)
				if !slices.Equal(batch.Formats, []string{f.Name}) && out.Texts == nil {
					t.Errorf("read as %v", batch.Formats)
				}
				if len(batch.Skipped) > 0 || len(batch.Warnings) > 0 {
					t.Errorf("skipped %v, warned %v", batch.Skipped, batch.Warnings)
				}
				if len(batch.Accounts)+len(out.Skipped) != len(accounts) {
					t.Fatalf("%d of %d accounts came back and %d were named as left out", len(batch.Accounts), len(accounts), len(out.Skipped))
				}
				// Google's holds 7 % of these, which is 42 on average, give or take 6.
				if len(batch.Accounts) < 10 {
					t.Errorf("only %d accounts could be expressed", len(batch.Accounts))
				}
				i := 0
				for _, a := range accounts {
					if i < len(batch.Accounts) && same(canHold(f, a), batch.Accounts[i]) {
						i++
						named := slices.ContainsFunc(out.Dropped, func(s transfer.Skip) bool { return s.Row == a.Label() })
						if !same(canHold(f, a), a) && !named {
							t.Errorf("%s lost something and nothing was said", a.Label())
						}
					} else if !slices.ContainsFunc(out.Skipped, func(s transfer.Skip) bool { return s.Row == a.Label() }) {
						t.Errorf("%s (%s, %d digits, %d s) is neither left out nor read back", a.Label(), a.Type, a.Digits, a.Period)
					}
				}
				if i != len(batch.Accounts) {
					t.Errorf("only %d of %d accounts that came back are as they were", i, len(batch.Accounts))
				}
			})
		}
	}
}

// What is not for other eyes stays: device-bound accounts and those without a secret
// are left out of every export, and named.
func TestWriteLeavesOut(t *testing.T) {
	t.Parallel()
	a := account.Account{Issuer: "GitHub", Name: "alice", Credential: account.Default(account.TOTP)}
	a.Secret = account.NewSecret([]byte("12345678901234567890"))
	bound, pending := a, a
	bound.Name, bound.DeviceBound = "bound", true
	bound.Secret = account.NewSecret([]byte("stays on this device"))
	pending.Name, pending.Credential = "pending", account.Credential{}
	for _, f := range written() {
		out, err := transfer.Write(f.Name, []account.Account{bound, a, pending}, transfer.WriteOptions{Rand: rand.Reader, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Skipped) != 2 || out.Skipped[0].Row != "GitHub:bound" || out.Skipped[1].Row != "GitHub:pending" {
			t.Errorf("%s: left out %v", f.Name, out.Skipped)
		}
		all := string(out.Data) + strings.Join(out.Texts, "\n")
		if strings.Contains(all, bound.Secret.Base32()) || strings.Contains(all, "pending") {
			t.Errorf("%s: what was left out is in the export", f.Name)
		}
		if b := read(t, out, ""); len(b.Accounts) != 1 || b.Accounts[0].Name != "alice" {
			t.Errorf("%s: %d accounts came back", f.Name, len(b.Accounts))
		}
	}
}

// An encrypted export holds no secret and no name, and opens with its passphrase only.
func TestSealedHidesEverything(t *testing.T) {
	t.Parallel()
	a := account.Account{Issuer: "Unmistakable", Name: "somebody@example.com", Note: "private", Credential: account.Default(account.TOTP)}
	a.Secret = account.NewSecret([]byte("12345678901234567890"))
	for _, f := range written() {
		if !f.Holds.Sealed {
			_, err := transfer.Write(f.Name, []account.Account{a}, transfer.WriteOptions{Passphrase: "x", Rand: rand.Reader})
			if err == nil {
				t.Errorf("%s: written in plain text though a passphrase was given", f.Name)
			}
			continue
		}
		out, err := transfer.Write(f.Name, []account.Account{a}, transfer.WriteOptions{Passphrase: "x", Rand: rand.Reader, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{a.Secret.Base32(), a.Issuer, a.Name, a.Note} {
			if strings.Contains(string(out.Data), text) {
				t.Errorf("%s: the export holds %q", f.Name, text)
			}
		}
	}
}

func TestMigrationPartsHoldTen(t *testing.T) {
	t.Parallel()
	var accounts []account.Account
	for i := range 23 {
		a := account.Account{Issuer: "GitHub", Name: fmt.Sprint(i), Credential: account.Default(account.TOTP)}
		a.Secret = account.NewSecret([]byte{1, 2, 3, 4, byte(i)})
		accounts = append(accounts, a)
	}
	out, err := transfer.Write("google", accounts, transfer.WriteOptions{Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Texts) != 3 {
		t.Fatalf("%d parts", len(out.Texts))
	}
	for i, want := range []int{10, 10, 3} {
		b, err := transfer.ReadTexts(out.Texts[i : i+1])
		if err != nil || len(b.Accounts) != want {
			t.Errorf("part %d holds %d accounts, %v", i+1, len(b.Accounts), err)
		}
		if len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], "missing") {
			t.Errorf("part %d alone: %v", i+1, b.Warnings)
		}
	}
	// Any order, and one of them twice.
	b, err := transfer.ReadTexts([]string{out.Texts[2], out.Texts[0], out.Texts[1], out.Texts[0]})
	if err != nil || len(b.Warnings) != 0 {
		t.Errorf("all parts: %v, %v", b.Warnings, err)
	}
	b, err = transfer.ReadTexts([]string{out.Texts[1]})
	if err != nil || !strings.Contains(strings.Join(b.Warnings, "\n"), "parts 1, 3 of 3") {
		t.Errorf("the second part alone: %v, %v", b.Warnings, err)
	}
}

package vault_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// choices makes decisions of bytes, so that a fuzzer can.
type choices []byte

func (c *choices) below(n int) int {
	if len(*c) == 0 {
		return 0
	}
	v := int((*c)[0]) % n
	*c = (*c)[1:]
	return v
}

func (c *choices) sometimes(f func()) {
	if c.below(3) == 1 {
		f()
	}
}

func (c *choices) of(list ...string) string { return list[c.below(len(list))] }

func (c *choices) id() string { return c.of("a", "b", "c", "d") }

// times are of devices whose clocks are right, and of some at either end of time.
var times = []int64{0, 1, 2, 3, 4, math.MinInt64, -1, 1 << 62, math.MaxInt64 - 1, math.MaxInt64}

func (c *choices) time() int64 { return times[c.below(len(times))] }
func (c *choices) stamp() string {
	return fmt.Sprintf("%d@%s", c.time(), c.of("x", "y", "y+000000001+x"))
}

// secretTexts are secrets, and hashOf what names each.
var secretTexts = []string{"GEZDGNBV", "ORUGS4TE"}

func hashOf(secret string) string {
	c := account.Default(account.TOTP)
	c.Secret, _ = account.ParseBase32(secret)
	return vault.Hash(c)
}

// state returns a state as no history needs to have made it: every field is what
// it may be, together or not. Only the trash is of accounts that are there, and a
// secret that an account is said to have had lies in it or was purged.
func (c *choices) state() *vault.State {
	type object = map[string]any
	var records, trash, purged []object
	order := []string{"a", "b", "c", "d"}
	for range 4 {
		i, j := c.below(4), c.below(4)
		order[i], order[j] = order[j], order[i]
	}
	ids := order[:1+c.below(4)]
	for _, id := range ids {
		stamps := object{}
		r := object{"id": id, "created": c.stamp(), "issuer": c.of("X", "x", "Y"), "name": c.of("n", "m"), "stamps": stamps}
		switch c.below(4) {
		case 0, 1:
			r["secret"] = c.of(secretTexts...)
		case 2:
			secret := c.of(secretTexts...)
			r["hash"] = hashOf(secret)
			if c.below(2) == 0 {
				trash = append(trash, object{"id": id, "secret": secret, "at": c.stamp()})
			} else {
				purged = append(purged, object{"id": id, "hash": hashOf(secret), "at": c.stamp()})
			}
		}
		for _, name := range []string{"label", "secret", "alias", "note", "device_bound", "removed", "colour", "tag t"} {
			c.sometimes(func() { stamps[name] = c.stamp() })
		}
		c.sometimes(func() { r["type"] = c.of("totp", "steam") })
		c.sometimes(func() { r["alias"] = c.of("p", "q") })
		c.sometimes(func() { r["note"] = c.of("p", "q") })
		c.sometimes(func() { r["tags"] = object{"t": c.below(2) == 0} })
		c.sometimes(func() { r["device_bound"] = true })
		c.sometimes(func() { r["removed"] = true })
		c.sometimes(func() { r["learned"] = c.time() })
		c.sometimes(func() { r["was"] = []string{c.of("x:n", "y:n")} })
		c.sometimes(func() { r["by_name"] = []string{c.of("totp x:n", "totp y:m")} })
		c.sometimes(func() { r["apart"] = []string{c.id(), c.id()} })
		c.sometimes(func() { r["colour"] = c.of("red", "<blue>") })
		c.sometimes(func() { r["shape"] = object{c.of("p", "q"): c.of("round", "square")} })
		records = append(records, r)
	}
	for range c.below(3) {
		t := object{"id": c.of(ids...), "secret": c.of(secretTexts...), "at": c.stamp(), "issuer": c.of("X", "Y")}
		c.sometimes(func() { t["device_bound"] = true })
		c.sometimes(func() { t["learned"] = c.time() })
		c.sometimes(func() { t["expired"] = c.time() })
		trash = append(trash, t)
	}
	for range c.below(4) {
		p := object{"id": c.id(), "hash": hashOf(c.of(secretTexts...))}
		c.sometimes(func() { p["at"] = c.stamp() })
		c.sometimes(func() { p["expired"] = c.time() })
		purged = append(purged, p)
	}
	s := object{"version": 1, "vault": c.of("v", "w"), "clock": c.time(), "accounts": records, "trash": trash, "purged": purged}
	s["ordered"], s["order_at"] = c.below(len(records)+1), c.stamp()
	c.sometimes(func() { s["links"] = object{c.id(): c.id(), c.of("a", "z"): c.id()} })
	c.sometimes(func() { s["settings"] = object{"k": object{"value": c.of("1", "2"), "at": c.stamp()}} })
	c.sometimes(func() {
		s["counters"] = object{hashOf(c.of(secretTexts...)): object{"set": c.stamp(), "next": c.below(9)}}
	})
	c.sometimes(func() { s["widgets"] = object{c.of("p", "q"): []string{c.of("p", "q")}} })
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	state, err := vault.Decode(text)
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	return state
}

// anyStatesBreak returns what three states that mean anything break.
func anyStatesBreak(c choices) string {
	a, b, z := c.state(), c.state(), c.state()
	m, report := vault.Merge(a, b)
	if encoded(m) != encoded(merge(b, a)) {
		return fmt.Sprintf("merging is not commutative:\n%s\n%s", encoded(m), encoded(merge(b, a)))
	}
	if what := lost(a, b, m, false); what != "" {
		return what
	}
	// What is written has been settled, which merging with itself does.
	if broken := lawBroken(merge(a, a), merge(b, b), merge(z, z)); broken != "" {
		return broken
	}
	if again := encoded(copied(m)); again != encoded(m) {
		return fmt.Sprintf("read and written again:\n%s\n%s", encoded(m), again)
	}
	report.Lines()
	report.Ahead(start)
	m.Portable()
	return ""
}

// The laws hold for whatever can be read, also where no version of auth wrote it.
func TestMergeLawsOfAnyStates(t *testing.T) {
	t.Parallel()
	chance := testenv.Rand(t)
	for range histories(200) {
		c := make(choices, 600)
		for i := range c {
			c[i] = byte(chance.Uint32())
		}
		if broken := anyStatesBreak(c); broken != "" {
			t.Fatal(broken)
		}
	}
}

func FuzzMerge(f *testing.F) {
	for seed := range uint64(8) {
		chance := rand.New(rand.NewPCG(seed, 5))
		c := make([]byte, 300)
		for i := range c {
			c[i] = byte(chance.Uint32())
		}
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, c []byte) {
		if broken := anyStatesBreak(c); broken != "" {
			t.Error(broken)
		}
	})
}

// FuzzState reads any bytes as a state: an error or a state that is written as it
// was read.
func FuzzState(f *testing.F) {
	f.Add([]byte(encoded(newHistory(1, 30).run(func(string, ...any) {}).devices[0].state)))
	f.Add([]byte(`{"version":1,"vault":"w","clock":9,"accounts":[{"id":"b","created":"0@","STAMPS":{},"":1,"x":{"y":[{"z":"}"}]}}]}`))
	f.Add([]byte(`{"version":1,"vault":"v","accounts":[null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := vault.Decode(text)
		if err != nil {
			return
		}
		if again := encoded(copied(s)); again != encoded(s) {
			t.Errorf("written as\n%s\nand then as\n%s", encoded(s), again)
		}
	})
}

// big returns a state of n accounts, as a device that the others know has it.
func big(n int, device string) *vault.State {
	tx := &vault.Tx{State: &vault.State{ID: device}, Now: start, Device: device}
	for i := range n {
		a := newAccount(fmt.Sprintf("%s%d", device, i), fmt.Sprintf("Site %d:me@example.com", i), fmt.Sprintf("a secret of twenty %d", i))
		if _, err := tx.Add(a); err != nil {
			panic(err)
		}
	}
	tx.Close()
	return copied(tx.State)
}

// BenchmarkMerge merges 10,000 accounts: with a backup of the same, with one that
// changed each of them, and with the same accounts added under other ids.
func BenchmarkMerge(b *testing.B) {
	const n = 10000
	here := big(n, "x")
	changed := copied(here)
	later := vault.Stamp{Time: start.Add(time.Hour).UnixMilli(), Device: "y"}
	for _, r := range changed.Records {
		r.Note.Value, r.Note.At = "changed", later
		r.Secret.Value.Credential = newAccount("", "", "new "+r.ID).Credential
		r.Secret.At = later
	}
	for name, there := range map[string]*vault.State{"same": copied(here), "changed": changed, "twins": big(n, "z")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				vault.Merge(here.Clone(), there)
			}
		})
	}
}

// BenchmarkState reads and writes 10,000 accounts.
func BenchmarkState(b *testing.B) {
	s := big(10000, "x")
	text := []byte(encoded(s))
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := vault.Decode(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if _, err := json.Marshal(s); err != nil {
				b.Fatal(err)
			}
		}
	})
}

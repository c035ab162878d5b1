package slip39_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/slip39"
	"github.com/authcli/auth/internal/testenv"
)

// A vector is a test vector, in the form of the official ones.
type vector struct {
	description string
	mnemonics   []string
	secret      string // in hexadecimal digits; empty if the mnemonics are invalid
}

func vectors(t *testing.T, file string) []vector {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var raw [][]any
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	var list []vector
	for _, r := range raw {
		v := vector{description: r[0].(string), secret: r[2].(string)}
		for _, m := range r[1].([]any) {
			v.mnemonics = append(v.mnemonics, m.(string))
		}
		list = append(list, v)
	}
	return list
}

// fixed returns the words of a share that is the same each time. Of random ones, one in some
// ten thousand has another single word whose change makes the checksum right too.
func fixed(t *testing.T) []string {
	t.Helper()
	return strings.Fields(vectors(t, "go-slip39.json")[0].mnemonics[0])
}

// wantOf returns what an invalid vector has to be refused with, by its description.
func wantOf(t *testing.T, description string) func(error) bool {
	t.Helper()
	for part, is := range map[string]func(error) bool{
		"invalid checksum":                   as[*slip39.ChecksumError],
		"invalid padding":                    is(slip39.ErrPadding),
		"greater group threshold than group": is(slip39.ErrPadding),
		"Basic sharing 2-of-3":               as[*slip39.MissingError],
		"different identifiers":              is(slip39.ErrMixed),
		"different iteration exponents":      is(slip39.ErrMixed),
		"mismatching":                        is(slip39.ErrMixed),
		"duplicate member indices":           is(slip39.ErrTwice),
		"invalid digest":                     is(slip39.ErrDigest),
		"nsufficient number of":              as[*slip39.MissingError],
		"insufficient length":                is(slip39.ErrLength),
		"invalid master secret length":       is(slip39.ErrLength),
	} {
		if strings.Contains(description, part) {
			return is
		}
	}
	t.Fatalf("the vector %q is of no kind that is known", description)
	return nil
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func combine(mnemonics []string, passphrase string) ([]byte, error) {
	var shares []slip39.Share
	for _, m := range mnemonics {
		s, err := slip39.Parse(strings.Fields(m))
		if err != nil {
			return nil, err
		}
		shares = append(shares, s)
	}
	return slip39.Combine(shares, []byte(passphrase))
}

func TestOfficialVectors(t *testing.T) {
	t.Parallel()
	list := vectors(t, "vectors.json")
	if len(list) != 45 {
		t.Errorf("there are %d vectors, want 45", len(list))
	}
	for _, v := range list {
		t.Run(v.description, func(t *testing.T) {
			t.Parallel()
			secret, err := combine(v.mnemonics, "TREZOR")
			if v.secret == "" {
				if secret != nil || err == nil || !wantOf(t, v.description)(err) {
					t.Errorf("refused with %v, which is another reason than the vector's", err)
				}
				return
			}
			if got := hex.EncodeToString(secret); err != nil || got != v.secret {
				t.Errorf("got %s and %v, want %s", got, err, v.secret)
			}
		})
	}
}

// TestWordsOfVectors writes each share of the vectors again.
func TestWordsOfVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "vectors.json") {
		for _, m := range v.mnemonics {
			s, err := slip39.Parse(strings.Fields(m))
			if err != nil {
				continue // TestOfficialVectors says which these are
			}
			if got := strings.Join(s.Words(), " "); got != m {
				t.Errorf("%s: %q became %q", v.description, m, got)
			}
		}
	}
}

func TestAnyThresholdSharesAreEnough(t *testing.T) {
	t.Parallel()
	r := testenv.Rand(t)
	for range 40 {
		secret := make([]byte, 16+2*r.IntN(25))
		for i := range secret {
			secret[i] = byte(r.Uint32())
		}
		count := 2 + r.IntN(slip39.MaxShares-1)
		threshold := 2 + r.IntN(count-1)
		passphrase := []byte([]string{"", "TREZOR"}[r.IntN(2)])
		shares, err := slip39.Split(secret, passphrase, threshold, count)
		if err != nil || len(shares) != count {
			t.Fatalf("%d of %d: %d shares, %v", threshold, count, len(shares), err)
		}
		// They go through words, as they do on paper.
		for i, s := range shares {
			if s.Number() != i+1 || s.Threshold() != threshold {
				t.Fatalf("share %d says that it is %d, and that %d are needed, not %d", i+1, s.Number(), s.Threshold(), threshold)
			}
			read, err := slip39.Parse(s.Words())
			if err != nil || !read.Equal(s) {
				t.Fatalf("share %d is read as another: %v", i+1, err)
			}
			shares[i] = read
		}
		r.Shuffle(count, func(i, j int) { shares[i], shares[j] = shares[j], shares[i] })
		given := threshold + r.IntN(count-threshold+1)
		got, err := slip39.Combine(shares[:given], passphrase)
		if err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%d shares of %d of %d give %x, %v; want %x", given, threshold, count, got, err, secret)
		}
		got, err = slip39.Combine(shares[:threshold-1], passphrase)
		var missing *slip39.MissingError
		if got != nil || !errors.As(err, &missing) || missing.Have != threshold-1 || missing.Need != threshold {
			t.Fatalf("%d shares of %d of %d give %x, %v", threshold-1, threshold, count, got, err)
		}
	}
}

func TestSharesDifferEachTime(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, 34)
	seen := map[string]bool{}
	for range 20 {
		shares, err := slip39.Split(secret, nil, 3, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shares {
			words := strings.Join(s.Words()[4:], " ") // without what the set has in common
			if seen[words] {
				t.Fatal("two splits of a secret have a share in common: it is not random")
			}
			seen[words] = true
		}
	}
}

func TestSharesOfTwoSets(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, 34)
	one, err1 := slip39.Split(secret, nil, 2, 3)
	two, err2 := slip39.Split(secret, nil, 2, 3)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for range 2 { // by chance, two sets have one identifier once in 32,768 times
		if !one[0].Together(two[1]) {
			break
		}
		if two, err2 = slip39.Split(secret, nil, 2, 3); err2 != nil {
			t.Fatal(err2)
		}
	}
	if one[0].Together(two[1]) {
		t.Fatal("three splits have one identifier: it is not random")
	}
	if _, err := slip39.Combine([]slip39.Share{one[0], two[1]}, nil); !errors.Is(err, slip39.ErrMixed) {
		t.Errorf("shares of two sets are combined with %v, want ErrMixed", err)
	}
	if _, err := slip39.Combine([]slip39.Share{one[0], one[0]}, nil); !errors.Is(err, slip39.ErrTwice) {
		t.Errorf("a share that is given twice: %v, want ErrTwice", err)
	}
}

// TestForgedShare has as many shares as are needed, and then more, with a false one among
// them.
func TestForgedShare(t *testing.T) {
	t.Parallel()
	shares, err := slip39.Split(bytes.Repeat([]byte{7}, 34), nil, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	for given := 2; given <= 4; given++ {
		for i := range given {
			forged := slices.Clone(shares[:given])
			words := forged[i].Words()
			words[10] = map[bool]string{true: "acid", false: "academic"}[words[10] == "academic"]
			if forged[i], err = slip39.WithChecksum(words); err != nil {
				t.Fatal(err)
			}
			if secret, err := slip39.Combine(forged, nil); secret != nil || !errors.Is(err, slip39.ErrDigest) {
				t.Errorf("a false share %d of %d: %v, want ErrDigest", i+1, given, err)
			}
		}
	}
}

// TestSharesOfOthers reads what another program made of secrets as long as ours.
func TestSharesOfOthers(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "go-slip39.json") {
		secret, err := combine(v.mnemonics, "")
		if got := hex.EncodeToString(secret); err != nil || got != v.secret {
			t.Errorf("%s: got %s and %v, want %s", v.description, got, err, v.secret)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	secret := make([]byte, 34)
	for _, tt := range []struct {
		secret           []byte
		threshold, count int
		want             error
	}{
		{secret, 1, 1, slip39.ErrThreshold},
		{secret, 1, 3, slip39.ErrThreshold},
		{secret, 4, 3, slip39.ErrThreshold},
		{secret, 2, 17, slip39.ErrThreshold},
		{secret, 0, 0, slip39.ErrThreshold},
		{secret, -1, 2, slip39.ErrThreshold},
		{secret[:33], 2, 3, slip39.ErrSecret},
		{secret[:14], 2, 3, slip39.ErrSecret},
		{nil, 2, 3, slip39.ErrSecret},
	} {
		if _, err := slip39.Split(tt.secret, nil, tt.threshold, tt.count); !errors.Is(err, tt.want) {
			t.Errorf("%d bytes, %d of %d: %v, want %v", len(tt.secret), tt.threshold, tt.count, err, tt.want)
		}
	}
}

func TestChecksumNamesTheWrongWord(t *testing.T) {
	t.Parallel()
	r := testenv.Rand(t)
	words := fixed(t)
	all := slip39.AllWords()
	for i := range words {
		wrong := slices.Clone(words)
		for wrong[i] == words[i] {
			wrong[i] = all[r.IntN(len(all))]
		}
		_, err := slip39.Parse(wrong)
		var sum *slip39.ChecksumError
		if !errors.As(err, &sum) || sum.Number != i+1 {
			t.Errorf("word %d is wrong: %v", i+1, err)
		}
	}
	for range 10 {
		i := r.IntN(len(words) - 1)
		if words[i] == words[i+1] {
			continue
		}
		wrong := slices.Clone(words)
		wrong[i], wrong[i+1] = wrong[i+1], wrong[i]
		_, err := slip39.Parse(wrong)
		var sum *slip39.ChecksumError
		if !errors.As(err, &sum) || sum.Number != 0 {
			t.Errorf("words %d and %d are exchanged: %v, want that no single word is wrong", i+1, i+2, err)
		}
	}
}

func TestParseForgives(t *testing.T) {
	t.Parallel()
	shares, err := slip39.Split(make([]byte, 34), nil, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	short := shares[1].Words()
	for i, w := range short {
		short[i] = strings.ToUpper(w[:4])
	}
	if s, err := slip39.Parse(short); err != nil || !s.Equal(shares[1]) {
		t.Errorf("four letters of each word, in capitals, are read with %v", err)
	}
	short[6] = "aca"
	var word *slip39.WordError
	if _, err := slip39.Parse(short); !errors.As(err, &word) || word.Number != 7 {
		t.Errorf("three letters are a word: %v", err)
	}
}

func TestWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"acad": "academic", "academic": "academic", "academi": "academic", "acid": "acid", "zero": "zero",
		"aca": "", "academics": "", "acadxmic": "", "": "", "zzzz": "", "acids": "", "~": "",
	} {
		if got, ok := slip39.Word(text); got != want || ok != (want != "") {
			t.Errorf("%q is the word %q, want %q", text, got, want)
		}
	}
	if near := slip39.Near("acadxmic"); !slices.Equal(near, []string{"academic"}) {
		t.Errorf("near acadxmic: %q", near)
	}
	if near := slip39.Near("acn"); !slices.Equal(near, []string{"acne"}) {
		t.Errorf("near acn: %q", near)
	}
	seen := map[string]bool{}
	all := slip39.AllWords()
	for _, w := range all {
		seen[w[:4]] = true
	}
	if len(all) != 1024 || len(seen) != 1024 || !slices.IsSorted(all) {
		t.Errorf("the list has %d words with %d beginnings", len(all), len(seen))
	}
}

func TestSharesAreNotPrinted(t *testing.T) {
	t.Parallel()
	shares, err := slip39.Split(bytes.Repeat([]byte{0xab}, 34), nil, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, shares[0]); got != "(share)" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

package backup_test

import (
	"errors"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/slip39"
	"github.com/authcli/auth/internal/testenv"
)

// TestSharesGiveTheKeyBack splits keys of both kinds. What comes back is the same text, so
// that the same key id and the same signatures follow.
func TestSharesGiveTheKeyBack(t *testing.T) {
	t.Parallel()
	r := testenv.Rand(t)
	for i := range 20 {
		key, err := backup.NewRecoveryKey(i%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		count := 2 + r.IntN(slip39.MaxShares-1)
		threshold := 2 + r.IntN(count-1)
		shares, err := key.Shares(threshold, count)
		if err != nil || len(shares) != count {
			t.Fatalf("%d shares, %v", len(shares), err)
		}
		for _, s := range shares {
			if n := len(s.Words()); n != backup.ShareWords {
				t.Fatalf("a share has %d words, want %d", n, backup.ShareWords)
			}
		}
		r.Shuffle(count, func(i, j int) { shares[i], shares[j] = shares[j], shares[i] })
		back, err := backup.JoinShares(shares[:threshold])
		if err != nil || back.Text() != key.Text() || back.ID() != key.ID() || back.Quantum() != key.Quantum() {
			t.Fatalf("%d of %d shares give %v with %v", threshold, count, back, err)
		}
		if _, err := backup.JoinShares(shares[:threshold-1]); err == nil {
			t.Fatalf("%d shares are enough where %d are needed", threshold-1, threshold)
		}
	}
}

func TestSharesOfSomethingElse(t *testing.T) {
	t.Parallel()
	for _, secret := range [][]byte{make([]byte, 16), make([]byte, 32), make([]byte, 34), append([]byte("PQ"), make([]byte, 30)...), append([]byte("PQ"), make([]byte, 34)...)} {
		shares, err := slip39.Split(secret, nil, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.JoinShares(shares); !errors.Is(err, backup.ErrOtherShares) {
			t.Errorf("a secret of %d bytes: %v, want ErrOtherShares", len(secret), err)
		}
	}
}

// TestSharesOfVersion1 joins shares that were on paper since the first version: whatever
// changes, they have to give their key back. The texts are of age-keygen, and the shares were
// made of their seeds by another program (go-slip39 v0.1.0).
func TestSharesOfVersion1(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, one, two string }{
		{
			"AGE-SECRET-KEY-1V3ZACWJCUN7AGXNATZLQ8LN6CNJP7A0VRMNXFVQ0Z6S0NQZRAUVST9V5ED",
			"both cleanup academic acid acid ruin wildlife hairy march paces verify pitch teaspoon away python cubic profile unhappy density switch width security merchant upstairs ladybug item lecture paid provide permit herald purchase permit gross cricket",
			"both cleanup academic always acne elephant morning already improve muscle dynamic usual knit friendly lend center stadium liberty orange amount exchange bracelet universe famous cluster dish debris plot elevator pupal increase morning welcome usual lying",
		},
		{
			"AGE-SECRET-KEY-PQ-107EPV2XJR8KLJYENKSKMR6PUFK73NG878HV3ZJ82XFGC9K94DTAS5RNA8G",
			"elevator fawn academic acid acne forget ancestor spelling biology rescue lunch freshman mineral tidy vocal fantasy drove listen exact mandate tadpole fact grocery glen voice vampire lyrics frost quick budget worthy museum glad critical diminish",
			"elevator fawn academic always academic much should reunion render charity belong expand wrap olympic python genius cubic duration holiday jewelry radar counter strike tolerate plot client disease beam upgrade black general society museum idea together",
		},
	} {
		var shares []slip39.Share
		for _, text := range []string{tt.one, tt.two} {
			found, err := slip39.Find(text, backup.ShareWords)
			if err != nil {
				t.Fatal(err)
			}
			shares = append(shares, found...)
		}
		if key, err := backup.JoinShares(shares); err != nil || key.Text() != tt.key {
			t.Errorf("the shares of %s… give %v with %v", tt.key[:20], key, err)
		}
	}
}

// Attack: shares that were made up to give a key of the attacker's: one that is enough alone, and
// so would vouch for that key, two whose encryption costs 80 seconds, and two of a group of
// several. All are right by the standard.
func TestSharesOfOtherForms(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"alone enough": {
			"acne guest academic academic acne style kidney demand plunge early hospital research capture depart friar acid morning raisin tension edge bulge shadow increase echo elder finance holiday species clothes math theory prevent teammate pecan priest",
		},
		"exponent 15": {
			"home elite academic acid acne adjust parking machine preach sharp season modify steady mandate work silver dismiss gesture unfair valuable elbow inmate item editor privacy greatest carbon scholar vocal literary angry making failure phrase golden",
			"home elite academic agency acid smart mouse failure prepare deal smear dynamic peaceful webcam miracle excuse fawn fantasy decent piece injury chubby view knife evaluate order crush divorce already ruler dwarf debut view eclipse depict",
		},
		"one of two groups": {
			"ceramic merchant academic echo acquire building necklace station lyrics stick pumps genius rocky wits replace plunge skunk column taste trial voter anatomy alto crowd thumb provide home spew plot priest yoga holy elite work voter",
			"ceramic merchant academic email academic iris helpful early beaver ultimate machine radar traffic perfect olympic sprinkle example language exact elevator fact vitamins flash prevent evil already reward climate purple rumor hamster gather herd dryer fumes",
		},
	} {
		var shares []slip39.Share
		for _, text := range texts {
			found, err := slip39.Find(text, backup.ShareWords)
			if err != nil || len(found) != 1 {
				t.Fatal(name, found, err)
			}
			shares = append(shares, found...)
		}
		if key, err := backup.JoinShares(shares); !errors.Is(err, backup.ErrShareForm) {
			t.Errorf("%s: they give %v with %v, want ErrShareForm", name, key, err)
		}
	}
}

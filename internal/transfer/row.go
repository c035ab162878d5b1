package transfer

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// A row is one entry of a foreign file, as texts: what is empty or not set is the
// default of its type.
type row struct {
	kind         string // totp, HOTP, steamtotp, …; empty is totp
	issuer, name string
	secret       string // base32, in any spelling
	key          []byte // the secret where it is no base32; beats secret
	algorithm    string
	pin          string
	digits       number
	period       number
	counter      number
	tags         []string
	note         string
	favourite    bool
}

// Favourite is the tag that stands for another program's star or pin.
const Favourite = "favorite"

// Reasons of rows.
var (
	errNoSecret = errors.New("no secret")
	errTrash    = errors.New("in the trash of the program it comes from")
	errCounter  = account.ErrCounter
)

// parseType reads the name of a type in the spellings of exports.
func parseType(s string) (account.Type, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "totp", "timebased":
		return account.TOTP, nil
	case "hotp", "counterbased":
		return account.HOTP, nil
	case "steam", "steamtotp", "steam_totp", "steamotp":
		return account.Steam, nil
	case "motp", "mobileotp":
		return account.MOTP, nil
	case "yandex", "yaotp":
		return account.Yandex, nil
	}
	return "", account.ErrType
}

// account returns the account that r describes. Errors are those of the vocabulary;
// none holds a part of the row.
func (r row) account() (account.Account, error) {
	kind, err := parseType(r.kind)
	if err != nil {
		return account.Account{}, err
	}
	a := account.Account{Issuer: r.issuer, Name: r.name, Note: r.note, Credential: account.Default(kind)}
	if a.Secret, err = r.readSecret(kind); err != nil {
		return a, err
	}
	a.PIN = account.NewSecret([]byte(r.pin))
	// The other types have one algorithm and one length; exports write all sorts there.
	if kind == account.TOTP || kind == account.HOTP {
		if r.algorithm != "" {
			if a.Algorithm, err = account.ParseAlgorithm(r.algorithm); err != nil {
				return a, err
			}
		}
		if r.digits.set {
			a.Digits = r.digits.int()
		}
	}
	if kind == account.TOTP && r.period.set {
		a.Period = r.period.int()
	}
	if kind == account.HOTP && r.counter.set {
		if r.counter.bad || r.counter.value < 0 {
			return a, errCounter
		}
		a.Counter = uint64(r.counter.value)
	}
	addTags(&a, r.tags...)
	if r.favourite {
		a.Tags = append(a.Tags, Favourite)
	}
	return a, a.Validate()
}

func (r row) readSecret(kind account.Type) (account.Secret, error) {
	if r.key != nil {
		if len(r.key) == 0 {
			return account.Secret{}, errNoSecret
		}
		return account.NewSecret(r.key), nil
	}
	if strings.TrimSpace(r.secret) == "" {
		return account.Secret{}, errNoSecret
	}
	if kind == account.MOTP {
		return account.NewSecret([]byte(strings.TrimSpace(r.secret))), nil
	}
	return account.ParseBase32(r.secret)
}

// take adds row i, counted from 0, to the batch.
func (b *Batch) take(i int, r row) {
	a, err := r.account()
	name := rowName(i, r.issuer, r.name)
	if err == nil && a.Type == account.HOTP && !r.counter.set {
		b.warn("%s: the counter is missing and starts at 0", name)
	}
	b.add(name, a, err)
}

// A number is a whole number that exports write as number, as text, as "" or as null.
type number struct {
	value int64
	set   bool
	bad   bool // there is something, and it is no whole number
}

// num returns a number that is there.
func num(n int) number { return number{value: int64(n), set: true} }

// parseNumber reads a text; an empty one is a number that is not set.
func parseNumber(s string) number {
	s = strings.TrimSpace(s)
	if s == "" {
		return number{}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		// 30.0 is what some languages write for 30.
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return number{set: true, bad: true}
		}
		v = int64(f)
	}
	return number{value: v, set: true}
}

// UnmarshalJSON never fails, so that a bad number costs its row and not the file.
func (n *number) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) != nil {
		s = string(data)
	}
	if s == "null" {
		s = ""
	}
	*n = parseNumber(s)
	return nil
}

// int returns the number, or 0, which is out of range for all that it is used for.
func (n number) int() int {
	if n.bad || n.value < 0 || n.value > math.MaxInt32 {
		return 0
	}
	return int(n.value)
}

package transfer

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// keepassEntry reads the one-time-password accounts of one KeePass entry. KeePass
// has no field of its own for them; its clients and plugins keep them in string
// fields, by five conventions that may stand side by side in one entry:
//
//   - otp, otp_1 …: an otpauth URI (KeePassXC, KeeWeb), a KeeOtp query
//     (key=…&size=8&step=60) or a bare secret
//   - TOTP Seed, TOTP Settings "30;6" or "30;S" for Steam (Tray TOTP)
//   - TimeOtp-Secret[-Hex|-Base32|-Base64], -Length, -Period, -Algorithm (KeePass 2.47)
//   - HmacOtp-Secret[-Hex|-Base32|-Base64], HmacOtp-Counter (KeePass 2)
//
// Title and user stand in where a URI names no issuer or no name. Group is the path
// below the root group, parts joined by /, and becomes a tag. Names of fields are
// taken in any case. The same account by two conventions is one account. What
// cannot be read is an error in the second result and costs nothing else; an entry
// with no such field gives neither accounts nor errors.
//
// Source: the field names of KeePass 2 (help, "One-Time Passwords"), KeePassXC
// (src/core/Totp.cpp) and the plugins KeeOtp and KeeTrayTOTP.
func keepassEntry(title, user, group string, fields map[string]string) ([]account.Account, []error) {
	f := make(map[string]string, len(fields))
	for k, v := range fields {
		if v = strings.TrimSpace(v); v != "" {
			f[strings.ToLower(k)] = v
		}
	}
	var accounts []account.Account
	var errs []error
	keep := func(a account.Account, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		a.Issuer = cmp.Or(a.Issuer, account.Clean(title))
		a.Name = cmp.Or(a.Name, account.Clean(user))
		if group = account.Clean(strings.Trim(group, "/")); group != "" {
			a.Tags = []string{group}
		}
		same := func(b account.Account) bool {
			return a.Credential.Equal(b.Credential) && a.Counter == b.Counter
		}
		if !slices.ContainsFunc(accounts, same) {
			accounts = append(accounts, a)
		}
	}
	for _, name := range otpFieldNames(f) {
		keep(keepassOTP(f[name]))
	}
	if seed, found := f["totp seed"]; found {
		keep(trayTOTP(seed, f["totp settings"]))
	}
	if text, encoding, found := keepassSecret(f, "timeotp-secret"); found {
		keep(timeOTP(text, encoding, f))
	}
	if text, encoding, found := keepassSecret(f, "hmacotp-secret"); found {
		keep(hmacOTP(text, encoding, f["hmacotp-counter"]))
	}
	return accounts, errs
}

// Errors of keepassEntry; none holds the field's text.
var (
	errEncoding = errors.New("the secret is not in the encoding that its field names")
	errSettings = errors.New("the settings beside the secret cannot be read")
)

// maxFields is how many fields otp_1, otp_2 … of an entry are looked at.
const maxFields = 100

// otpFieldNames returns the names otp, otp_1, otp_2 … that f has, in order.
func otpFieldNames(f map[string]string) []string {
	var names []string
	for name := range f {
		number, numbered := strings.CutPrefix(name, "otp_")
		_, err := strconv.ParseUint(number, 10, 16)
		if name == "otp" || numbered && err == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return names[:min(len(names), maxFields)]
}

// keepassOTP reads the value of a field otp.
func keepassOTP(value string) (account.Account, error) {
	if strings.Contains(value, "://") {
		return account.ParseURI(value)
	}
	if q, err := url.ParseQuery(value); err == nil && q.Has("key") {
		return keeOTP(q)
	}
	a := account.Account{Credential: account.Default(account.TOTP)}
	var err error
	a.Secret, err = account.ParseBase32(value)
	return a, err
}

// keeOTP reads what the plugin KeeOtp writes: key, size, step, type, counter,
// otpHashMode and encoding.
func keeOTP(q url.Values) (account.Account, error) {
	a := account.Account{Credential: account.Default(account.TOTP)}
	switch strings.ToLower(q.Get("type")) {
	case "", "totp":
	case "hotp":
		a.Credential = account.Default(account.HOTP)
	case "steam":
		a.Credential = account.Default(account.Steam)
	default:
		return account.Account{}, account.ErrType
	}
	encoding := strings.ToLower(q.Get("encoding"))
	if encoding == "" {
		encoding = "base32"
	}
	var err error
	// A + in base64 has come out of the query as a space.
	if a.Secret, err = decodeSecret(strings.ReplaceAll(q.Get("key"), " ", "+"), encoding); err != nil {
		return account.Account{}, err
	}
	return a, errors.Join(
		setNumber(&a.Digits, q.Get("size")),
		setNumber(&a.Period, q.Get("step")),
		setAlgorithm(&a.Algorithm, q.Get("otpHashMode")),
		setCounter(&a.Counter, q.Get("counter")),
		settle(&a),
	)
}

// trayTOTP reads a seed and settings: seconds; digits or S; and maybe the address
// of a time server, which says nothing about the code.
func trayTOTP(seed, settings string) (account.Account, error) {
	a := account.Account{Credential: account.Default(account.TOTP)}
	period, rest, _ := strings.Cut(settings, ";")
	digits, _, _ := strings.Cut(rest, ";")
	if strings.EqualFold(strings.TrimSpace(digits), "s") {
		a.Credential, digits = account.Default(account.Steam), ""
	}
	var err error
	if a.Secret, err = account.ParseBase32(seed); err != nil {
		return account.Account{}, err
	}
	return a, errors.Join(setNumber(&a.Period, period), setNumber(&a.Digits, digits), settle(&a))
}

func timeOTP(text, encoding string, f map[string]string) (account.Account, error) {
	a := account.Account{Credential: account.Default(account.TOTP)}
	var err error
	if a.Secret, err = decodeSecret(text, encoding); err != nil {
		return account.Account{}, err
	}
	return a, errors.Join(
		setNumber(&a.Digits, f["timeotp-length"]),
		setNumber(&a.Period, f["timeotp-period"]),
		setAlgorithm(&a.Algorithm, f["timeotp-algorithm"]),
		settle(&a),
	)
}

func hmacOTP(text, encoding, counter string) (account.Account, error) {
	a := account.Account{Credential: account.Default(account.HOTP)}
	var err error
	if a.Secret, err = decodeSecret(text, encoding); err != nil {
		return account.Account{}, err
	}
	return a, errors.Join(setCounter(&a.Counter, counter), settle(&a))
}

// keepassSecret finds the field of the given prefix; KeePass takes the first of
// these that is there.
func keepassSecret(f map[string]string, prefix string) (text, encoding string, found bool) {
	for _, encoding := range []string{"utf8", "hex", "base32", "base64"} {
		name := prefix + "-" + encoding
		if encoding == "utf8" {
			name = prefix
		}
		if text, found := f[name]; found {
			return text, encoding, true
		}
	}
	return "", "", false
}

// decodeSecret reads a secret in a named encoding: base32, base64, hex or utf8 (the
// text's own bytes).
func decodeSecret(text, encoding string) (account.Secret, error) {
	var b []byte
	var err error
	switch encoding {
	case "base32":
		return account.ParseBase32(text)
	case "base64":
		b, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	case "hex":
		b, err = hex.DecodeString(strings.Join(strings.Fields(text), ""))
	case "utf8":
		b = []byte(text)
	default:
		err = errEncoding
	}
	if err != nil {
		return account.Secret{}, errEncoding
	}
	if len(b) == 0 {
		return account.Secret{}, account.ErrEmptySecret
	}
	return account.NewSecret(b), nil
}

// settle gives a what its type fixes and checks it.
func settle(a *account.Account) error {
	switch a.Type {
	case account.HOTP:
		a.Period = 0
	case account.Steam:
		secret := a.Secret
		a.Credential = account.Default(account.Steam)
		a.Secret = secret
	}
	return a.Validate()
}

func setNumber(to *int, text string) error {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return errSettings
	}
	*to = n
	return nil
}

func setAlgorithm(to *account.Algorithm, text string) error {
	if text == "" {
		return nil
	}
	algorithm, err := account.ParseAlgorithm(text)
	if err == nil {
		*to = algorithm
	}
	return err
}

func setCounter(to *uint64, text string) error {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return account.ErrCounter
	}
	*to = n
	return nil
}

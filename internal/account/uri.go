package account

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Errors of [ParseURI]. They contain nothing from the URI, which includes the secret.
var (
	ErrNotURI  = errors.New("not an otpauth URI")
	ErrNoParam = errors.New("the otpauth URI has no secret")
	// ErrTwice: a parameter that decides the code appears twice with different values.
	ErrTwice = errors.New("the otpauth URI says two things about its code")
	// ErrEncoding: the percent-encoding of such a parameter is broken.
	ErrEncoding = errors.New("the percent-encoding of the otpauth URI is broken")
	ErrEncoder  = errors.New("unknown encoder (steam is known)")
	ErrLongURI  = fmt.Errorf("the otpauth URI is longer than %d bytes", MaxURI)
)

// MaxURI is the longest URI that is read, in bytes. A QR code holds 2,953. Notes in
// exports of Ente make URIs longer.
const MaxURI = 64 << 10

// ParseURI is [InspectURI] without warnings.
func ParseURI(uri string) (Account, error) {
	a, _, err := InspectURI(uri)
	return a, err
}

// InspectURI parses an account from a Key URI (otpauth://TYPE/LABEL?PARAMS, also with the
// scheme apple-otpauth:), or from one of the short forms steam://SECRET and
// motp://ISSUER:NAME?secret=HEX.
//
// A parameter that decides the code (type, secret, algorithm, digits, period, counter,
// PIN) is refused if it is unknown, out of range, badly encoded, or given twice with
// different values: a wrong code is worse than none. A problem with a part that only
// names the account is a warning. Parameters without a meaning here are ignored. Common
// variants of issuers get no warning: upper and lower case, raw spaces and #, empty
// parameters, and the issuer in the label, in the parameter or in both.
//
// Source: the Key Uri Format of Google Authenticator's wiki, and the deviations in real
// exports. The parser does not use net/url, which cuts a label at # and refuses a raw %.
func InspectURI(uri string) (a Account, warnings []string, err error) {
	if len(uri) > MaxURI {
		return Account{}, nil, ErrLongURI
	}
	scheme, rest, found := strings.Cut(strings.TrimSpace(uri), "://")
	if !found {
		return Account{}, nil, ErrNotURI
	}
	switch strings.ToLower(scheme) {
	case "otpauth", "apple-otpauth":
	case "steam":
		a, err = parseSteam(rest)
		return a, nil, err
	case "motp":
		return parseMOTP(rest)
	default:
		return Account{}, nil, ErrNotURI
	}
	path, query, _ := strings.Cut(rest, "?")
	host, label, _ := strings.Cut(path, "/")
	p, warnings, err := parseParams(query)
	if err != nil {
		return Account{}, nil, err
	}
	switch strings.ToLower(host) {
	case "totp":
		a.Credential = Default(TOTP)
	case "hotp":
		a.Credential = Default(HOTP)
	case "steam":
		a.Credential = Default(Steam)
	case "yaotp":
		a.Credential = Default(Yandex)
	case "motp":
		return parseMOTP(label + "?" + query)
	default:
		return Account{}, nil, ErrType
	}
	a.Issuer, a.Name = readLabel(label, p["issuer"])
	warnings = append(warnings, labelWarnings(label, p["issuer"])...)
	switch {
	case isSteam(a, p):
		a.Credential = Default(Steam)
	case p["encoder"] != "":
		return Account{}, nil, ErrEncoder
	}
	if err := readParams(&a, p); err != nil {
		return Account{}, nil, err
	}
	return a, warnings, nil
}

// isSteam recognises Steam accounts that are written as TOTP: &steam (Stratum),
// encoder=steam (KeePassXC, gopass), algorithm=steam (Bitwarden), or the issuer Steam
// with five digits or none given (Valve itself, FreeOTP+, 2FAuth).
func isSteam(a Account, p map[string]string) bool {
	if a.Type != TOTP {
		return false
	}
	_, marked := p["steam"]
	return marked || strings.EqualFold(p["encoder"], "steam") || strings.EqualFold(p["algorithm"], "steam") ||
		strings.EqualFold(a.Issuer, "steam") && (p["digits"] == "" || p["digits"] == "5")
}

// labelWarnings returns warnings about the label of a URI: a broken encoding, or an
// issuer that differs from the issuer parameter. The parameter wins. Microsoft's work
// accounts have the organisation in the label.
func labelWarnings(raw, issuer string) []string {
	var warnings []string
	if broken(raw) {
		warnings = append(warnings, "the percent-encoding of its label is broken")
	}
	label, issuer := Clean(unescape(raw, false)), Clean(issuer)
	prefix, _, found := strings.Cut(label, ":")
	if _, same := cutPrefixFold(label, issuer+":"); found && !same && issuer != "" && !strings.EqualFold(Clean(prefix), issuer) {
		warnings = append(warnings, fmt.Sprintf("its label says %q, its issuer %q; the issuer counts", Clean(prefix), issuer))
	}
	return warnings
}

// readParams sets the parameters of the URI over the defaults of a's type.
func readParams(a *Account, p map[string]string) error {
	text, found := p["secret"]
	if !found {
		return ErrNoParam
	}
	var err error
	if a.Secret, err = ParseBase32(text); err != nil {
		return err
	}
	// Steam and Yandex codes have a fixed algorithm, length and period.
	if v := p["algorithm"]; v != "" && a.Type != Yandex && a.Type != Steam {
		if a.Algorithm, err = ParseAlgorithm(v); err != nil {
			return err
		}
	}
	if v := p["digits"]; v != "" && a.Type != Steam && a.Type != Yandex {
		if a.Digits, err = strconv.Atoi(v); err != nil {
			return ErrDigits
		}
	}
	if v := p["period"]; v != "" && a.Type != HOTP && a.Type != Steam {
		if a.Period, err = strconv.Atoi(v); err != nil {
			return ErrPeriod
		}
	}
	if v := p["counter"]; v != "" && a.Type == HOTP {
		if a.Counter, err = strconv.ParseUint(v, 10, 64); err != nil {
			return ErrCounter
		}
	}
	if v := p["pin"]; v != "" && a.Type == Yandex {
		if a.PIN, err = ParseBase32(v); err != nil {
			return err
		}
	}
	return a.Validate()
}

// ParseAlgorithm parses the name of an algorithm in the spellings of exports: sha1,
// SHA-256, HmacSHA512, Algorithm.sha256. The error is [ErrAlgorithm].
func ParseAlgorithm(s string) (Algorithm, error) {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToUpper(s))
	name = strings.TrimPrefix(strings.TrimPrefix(name, "ALGORITHM"), "HMAC")
	switch a := Algorithm(name); a {
	case SHA1, SHA256, SHA512:
		return a, nil
	}
	return "", ErrAlgorithm
}

// readLabel finds issuer and name in the path of a Key URI. The issuer parameter wins
// over the label's prefix.
func readLabel(raw, issuer string) (string, string) {
	label, issuer := Clean(unescape(raw, false)), Clean(issuer)
	if issuer != "" {
		// The issuer may contain a colon, so try the whole issuer first.
		if name, found := cutPrefixFold(label, issuer+":"); found {
			return issuer, Clean(name)
		}
	}
	prefix, name, found := strings.Cut(label, ":")
	if !found {
		return issuer, label
	}
	if issuer == "" {
		issuer = Clean(prefix)
	}
	return issuer, Clean(name)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// deciding has the parameters that decide the code.
var deciding = [...]string{"secret", "algorithm", "digits", "period", "counter", "pin", "encoder", "steam"}

// parseParams parses a query. Names are lower-cased, the first of several parameters with
// the same name counts, and empty values are ignored.
func parseParams(query string) (p map[string]string, warnings []string, err error) {
	p = map[string]string{}
	set := func(name, value string) {
		first, seen := p[name]
		switch {
		case !seen || first == "":
			p[name] = value
		case value == "" || strings.EqualFold(first, value):
		case slices.Contains(deciding[:], name):
			err = fmt.Errorf("%w: two values of %s", ErrTwice, name)
		case name == "issuer":
			warnings = append(warnings, fmt.Sprintf("it names two issuers, %q and %q; the first counts", first, Clean(value)))
		}
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, raw, _ := strings.Cut(pair, "=")
		name = strings.ToLower(strings.TrimSpace(unescape(name, true)))
		value := strings.TrimSpace(unescape(raw, true))
		switch {
		case name == "":
			continue
		case !broken(raw):
		case slices.Contains(deciding[:], name):
			return nil, nil, fmt.Errorf("%w: %s", ErrEncoding, name)
		case name == "issuer":
			warnings = append(warnings, "the percent-encoding of its issuer is broken")
		}
		// Ente once wrote issuer=Fooperiod=30, without an & in between.
		if name == "issuer" {
			if cut, period, found := strings.Cut(value, "period="); found {
				value = cut
				set("period", period)
			}
		}
		set(name, value)
	}
	return p, warnings, err
}

// broken reports whether s has a percent sign that two hexadecimal digits do not follow.
func broken(s string) bool {
	for {
		_, rest, found := strings.Cut(s, "%")
		if !found {
			return false
		}
		if len(rest) < 2 {
			return true
		}
		if _, err := strconv.ParseUint(rest[:2], 16, 8); err != nil {
			return true
		}
		s = rest[2:]
	}
}

// unescape decodes the valid percent-encoding in s and keeps the rest, because labels
// such as "100%" exist. A + is a space only in a query.
func unescape(s string, query bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%' && i+2 < len(s):
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
			b.WriteByte('%')
		case s[i] == '+' && query:
			b.WriteByte(' ')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// parseSteam parses steam://SECRET, which Bitwarden and Proton write.
func parseSteam(rest string) (Account, error) {
	secret, err := ParseBase32(unescape(strings.TrimSuffix(rest, "/"), false))
	if err != nil {
		return Account{}, err
	}
	a := Account{Issuer: "Steam", Credential: Default(Steam)}
	a.Secret = secret
	return a, nil
}

// parseMOTP parses motp://ISSUER:NAME?secret=TEXT&pin=PIN. The secret of Mobile-OTP is a
// text that is hashed as it is. Usually it consists of hexadecimal digits.
func parseMOTP(rest string) (a Account, warnings []string, err error) {
	label, query, _ := strings.Cut(rest, "?")
	p, warnings, err := parseParams(query)
	if err != nil {
		return Account{}, nil, err
	}
	a = Account{Credential: Default(MOTP)}
	a.Issuer, a.Name = readLabel(label, p["issuer"])
	warnings = append(warnings, labelWarnings(label, p["issuer"])...)
	a.Secret, a.PIN = NewSecret([]byte(p["secret"])), NewSecret([]byte(p["pin"]))
	if err := a.Validate(); err != nil {
		return Account{}, nil, err
	}
	return a, warnings, nil
}

// URI returns the account as a Key URI, including its secret. It also writes parameters
// that have their default value, for readers with other defaults. [ParseURI] returns
// exactly the same issuer, name, credential and counter.
func (a Account) URI() string {
	var b strings.Builder
	if a.Type == MOTP {
		b.WriteString("motp://")
	} else {
		fmt.Fprintf(&b, "otpauth://%s/", host(a.Type))
	}
	if a.Issuer != "" || strings.Contains(a.Name, ":") {
		b.WriteString(escape(a.Issuer) + ":")
	}
	b.WriteString(escape(a.Name))
	if a.Type == MOTP {
		b.WriteString("?secret=" + escape(string(a.Secret.bytes())))
		if !a.PIN.Empty() {
			b.WriteString("&pin=" + escape(string(a.PIN.bytes())))
		}
		if a.Issuer != "" {
			b.WriteString("&issuer=" + escape(a.Issuer))
		}
		return b.String()
	}
	b.WriteString("?secret=" + a.Secret.Base32())
	if a.Issuer != "" {
		b.WriteString("&issuer=" + escape(a.Issuer))
	}
	if a.Type != Yandex {
		fmt.Fprintf(&b, "&algorithm=%s", a.Algorithm)
	}
	fmt.Fprintf(&b, "&digits=%d", a.Digits)
	if a.Type == HOTP {
		fmt.Fprintf(&b, "&counter=%d", a.Counter)
	} else {
		fmt.Fprintf(&b, "&period=%d", a.Period)
	}
	if a.Type == Yandex && !a.PIN.Empty() {
		b.WriteString("&pin=" + a.PIN.Base32())
	}
	return b.String()
}

func host(t Type) string {
	if t == Yandex {
		return "yaotp"
	}
	return string(t)
}

// escape percent-encodes s so that it means the same in a path and in a query. Spaces
// become %20, colons %3A.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

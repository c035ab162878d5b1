package transfer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/account"
)

// WriteOptions are what an export needs besides the accounts.
type WriteOptions struct {
	// Passphrase encrypts the export; empty means plain text.
	Passphrase string
	// Rand is the source of keys, nonces and ids: crypto/rand.Reader outside of tests.
	Rand io.Reader
	// Now is written where a format wants to know when the export was made.
	Now time.Time
}

// Output is an export.
type Output struct {
	// Data is the file. Formats that are QR codes have none.
	Data []byte
	// Texts are to be drawn as QR codes, one each. Only such formats have them.
	Texts []string
	// Skipped are the accounts that are left out, and why.
	Skipped []Skip
	// Dropped says per account what the format cannot hold: "note", "tags", "alias".
	// The code is the same.
	Dropped []Skip
}

// Holds says what a format can express. An account beyond Types, Algorithms, Digits
// and Periods is left out of an export, since its codes would be wrong; tags and
// notes beyond it are dropped and named.
type Holds struct {
	Types      []account.Type
	Algorithms []account.Algorithm // of TOTP and HOTP
	MinDigits  int                 // of TOTP and HOTP
	MaxDigits  int
	Digits     []int // where they are no range
	Periods    []int // of TOTP; nil means any
	MaxPeriod  int   // 0 means any
	MaxCounter uint64
	// Tags is how many tags are kept: none, one (a folder, a group) or [AnyTags]. Star
	// is whether the tag [Favourite] has a place of its own.
	Tags int
	Star bool
	Note bool
	// Refuse says what the lists do not: why an account cannot be expressed, or nothing.
	Refuse func(a account.Account) string
	// Plain and Sealed say whether files without and with a passphrase are written.
	Plain, Sealed bool
}

// AnyTags in [Holds] is any number of them.
const AnyTags = -1

// Lacks returns why an account cannot be expressed, or nothing.
func (h Holds) Lacks(a account.Account) string {
	if !slices.Contains(h.Types, a.Type) {
		return fmt.Sprintf("the format does not know accounts of type %s", a.Type)
	}
	if h.Refuse != nil {
		if why := h.Refuse(a); why != "" {
			return why
		}
	}
	if a.Type != account.TOTP && a.Type != account.HOTP {
		return h.lacksOfOthers(a)
	}
	switch {
	case h.Algorithms != nil && !slices.Contains(h.Algorithms, a.Algorithm):
		return fmt.Sprintf("the format does not know %s", a.Algorithm)
	case h.Digits != nil && !slices.Contains(h.Digits, a.Digits),
		h.Digits == nil && (a.Digits < h.MinDigits || h.MaxDigits != 0 && a.Digits > h.MaxDigits):
		return fmt.Sprintf("the format does not know codes of %d digits", a.Digits)
	case a.Type == account.TOTP && (h.Periods != nil && !slices.Contains(h.Periods, a.Period) || h.MaxPeriod != 0 && a.Period > h.MaxPeriod):
		return fmt.Sprintf("the format does not know periods of %d seconds", a.Period)
	case a.Type == account.HOTP && h.MaxCounter != 0 && a.Counter > h.MaxCounter:
		return "the counter is beyond what the format knows"
	}
	return ""
}

// lacksOfOthers is about the types whose parameters no format writes: they are what
// the type's default is, or the account cannot be expressed.
func (h Holds) lacksOfOthers(a account.Account) string {
	want := account.Default(a.Type)
	if a.Algorithm != want.Algorithm || a.Digits != want.Digits || a.Period != want.Period {
		return fmt.Sprintf("the format knows %s only with its usual parameters", a.Type)
	}
	return ""
}

// Write writes accounts in the format of a name. Accounts bound to this device and
// those without a secret are left out and named, as are those beyond what the format
// holds. The errors are [ErrUnknownFormat], [ErrCannotWrite] and those of o.Rand.
func Write(format string, accounts []account.Account, o WriteOptions) (Output, error) {
	f, found := Find(format)
	if !found {
		return Output{}, fmt.Errorf("%w: %s", ErrUnknownFormat, format)
	}
	switch {
	case f.Write == nil:
		return Output{}, fmt.Errorf("%w: %s", ErrCannotWrite, f.Name)
	case o.Passphrase != "" && !f.Holds.Sealed:
		return Output{}, fmt.Errorf("%w under a passphrase: %s", ErrCannotWrite, f.Name)
	case o.Passphrase == "" && !f.Holds.Plain:
		return Output{}, fmt.Errorf("%w without a passphrase: %s", ErrCannotWrite, f.Name)
	}
	var left, dropped []Skip
	var out []account.Account
	for i, a := range accounts {
		row := rowName(i, a.Issuer, a.Name)
		switch {
		case a.DeviceBound:
			left = append(left, Skip{row, "it is bound to this device"})
		case a.NeedsVerification():
			left = append(left, Skip{row, "it is here without its secret"})
		case f.Holds.Lacks(a) != "":
			left = append(left, Skip{row, f.Holds.Lacks(a)})
		default:
			out = append(out, a)
			dropped = append(dropped, f.Holds.drops(row, a)...)
		}
	}
	output, err := f.Write(out, o)
	if err != nil {
		return Output{}, err
	}
	output.Skipped, output.Dropped = append(left, output.Skipped...), append(dropped, output.Dropped...)
	return output, nil
}

func (h Holds) drops(row string, a account.Account) []Skip {
	var out []Skip
	switch tags := groupTags(a); {
	case h.Tags == 0 && len(tags) > 0:
		out = append(out, Skip{row, "tags"})
	case h.Tags > 0 && len(tags) > h.Tags:
		out = append(out, Skip{row, "tags beyond the first"})
	}
	if isFavourite(a) && !h.Star && h.Tags != AnyTags {
		out = append(out, Skip{row, "favorite"})
	}
	if a.Note != "" && !h.Note {
		out = append(out, Skip{row, "note"})
	}
	if a.Alias != "" {
		out = append(out, Skip{row, "alias"})
	}
	return out
}

// refuse joins reasons of [Holds.Refuse]; the first that speaks is heard.
func refuse(reasons ...func(account.Account) string) func(account.Account) string {
	return func(a account.Account) string {
		for _, reason := range reasons {
			if why := reason(a); why != "" {
				return why
			}
		}
		return ""
	}
}

// steamLike refuses TOTP accounts that every reader of URIs takes for Steam's.
func steamLike(a account.Account) string {
	if a.Type == account.TOTP && strings.EqualFold(a.Issuer, "steam") && a.Digits == 5 {
		return "the format would take it for a Steam account"
	}
	return ""
}

// needsIssuer refuses accounts that a password manager would have no title for.
func needsIssuer(a account.Account) string {
	if a.Issuer == "" {
		return "the format does not know accounts without an issuer"
	}
	return ""
}

// writeJSON returns an export that is one JSON value, as programs write it: indented,
// without escapes that JSON does not ask for.
func writeJSON(v any) (Output, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return Output{}, err
	}
	return Output{Data: b.Bytes()}, nil
}

// newUUID returns a random UUID (RFC 9562, section 5.4) in lower case.
func newUUID(rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// isFavourite reports whether a has the tag that stands for a star.
func isFavourite(a account.Account) bool { return slices.Contains(a.Tags, Favourite) }

// groupTags returns the tags of a besides the star.
func groupTags(a account.Account) []string {
	return slices.DeleteFunc(slices.Clone(a.Tags), func(tag string) bool { return tag == Favourite })
}

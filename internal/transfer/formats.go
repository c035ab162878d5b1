package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Formats returns all formats in the order in which they are tried on a file: those
// with magic bytes, then JSON, XML and CSV by their shapes, then lines of URIs, and at
// the end those that only a passphrase could tell from noise.
func Formats() []Format {
	return []Format{
		// Magic bytes.
		stratumSealed(),
		keepass(),
		freeOTP2(),
		googleDB(),
		microsoft(),
		// Shapes of JSON.
		aegis(),
		enteSealed(),
		twofas(),
		bitwarden(),
		cxf(),
		proton(),
		stratum(),
		freeOTPPlus(),
		lastpass(),
		twofauth(),
		cotp(),
		authme(),
		steam(),
		andOTP(),
		raivo(),
		duo(),
		extractOTP(),
		onePassword(),
		protonPass(),
		keeper(),
		enpass(),
		extension(),
		authy(),
		// Shapes of XML and HTML.
		freeOTP(),
		totpAuthenticator(),
		battleNet(),
		keepassXML(),
		htmlPage(),
		// Headers of CSV.
		keepassXC(),
		extractCSV(),
		spreadsheet(),
		// Lines.
		migration(),
		enteList(),
		pass(),
		otpauth(),
		// Without any mark.
		otpAuthIOS(),
		authenticatorPlus(),
		andOTPSealed(),
	}
}

// Find returns the format with a name, in any case.
func Find(name string) (Format, bool) {
	for _, f := range Formats() {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return Format{}, false
}

// recognise returns the format of s: the one that the user insists on, or the first
// that detects it. An archive is always opened as one.
func recognise(s *Source) (Format, error) {
	if isZip(s) && !s.inside {
		return archive(), nil
	}
	if s.shared().insist != "" {
		f, _ := Find(s.shared().insist)
		if sealed, found := Find(s.shared().insist + "-encrypted"); found && !f.Detect(s) && sealed.Detect(s) {
			f = sealed
		}
		return f, nil
	}
	if reason := foreign(s); reason != nil {
		return Format{}, reason
	}
	for _, f := range Formats() {
		if f.Read != nil && f.Detect != nil && f.Detect(s) {
			return f, nil
		}
	}
	switch text := strings.TrimSpace(s.Text()); {
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		if s.Object() == nil && s.List() == nil {
			return Format{}, fmt.Errorf("%w: it begins like JSON and is none", ErrDamaged)
		}
	case strings.HasPrefix(text, "<?xml") && s.Root() == "":
		return Format{}, fmt.Errorf("%w: it begins like XML and is none", ErrDamaged)
	}
	return Format{}, ErrUnknownFormat
}

// onePIF stands between the items of 1Password's old format, each JSON.
const onePIF = "\n***5642bee8-a5ff-11dc-8314-0800200c9a66***"

// foreign explains files that are known well and that hold nothing to be read here.
func foreign(s *Source) error {
	switch {
	case saysNothing(s):
		return ErrNoOTPData
	case IsImage(s.Data):
		return &NotExportableError{
			What: "an image in which no QR code was read",
			Do:   "Give a picture that shows the whole code, or the text of the code.",
		}
	case strings.HasPrefix(strings.TrimSpace(s.Text()), "-----BEGIN PGP MESSAGE-----"), isOpenPGP(s.Data):
		return openPGP()
	case sealedExchange(s) != nil:
		return sealedExchange(s)
	case strings.Contains(s.Text(), onePIF):
		return &NotExportableError{
			What: "an export of 1Password in its old format 1PIF",
			Do:   "Export from 1Password again, as 1PUX or as CSV; version 6 and older write CSV too.",
		}
	case s.Has("\x37\x7f\x06\x82"), s.Has("\x37\x7f\x06\x83"):
		return &NotExportableError{
			What: "the log of an SQLite database, which is nothing without it",
			Do:   "Give both in one call: `auth import PhoneFactor PhoneFactor-wal`.",
		}
	case strings.HasPrefix(strings.TrimSpace(s.Text()), "age-encryption.org/"), strings.HasPrefix(strings.TrimSpace(s.Text()), "-----BEGIN AGE ENCRYPTED FILE-----"):
		return &NotExportableError{
			What: "a file encrypted with age",
			Do:   "A backup of auth is brought back with `auth restore FILE`; decrypt anything else with `age -d FILE | auth import -`.",
		}
	}
	return nil
}

// saysNothing reports whether a text has nothing but blank lines and comments.
func saysNothing(s *Source) bool {
	for range lines(s.Text()) {
		return false
	}
	return s.Text() != "" || len(bytes.Trim(s.Data, " \r\n\t\ufeff")) == 0
}

func openPGP() error {
	return &NotExportableError{
		What: "a file encrypted with OpenPGP",
		Do:   "Decrypt it first: `gpg -d FILE | auth import -`.",
	}
}

func isNoData(err error) bool { return errors.Is(err, ErrNoOTPData) }

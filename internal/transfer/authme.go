package transfer

import (
	"context"
	"encoding/base64"
	"strings"
)

// authme is the .authme file of Authme: base64 of blocks of lines "Name:   x",
// "Secret: x", "Issuer: x", "Type:   OTP_TOTP", parted by blank lines.
//
// Source: interface/utils/convert.ts of github.com/Levminer/authme.
func authme() Format {
	return Format{
		Name: "authme", Title: "Authme",
		Detect: func(s *Source) bool {
			return hasKeys(s.Object(), "role", "codes") || hasKeys(s.Object(), "encrypted", "codes") || len(s.Object()) == 1 && hasKeys(s.Object(), "codes")
		},
		Read:  readAuthme,
		Notes: "Export → .authme file.",
	}
}

func readAuthme(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Encrypted flag   `json:"encrypted"`
		Codes     string `json:"codes"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	if file.Encrypted {
		return Batch{}, &NotExportableError{What: "an encrypted file of Authme, whose key stays in the keyring of its machine", Do: "Export from Authme again, without encryption."}
	}
	text, err := base64.StdEncoding.DecodeString(file.Codes)
	if err != nil {
		return Batch{}, ErrDamaged
	}
	var rows []row
	for line := range strings.SplitSeq(decodeText(text), "\n") {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "Name":
			rows = append(rows, row{name: value})
		case "Secret", "Issuer", "Type":
			if len(rows) == 0 {
				return Batch{}, ErrDamaged
			}
			r := &rows[len(rows)-1]
			switch key[0] {
			case 'S':
				r.secret = value
			case 'I':
				r.issuer = value
			case 'T':
				r.kind = strings.ToLower(strings.TrimPrefix(value, "OTP_"))
			}
		}
	}
	var b Batch
	for i, r := range rows {
		r.issuer, r.name = splitKnown(r.name, r.issuer)
		b.take(i, r)
	}
	return b, nil
}

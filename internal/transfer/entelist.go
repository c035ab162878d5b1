package transfer

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// enteList is the plain export of Ente Auth, and what its encrypted one holds:
// otpauth URIs with a parameter codeDisplay.
//
// Source: mobile/apps/auth/lib/models of github.com/ente-io/ente.
func enteList() Format {
	return Format{
		Name: "ente", Title: "Ente Auth", Extension: ".txt",
		Detect: func(s *Source) bool {
			for line := range lines(s.Text()) {
				return hasPrefixFold(line, "otpauth://") && param(line, "codeDisplay") != ""
			}
			return false
		},
		Read:  func(_ context.Context, s *Source) (Batch, error) { return readLines(s) },
		Write: writeEnteList,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.HOTP, account.Steam},
			MinDigits: 5, MaxDigits: 10, MaxCounter: 1<<53 - 1, Tags: AnyTags, Star: true, Note: true, Plain: true, Refuse: steamLike,
		},
		Notes: "Settings → Data → Export codes → Plain text. What lies in the trash of the app is skipped.",
	}
}

// enteDisplay is what codeDisplay says.
type enteDisplay struct {
	Pinned  flag    `json:"pinned"`
	Trashed flag    `json:"trashed"`
	Tags    []loose `json:"tags"`
	Note    loose   `json:"note"`
}

// applyEnte takes over what the parameter codeDisplay of a URI says. The error is that
// the account lies in the trash of the app.
func applyEnte(a *account.Account, uri string) error {
	text := param(uri, "codeDisplay")
	if text == "" {
		return nil
	}
	var d enteDisplay
	_ = json.Unmarshal([]byte(text), &d) // nothing in it decides a code
	if d.Trashed {
		return errTrash
	}
	a.Note = string(d.Note)
	for _, tag := range d.Tags {
		addTags(a, string(tag))
	}
	if d.Pinned {
		a.Tags = append(a.Tags, Favourite)
	}
	return nil
}

func writeEnteList(accounts []account.Account, _ WriteOptions) (Output, error) {
	var b strings.Builder
	for i, a := range accounts {
		display, err := json.Marshal(map[string]any{
			"pinned": isFavourite(a), "trashed": false, "lastUsedAt": 0, "tapCount": 0, "tags": append([]string{}, groupTags(a)...),
			"note": a.Note, "position": i, "iconSrc": "", "iconID": "",
		})
		if err != nil {
			return Output{}, err
		}
		b.WriteString(a.URI() + "&codeDisplay=" + strings.ReplaceAll(url.QueryEscape(string(display)), "+", "%20") + "\n")
	}
	return Output{Data: []byte(b.String())}, nil
}

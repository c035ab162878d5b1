package transfer

import (
	"bytes"
	"encoding/csv"
	"time"

	"github.com/authcli/auth/internal/account"
)

// keepassXC is the CSV export of KeePassXC, the one CSV that is written too.
func keepassXC() Format {
	return Format{
		Name: "keepassxc", Title: "KeePassXC (CSV)", Extension: ".csv",
		Detect: func(s *Source) bool {
			t := s.table()
			return t != nil && t.has([]string{"totp"}) && t.has([]string{"group"}) && t.has([]string{"last modified"})
		},
		Read:  readSpreadsheet,
		Write: writeKeepassXC,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.Steam},
			MinDigits: 6, MaxDigits: 10, MaxPeriod: 86400, Tags: 1, Note: true, Plain: true, Refuse: needsIssuer,
		},
		Notes: "Database → Export → CSV file. The group below the root is a tag.",
	}
}

func writeKeepassXC(accounts []account.Account, o WriteOptions) (Output, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	now := o.Now.UTC().Format(time.RFC3339)
	records := [][]string{{"Group", "Title", "Username", "Password", "URL", "Notes", "TOTP", "Icon", "Last Modified", "Created"}}
	for _, a := range accounts {
		group := "Root"
		if tags := groupTags(a); len(tags) > 0 {
			group += "/" + tags[0]
		}
		uri := a.URI()
		if a.Type == account.Steam {
			a.Type = account.TOTP
			uri = a.URI() + "&encoder=steam"
		}
		records = append(records, []string{group, a.Issuer, a.Name, "", "", a.Note, uri, "0", now, now})
	}
	err := w.WriteAll(records)
	return Output{Data: b.Bytes()}, err
}

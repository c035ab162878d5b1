package transfer

import (
	"context"
	"errors"
	"io"
)

// extractCSV is the CSV output of extract_otp_secrets, and every other table that has
// an account a row and its secret, bare, in a column of that name.
func extractCSV() Format {
	return Format{
		Name: "extract-otp-csv", Title: "extract_otp_secrets (CSV), tables with a column secret",
		Detect: func(s *Source) bool {
			t := s.table()
			return t != nil && t.has([]string{"secret"}) && t.has([]string{"issuer", "account", "label", "type"})
		},
		Read:  readExtractCSV,
		Notes: "extract_otp_secrets --csv; its KeePass output is read as CSV too.",
	}
}

func readExtractCSV(_ context.Context, s *Source) (Batch, error) {
	t := s.table()
	if t == nil {
		return Batch{}, ErrDamaged
	}
	var b Batch
	for i := 0; ; i++ {
		record, err := t.reader.Read()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			b.skip(rowName(i, "", ""), "not a row of CSV")
			continue
		}
		r := row{
			issuer: t.first(record, "issuer"), name: t.first(record, "name", "account", "label", "username"), secret: t.first(record, "secret"),
			kind: t.first(record, "type"), algorithm: t.first(record, "algorithm"), digits: parseNumber(t.first(record, "digits")),
			period: parseNumber(t.first(record, "period")), counter: parseNumber(t.first(record, "counter")),
		}
		if r.issuer != "" {
			r.issuer, r.name = splitKnown(r.name, r.issuer)
		}
		b.take(i, r)
	}
}

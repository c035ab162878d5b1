package transfer

import "context"

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

func readExtractCSV(ctx context.Context, s *Source) (Batch, error) {
	t := s.table()
	if t == nil {
		return Batch{}, ErrDamaged
	}
	var b Batch
	err := t.each(ctx, &b, func(i int, record []string) {
		r := row{
			issuer: t.first(record, "issuer"), name: t.first(record, "name", "account", "label", "username"), secret: t.first(record, "secret"),
			kind: t.first(record, "type"), algorithm: t.first(record, "algorithm"), digits: parseNumber(t.first(record, "digits")),
			period: parseNumber(t.first(record, "period")), counter: parseNumber(t.first(record, "counter")),
		}
		if r.issuer != "" {
			r.issuer, r.name = splitKnown(r.name, r.issuer)
		}
		b.take(i, r)
	})
	return b, err
}

package transfer

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// htmlPage is any page in which URIs stand: the exports of Stratum, and those of Aegis
// and Raivo for the printer.
func htmlPage() Format {
	return Format{
		Name: "html", Title: "HTML with otpauth URIs",
		Detect: func(s *Source) bool {
			head := strings.ToLower(s.Text()[:min(len(s.Text()), 1024)])
			return strings.HasPrefix(strings.TrimSpace(head), "<") && (strings.Contains(head, "<html") || strings.Contains(head, "<!doctype html"))
		},
		Read:  readHTML,
		Notes: "Stratum's HTML export, and every other page that has the URIs as text. Pages with nothing but pictures of codes are to be photographed: give the pictures.",
	}
}

func readHTML(_ context.Context, s *Source) (Batch, error) {
	uris := regexp.MustCompile(`(?i)(?:otpauth(?:-migration)?|steam|motp):(?://|\\/\\/)[^\s"'<>]+`)
	var b Batch
	seen := map[string]bool{}
	text := s.Text()
	for i := 1; !b.full(); i++ {
		at := uris.FindStringIndex(text)
		if at == nil {
			break
		}
		uri := html.UnescapeString(text[at[0]:min(at[1], at[0]+2*account.MaxURI)])
		text = text[at[1]:]
		// A page says many things twice: as text, and as what a button copies.
		if !seen[uri] {
			seen[uri] = true
			readText(&b, fmt.Sprintf("row %d", i), uri)
		}
	}
	return b, nil
}

package transfer

import (
	"context"
	"strings"

	"github.com/authcli/auth/internal/transfer/kdbx"
)

// keepassXML is the XML export of KeePass 2 and KeePassXC: what lies in a KDBX file,
// in the clear.
func keepassXML() Format {
	return Format{
		Name: "keepass-xml", Title: "KeePass (XML 2.x)",
		Detect: func(s *Source) bool { return s.Root() == "KeePassFile" },
		Read:   readKeepassXML,
		Notes:  "File → Export → KeePass XML (2.x). All ways in which KeePass and its plugins keep one-time passwords are known. The group is a tag.",
	}
}

func readKeepassXML(_ context.Context, s *Source) (Batch, error) {
	if !s.take(kdbx.MaxXML + kdbx.MaxEntries) { // a text that is one value is copied once
		return Batch{}, s.call.over
	}
	entries, err := kdbx.ReadXML(strings.TrimSpace(s.Text()))
	if err != nil {
		return Batch{}, kdbxError(err)
	}
	return keepassBatch(entries), nil
}

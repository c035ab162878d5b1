package transfer

import (
	"context"
	"strings"
)

// keepassXML is the XML export of KeePass 2 and KeePassXC. Former versions of entries
// and the recycle bin are passed over.
func keepassXML() Format {
	return Format{
		Name: "keepass-xml", Title: "KeePass (XML 2.x)",
		Detect: func(s *Source) bool { return s.Root() == "KeePassFile" },
		Read:   readKeepassXML,
		Notes:  "File → Export → KeePass XML (2.x). All ways in which KeePass and its plugins keep one-time passwords are known. The group is a tag.",
	}
}

type keepassFile struct {
	Bin    string       `xml:"Meta>RecycleBinUUID"`
	BinOn  string       `xml:"Meta>RecycleBinEnabled"`
	Groups []keepassSet `xml:"Root>Group"`
}

type keepassSet struct {
	UUID    string       `xml:"UUID"`
	Name    string       `xml:"Name"`
	Entries []keepassRow `xml:"Entry"`
	Groups  []keepassSet `xml:"Group"`
}

type keepassRow struct {
	Strings []struct {
		Key   string `xml:"Key"`
		Value string `xml:"Value"`
	} `xml:"String"`
}

func readKeepassXML(_ context.Context, s *Source) (Batch, error) {
	var file keepassFile
	if newXML(s.Text()).Decode(&file) != nil {
		return Batch{}, ErrDamaged
	}
	bin := file.Bin
	if strings.EqualFold(file.BinOn, "false") {
		bin = ""
	}
	var b Batch
	rows := 0
	for _, root := range file.Groups {
		root.add(&b, &rows, bin, "")
	}
	return b, nil
}

// add reads the entries of a group and of those below it. path is the way to the group
// without the root's name. encoding/xml has bounded the depth.
func (g keepassSet) add(b *Batch, rows *int, bin, path string) {
	if g.UUID == bin && bin != "" {
		return
	}
	for _, e := range g.Entries {
		fields := map[string]string{}
		for _, f := range e.Strings {
			fields[f.Key] = f.Value
		}
		row := rowName(*rows, fields["Title"], fields["UserName"])
		*rows++
		accounts, errs := keepassEntry(fields["Title"], fields["UserName"], path, fields)
		for _, a := range accounts {
			a.Note = fields["Notes"]
			b.add(row, a, nil)
		}
		for _, err := range errs {
			b.skip(row, err.Error())
		}
	}
	for _, below := range g.Groups {
		below.add(b, rows, bin, strings.TrimPrefix(path+"/"+below.Name, "/"))
	}
}

package transfer

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// keeper is the JSON export of Keeper. One-time passwords are fields of the user's own,
// called $oneTimeCode or TFC:Keeper, with a URI.
//
// Source: KeeperJsonImporter in github.com/Keeper-Security/Commander.
func keeper() Format {
	return Format{
		Name: "keeper", Title: "Keeper (JSON)",
		Detect: func(s *Source) bool {
			records := s.Object()["records"]
			return anyHas(records, "custom_fields") || anyHas(records, "title")
		},
		Read:  readKeeper,
		Notes: "Settings → Export, format JSON. The CSV export is read as CSV. The folder is a tag.",
	}
}

func readKeeper(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Records []json.RawMessage `json:"records"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	type record struct {
		Title   loose                      `json:"title"`
		Login   loose                      `json:"login"`
		Notes   loose                      `json:"notes"`
		Fields  map[string]json.RawMessage `json:"custom_fields"`
		Folders []struct {
			Folder loose `json:"folder"`
			Shared loose `json:"shared_folder"`
		} `json:"folders"`
	}
	var b Batch
	each(&b, file.Records, func(i int, r record) {
		title, user := string(r.Title), string(r.Login)
		for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
			for _, text := range texts(r.Fields[name]) {
				if !isURI(text) {
					continue
				}
				row := rowName(i, title, user)
				a, err := readLogin(&b, row, title, user, text)
				a.Note = string(r.Notes)
				for _, f := range r.Folders {
					addTags(&a, string(f.Folder), string(f.Shared))
				}
				b.add(row, a, err)
			}
		}
	})
	return b, nil
}

// texts returns a JSON text, or those of an array.
func texts(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var list []loose
	_ = json.Unmarshal(raw, &list)
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = string(text)
	}
	return out
}

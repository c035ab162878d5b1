package transfer

import (
	"context"
	"encoding/json"

	"github.com/authcli/auth/internal/account"
)

// enpass is the JSON export of Enpass.
func enpass() Format {
	return Format{
		Name: "enpass", Title: "Enpass (JSON)",
		Detect: func(s *Source) bool { return anyHas(s.Object()["items"], "fields", "title") },
		Read:   readEnpass,
		Notes:  "File → Export, format .json. Folders are tags.",
	}
}

func readEnpass(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Folders []struct {
			ID    loose `json:"uuid"`
			Title loose `json:"title"`
		} `json:"folders"`
		Items []json.RawMessage `json:"items"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	folders := map[loose]string{}
	for _, f := range file.Folders {
		folders[f.ID] = string(f.Title)
	}
	type item struct {
		Title    loose   `json:"title"`
		Note     loose   `json:"note"`
		Favorite flag    `json:"favorite"`
		Trashed  flag    `json:"trashed"`
		Folders  []loose `json:"folders"`
		Fields   []struct {
			Type  loose `json:"type"`
			Value loose `json:"value"`
		} `json:"fields"`
	}
	var b Batch
	each(&b, file.Items, func(i int, v item) {
		fields := map[loose]string{}
		for _, f := range v.Fields {
			if fields[f.Type] == "" {
				fields[f.Type] = string(f.Value)
			}
		}
		user := fields["username"]
		if user == "" {
			user = fields["email"]
		}
		row := rowName(i, string(v.Title), user)
		var tags account.Account // each account of the item has them
		for _, id := range v.Folders {
			addTags(&tags, folders[id])
		}
		for _, f := range v.Fields {
			if f.Type != "totp" || f.Value == "" {
				continue
			}
			a, err := readLogin(&b, row, string(v.Title), user, string(f.Value))
			a.Note = string(v.Note)
			addTags(&a, tags.Tags...)
			if v.Favorite {
				a.Tags = append(a.Tags, Favourite)
			}
			if v.Trashed {
				err = errTrash
			}
			b.add(row, a, err)
		}
	})
	return b, nil
}

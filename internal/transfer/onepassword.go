package transfer

import (
	"context"
	"encoding/json"

	"github.com/authcli/auth/internal/account"
)

// onePassword is export.data of a .1pux archive of 1Password.
//
// Source: support.1password.com/1pux-format.
func onePassword() Format {
	return Format{
		Name: "1password", Title: "1Password (1PUX)",
		Detect: func(s *Source) bool {
			return anyHas(s.Object()["accounts"], "vaults") || anyHas(s.Object()["vaults"], "items")
		},
		Read:  readOnePassword,
		Notes: "File → Export, format 1PUX. Items with several one-time passwords give one account each. The CSV export is read as CSV.",
	}
}

type onePasswordItem struct {
	Overview struct {
		Title loose   `json:"title"`
		Tags  []loose `json:"tags"`
	} `json:"overview"`
	Favorite number `json:"favIndex"`
	State    loose  `json:"state"`
	Details  struct {
		LoginFields []struct {
			Value       loose `json:"value"`
			Designation loose `json:"designation"`
		} `json:"loginFields"`
		Notes    loose `json:"notesPlain"`
		Sections []struct {
			Fields []struct {
				Title loose            `json:"title"`
				Value onePasswordValue `json:"value"`
			} `json:"fields"`
		} `json:"sections"`
	} `json:"details"`
}

// A onePasswordValue is the one-time password in a field's value: its member totp, or a
// text that is a URI, as some versions have it.
type onePasswordValue string

// UnmarshalJSON accepts everything; most values are of other kinds.
func (v *onePasswordValue) UnmarshalJSON(data []byte) error {
	var value struct {
		TOTP loose `json:"totp"`
	}
	var text loose
	_ = json.Unmarshal(data, &text)
	switch {
	case json.Unmarshal(data, &value) == nil:
		*v = onePasswordValue(value.TOTP)
	case isURI(string(text)):
		*v = onePasswordValue(text)
	}
	return nil
}

// onePasswordOuter is an item as older exports have it, a level deeper.
type onePasswordOuter struct {
	onePasswordItem
	Item *onePasswordItem `json:"item"`
}

func readOnePassword(_ context.Context, s *Source) (Batch, error) {
	type vaults []struct {
		Items []json.RawMessage `json:"items"`
	}
	var file struct {
		Accounts []struct {
			Vaults vaults `json:"vaults"`
		} `json:"accounts"`
		Vaults vaults `json:"vaults"` // of one account alone
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	var b Batch
	for _, a := range append(file.Accounts, struct {
		Vaults vaults `json:"vaults"`
	}{file.Vaults}) {
		for _, v := range a.Vaults {
			each(&b, v.Items, func(i int, outer onePasswordOuter) {
				if outer.Item != nil {
					outer.onePasswordItem = *outer.Item
				}
				outer.add(&b, i)
			})
		}
	}
	return b, nil
}

func (item onePasswordItem) add(b *Batch, i int) {
	user := loose("")
	for _, f := range item.Details.LoginFields {
		if f.Designation == "username" {
			user = f.Value
		}
	}
	row := rowName(i, string(item.Overview.Title), string(user))
	var tags account.Account // each account of the item has them
	for _, tag := range item.Overview.Tags {
		addTags(&tags, string(tag))
	}
	found := 0
	for _, section := range item.Details.Sections {
		for _, f := range section.Fields {
			if f.Value == "" {
				continue
			}
			found++
			a, err := readLogin(b, row, string(item.Overview.Title), string(user), string(f.Value))
			if a.Note = string(item.Details.Notes); found > 1 && a.Note == "" {
				a.Note = string(f.Title)
			}
			addTags(&a, tags.Tags...)
			if item.Favorite.value > 0 {
				a.Tags = append(a.Tags, Favourite)
			}
			if item.State == "trashed" || item.State == "deleted" {
				err = errTrash
			}
			b.add(row, a, err)
		}
	}
}

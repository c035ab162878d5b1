package transfer

import (
	"context"
	"encoding/json"

	"github.com/authcli/auth/internal/account"
)

// protonPass is data.json of an export of Proton Pass, in its zip archive or alone.
func protonPass() Format {
	return Format{
		Name: "proton-pass", Title: "Proton Pass (zip)",
		Detect: func(s *Source) bool {
			vaults, _ := members(s.Object()["vaults"], 1)
			return len(vaults) > 0 && in(vaults[0].Value, "items")
		},
		Read:  readProtonPass,
		Notes: "Settings → Export, without PGP encryption. One-time passwords in extra fields are accounts of their own. The CSV export is read as CSV.",
	}
}

// maxVaults is how many vaults of a file are read; Proton allows a few dozen.
const maxVaults = 10_000

type protonPassItem struct {
	Pinned flag   `json:"pinned"`
	State  number `json:"state"` // 1 is active, 2 is in the trash
	Data   struct {
		Metadata struct {
			Name loose `json:"name"`
			Note loose `json:"note"`
		} `json:"metadata"`
		ExtraFields []struct {
			Name loose `json:"fieldName"`
			Type loose `json:"type"`
			Data struct {
				URI loose `json:"totpUri"`
			} `json:"data"`
		} `json:"extraFields"`
		Content struct {
			Username loose `json:"itemUsername"`
			Email    loose `json:"itemEmail"`
			URI      loose `json:"totpUri"`
		} `json:"content"`
	} `json:"data"`
}

func readProtonPass(_ context.Context, s *Source) (Batch, error) {
	var b Batch
	vaults, err := members(s.Object()["vaults"], maxVaults)
	if err != nil {
		return Batch{}, err
	}
	for _, vault := range vaults {
		var v struct {
			Items []json.RawMessage `json:"items"`
		}
		if json.Unmarshal(vault.Value, &v) != nil {
			return Batch{}, ErrDamaged
		}
		each(&b, v.Items, func(i int, item protonPassItem) { item.add(&b, i) })
	}
	return b, nil
}

func (item protonPassItem) add(b *Batch, i int) {
	title, user := string(item.Data.Metadata.Name), string(item.Data.Content.Username)
	if user == "" {
		user = string(item.Data.Content.Email)
	}
	row := rowName(i, title, user)
	add := func(uri loose, note string) {
		a, err := account.Account{}, errTrash
		if item.State.value != 2 {
			a, err = readLogin(b, row, title, user, string(uri))
		}
		if a.Note = string(item.Data.Metadata.Note); a.Note == "" {
			a.Note = note
		}
		if item.Pinned {
			a.Tags = append(a.Tags, Favourite)
		}
		b.add(row, a, err)
	}
	if item.Data.Content.URI != "" {
		add(item.Data.Content.URI, "")
	}
	for _, f := range item.Data.ExtraFields {
		if f.Type == "totp" {
			add(f.Data.URI, string(f.Name))
		}
	}
}

package transfer

import (
	"context"
	"encoding/json"

	"github.com/authcli/auth/internal/account"
)

// bitwarden is the JSON export of Bitwarden's password manager, plain or under a
// password, and that of Bitwarden Authenticator, which has the same shape.
//
// Source: the export models in libs/common of github.com/bitwarden/clients.
func bitwarden() Format {
	return Format{
		Name: "bitwarden", Title: "Bitwarden, Bitwarden Authenticator (JSON)", Extension: ".json",
		Detect: func(s *Source) bool {
			o := s.Object()
			return hasKeys(o, "encrypted", "items") || hasKeys(o, "encKeyValidation_DO_NOT_EDIT") || hasKeys(o, "salt", "kdfIterations", "data") ||
				anyHas(o["items"], "login") || anyHas(o["items"], "name", "type")
		},
		Read: readBitwarden, Write: writeBitwarden, Encrypted: true,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.Steam},
			MinDigits: 5, MaxDigits: 10, Tags: 1, Star: true, Note: true, Plain: true, Sealed: true, Refuse: refuse(needsIssuer, steamLike),
		},
		Notes: "Export vault → .json, or .json (Encrypted) with “Password protected”; an export that is bound to the account cannot be read by anything but Bitwarden. The folder is a tag.",
	}
}

type bitwardenFile struct {
	Encrypted   bool              `json:"encrypted"`
	Folders     []bitwardenFolder `json:"folders"`
	Collections []bitwardenFolder `json:"collections"`
	Items       []json.RawMessage `json:"items"`
	bitwardenSealed
}

type bitwardenFolder struct {
	ID   loose `json:"id"`
	Name loose `json:"name"`
}

type bitwardenItem struct {
	Name          loose   `json:"name"`
	Notes         loose   `json:"notes"`
	Favorite      flag    `json:"favorite"`
	FolderID      loose   `json:"folderId"`
	CollectionIDs []loose `json:"collectionIds"`
	Login         struct {
		Username loose `json:"username"`
		TOTP     loose `json:"totp"`
	} `json:"login"`
}

func readBitwarden(ctx context.Context, s *Source) (Batch, error) {
	var file bitwardenFile
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	if file.Encrypted || file.Data != "" || file.Validation != "" {
		if file.Salt == "" || file.Data == "" {
			return Batch{}, &NotExportableError{
				What: "an export that only the Bitwarden account that made it can open",
				Do:   "Export again as .json, or as .json (Encrypted) with the type “Password protected”.",
			}
		}
		if err := file.afford(ctx, s); err != nil {
			return Batch{}, err
		}
		phrase, err := s.Passphrase(ctx)
		if err != nil {
			return Batch{}, err
		}
		plain, err := file.open(phrase)
		if err != nil {
			return Batch{}, err
		}
		if err := s.inner(s.Name, plain).JSON(&file); err != nil {
			return Batch{}, err
		}
	}
	folders := map[loose]string{}
	for _, f := range append(file.Folders, file.Collections...) {
		folders[f.ID] = string(f.Name)
	}
	var b Batch
	each(&b, file.Items, func(i int, item bitwardenItem) {
		if item.Login.TOTP == "" {
			return
		}
		name := rowName(i, string(item.Name), string(item.Login.Username))
		a, err := readLogin(&b, name, string(item.Name), string(item.Login.Username), string(item.Login.TOTP))
		a.Note = string(item.Notes)
		for _, id := range append(item.CollectionIDs, item.FolderID) {
			addTags(&a, folders[id])
		}
		if item.Favorite {
			a.Tags = append(a.Tags, Favourite)
		}
		b.add(name, a, err)
	})
	return b, nil
}

func writeBitwarden(accounts []account.Account, o WriteOptions) (Output, error) {
	items, folders := []any{}, []any{}
	ids := map[string]string{}
	for _, a := range accounts {
		id, err := newUUID(o.Rand)
		if err != nil {
			return Output{}, err
		}
		item := map[string]any{
			"id": id, "organizationId": nil, "folderId": nil, "type": 1, "reprompt": 0, "name": a.Issuer, "notes": nil,
			"favorite": isFavourite(a), "collectionIds": nil, "login": map[string]any{
				"uris": []any{}, "username": a.Name, "password": nil, "totp": bitwardenTOTP(a),
			},
		}
		if a.Note != "" {
			item["notes"] = a.Note
		}
		if tags := groupTags(a); len(tags) > 0 {
			if ids[tags[0]] == "" {
				if ids[tags[0]], err = newUUID(o.Rand); err != nil {
					return Output{}, err
				}
				folders = append(folders, map[string]any{"id": ids[tags[0]], "name": tags[0]})
			}
			item["folderId"] = ids[tags[0]]
		}
		items = append(items, item)
	}
	out, err := writeJSON(map[string]any{"encrypted": false, "folders": folders, "items": items})
	if err == nil && o.Passphrase != "" {
		out, err = sealBitwarden(out.Data, o)
	}
	return out, err
}

func bitwardenTOTP(a account.Account) string {
	if a.Type == account.Steam {
		return "steam://" + a.Secret.Base32()
	}
	return a.URI()
}

package transfer

import (
	"context"
	"encoding/json"
)

// lastpass is the export of LastPass Authenticator.
func lastpass() Format {
	return Format{
		Name: "lastpass", Title: "LastPass Authenticator",
		Detect: func(s *Source) bool {
			return hasKeys(s.Object(), "accounts", "deviceId") || anyHas(s.Object()["accounts"], "secret")
		},
		Read:  readLastpass,
		Notes: "Settings → Transfer accounts → Export accounts to file. Folders of the user's own are tags.",
	}
}

func readLastpass(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Accounts []json.RawMessage `json:"accounts"`
		Folders  []struct {
			ID   loose `json:"id"`
			Name loose `json:"name"`
		} `json:"folders"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	folders := map[loose]string{}
	for _, f := range file.Folders {
		// 0 and 1 are the app's own: other accounts, favourites.
		if f.ID != "0" && f.ID != "1" {
			folders[f.ID] = string(f.Name)
		}
	}
	type entry struct {
		Issuer    loose  `json:"issuerName"`
		User      loose  `json:"userName"`
		Secret    loose  `json:"secret"`
		Step      number `json:"timeStep"`
		Digits    number `json:"digits"`
		Algorithm loose  `json:"algorithm"`
		Favorite  flag   `json:"isFavorite"`
		Folder    struct {
			ID loose `json:"folderId"`
		} `json:"folderData"`
	}
	var b Batch
	each(&b, file.Accounts, func(i int, e entry) {
		b.take(i, row{
			issuer: string(e.Issuer), name: string(e.User), secret: string(e.Secret), period: e.Step, digits: e.Digits,
			algorithm: string(e.Algorithm), favourite: bool(e.Favorite), tags: []string{folders[e.Folder.ID]},
		})
	})
	return b, nil
}

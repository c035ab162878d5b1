package transfer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/authcli/auth/internal/account"
)

// steam is the maFile of Steam Desktop Authenticator and steamguard-cli, and the file
// Steamguard-… of the phone app, which since 2022 wraps it in "accounts".
func steam() Format {
	return Format{
		Name: "steam", Title: "Steam (maFile)",
		Detect: func(s *Source) bool {
			o := s.Object()
			if hasKeys(o, "shared_secret") || isSteamManifest(o) || isSealedSteam(s) {
				return true
			}
			var wrapped map[string]json.RawMessage
			if json.Unmarshal(o["accounts"], &wrapped) != nil {
				return false
			}
			for _, a := range wrapped {
				if in(a, "shared_secret") {
					return true
				}
			}
			return false
		},
		Read: readSteam, Encrypted: true,
		Notes: "The files of Steam Desktop Authenticator and steamguard-cli (encrypted ones together with their manifest.json), and Steamguard-… of a rooted phone.",
	}
}

// steamAccount is what a maFile says that is of use.
type steamAccount struct {
	SharedSecret loose `json:"shared_secret"`
	AccountName  loose `json:"account_name"`
}

func (a steamAccount) row() row {
	key, _ := base64.StdEncoding.DecodeString(string(a.SharedSecret))
	return row{kind: string(account.Steam), issuer: "Steam", name: string(a.AccountName), key: append([]byte{}, key...)}
}

func readSteam(ctx context.Context, s *Source) (Batch, error) {
	if s.Object() == nil || isSteamManifest(s.Object()) {
		return readSealedSteam(ctx, s)
	}
	var file struct {
		steamAccount
		Accounts map[string]json.RawMessage `json:"accounts"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	var b Batch
	if file.SharedSecret != "" {
		b.take(0, file.row())
	}
	var list []json.RawMessage
	for _, id := range slices.Sorted(maps.Keys(file.Accounts)) {
		list = append(list, file.Accounts[id])
	}
	each(&b, list, func(i int, a steamAccount) { b.take(i, a.row()) })
	return b, nil
}

package transfer

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// winAuth repairs the Steam rows of WinAuth's lists. Their secret may be junk; the real
// one is shared_secret, in base64, in the JSON of the parameter data. Any other URI is
// returned as it is.
func winAuth(uri string) string {
	text := param(uri, "data")
	if !strings.HasPrefix(text, "{") || hasPrefixFold(uri, migrationScheme) {
		return uri
	}
	var data struct {
		Secret loose `json:"shared_secret"`
	}
	if json.Unmarshal([]byte(text), &data) != nil || data.Secret == "" {
		return uri
	}
	key, err := base64.StdEncoding.DecodeString(string(data.Secret))
	if err != nil {
		return uri
	}
	_, rest, _ := strings.Cut(uri, "://")
	path, _, _ := strings.Cut(rest, "?")
	_, label, _ := strings.Cut(path, "/")
	issuer := param(uri, "issuer")
	if issuer == "" {
		issuer = "Steam"
	}
	return "otpauth://steam/" + label + "?secret=" + account.NewSecret(key).Base32() + "&issuer=" + url.QueryEscape(issuer)
}

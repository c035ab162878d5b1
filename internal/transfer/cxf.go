package transfer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// cxf is the FIDO Alliance's Credential Exchange Format: a header with accounts, or one
// account alone, which is the JSON of Apple's ASImportableAccount. An account is one of
// a password manager, and its items hold credentials of many types.
//
// Source: Credential Exchange Format 1.0, Proposed Standard of 2025-08-14, with the
// errata of 2026-03-09 (fidoalliance.org/specs/cx), sections 2 (Header, Account,
// Collection, Item) and 3.3 (TOTP credentials).
func cxf() Format {
	return Format{
		Name: "cxf", Title: "FIDO Credential Exchange Format (Apple Passwords, 1Password, Bitwarden and others)", Extension: ".json",
		Detect: func(s *Source) bool {
			o := s.Object()
			return hasKeys(o, "exporterRpId", "accounts") || anyHas(o["items"], "credentials") ||
				slices.ContainsFunc(firstOf(o["accounts"]), hasItems)
		},
		Read: readCXF, Write: writeCXF,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.Steam},
			MinDigits: account.MinDigits, MaxDigits: account.MaxDigits, MaxPeriod: 255, Tags: AnyTags, Star: true, Note: true, Plain: true,
		},
		Notes: "What password managers exchange, as JSON or in a zip archive. Collections are tags. The sealed answers of the exchange protocol (CXP) can be opened by the app alone that asked for them. Steam accounts are written as Bitwarden does, with the algorithm `steam`, which other programs pass over.",
	}
}

// hasItems reports whether an account has items with credentials.
func hasItems(raw json.RawMessage) bool {
	var a struct {
		Items json.RawMessage `json:"items"`
	}
	return json.Unmarshal(raw, &a) == nil && anyHas(a.Items, "credentials")
}

type cxfAccount struct {
	Collections []cxfCollection   `json:"collections"`
	Items       []json.RawMessage `json:"items"`
}

type cxfCollection struct {
	Title loose `json:"title"`
	Items []struct {
		Item loose `json:"item"`
	} `json:"items"`
	Collections []cxfCollection `json:"subCollections"`
}

type cxfItem struct {
	ID          loose           `json:"id"`
	Title       loose           `json:"title"`
	Subtitle    loose           `json:"subtitle"`
	Favorite    flag            `json:"favorite"`
	Tags        []loose         `json:"tags"`
	Credentials []cxfCredential `json:"credentials"`
}

// cxfCredential has the members of the types that are read.
type cxfCredential struct {
	Type loose `json:"type"`
	// Of totp.
	Secret    loose  `json:"secret"`
	Period    number `json:"period"`
	Digits    number `json:"digits"`
	Algorithm loose  `json:"algorithm"`
	Issuer    loose  `json:"issuer"`
	// A text of totp, and an editable field of basic-auth.
	Username cxfField `json:"username"`
	// Of note.
	Content cxfField `json:"content"`
	// Of custom-fields.
	Fields []cxfField `json:"fields"`
}

// A cxfField is an editable field, or a text that stands for one.
type cxfField string

// UnmarshalJSON never fails: a field that is odd is empty.
func (f *cxfField) UnmarshalJSON(data []byte) error {
	var field struct {
		Value loose `json:"value"`
	}
	var text loose
	_ = json.Unmarshal(data, &text)
	if json.Unmarshal(data, &field) == nil {
		text = field.Value
	}
	*f = cxfField(text)
	return nil
}

func readCXF(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Accounts []json.RawMessage `json:"accounts"`
		cxfAccount
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	var b Batch
	readCXFItems(&b, file.cxfAccount)
	each(&b, file.Accounts, func(_ int, a cxfAccount) { readCXFItems(&b, a) })
	return b, nil
}

func readCXFItems(b *Batch, a cxfAccount) {
	tags := map[loose][]string{}
	cxfTags(tags, a.Collections)
	each(b, a.Items, func(i int, item cxfItem) { item.add(b, i, tags[item.ID]) })
}

// cxfTags adds the titles of collections to the tags of the items that they name.
func cxfTags(tags map[loose][]string, collections []cxfCollection) {
	for _, c := range collections {
		for _, linked := range c.Items {
			if len(tags[linked.Item]) <= maxTags {
				tags[linked.Item] = append(tags[linked.Item], string(c.Title))
			}
		}
		cxfTags(tags, c.Collections)
	}
}

// add adds the accounts of an item: one for each totp credential, and for each field of
// the user's own that is a URI.
func (item cxfItem) add(b *Batch, i int, tags []string) {
	login, note := string(item.Subtitle), ""
	for _, c := range item.Credentials {
		switch {
		case c.Type == "basic-auth" && c.Username != "":
			login = string(c.Username)
		case c.Type == "note":
			note = string(c.Content)
		}
	}
	all := account.Account{} // the tags of each account of the item
	addTags(&all, tags...)
	for _, tag := range item.Tags {
		addTags(&all, string(tag))
	}
	if item.Favorite {
		all.Tags = append(all.Tags, Favourite)
	}
	put := func(a account.Account, err error) {
		a.Note = note
		addTags(&a, all.Tags...)
		b.add(rowName(i, a.Issuer, a.Name), a, err)
	}
	for _, c := range item.Credentials {
		switch c.Type {
		case "totp":
			put(c.row(string(item.Title), login).account())
		case "custom-fields":
			for _, f := range c.Fields {
				if isURI(string(f)) {
					put(readLogin(b, rowName(i, string(item.Title), login), string(item.Title), login, string(f)))
				}
			}
		}
	}
}

// row returns the fields of a totp credential. Issuer and user name may be left out;
// the title of the item and the login in it stand in for them.
func (c cxfCredential) row(title, login string) row {
	r := row{issuer: string(c.Issuer), name: string(c.Username), secret: string(c.Secret), algorithm: string(c.Algorithm), digits: c.Digits, period: c.Period}
	if strings.EqualFold(r.algorithm, "steam") {
		r.kind, r.algorithm = string(account.Steam), ""
	}
	if r.name == "" {
		r.name = login
	}
	// An item without an issuer is called by its user name, see writeCXF.
	if r.issuer == "" && title != r.name {
		r.issuer = title
	}
	return r
}

// Names of the exporter: a relying party identifier, which is a domain, and what a user
// is shown.
const (
	cxfExporter = "authcli.github.io"
	cxfName     = "auth"
)

func writeCXF(accounts []account.Account, o WriteOptions) (Output, error) {
	now := o.Now.Unix()
	items := []any{}
	for _, a := range accounts {
		id, err := cxfID(o.Rand)
		if err != nil {
			return Output{}, err
		}
		totp := map[string]any{
			"type": "totp", "secret": a.Secret.Base32(), "period": a.Period, "digits": a.Digits, "algorithm": strings.ToLower(string(a.Algorithm)),
		}
		if a.Type == account.Steam {
			totp["algorithm"] = "steam"
		}
		title := a.Issuer
		if title == "" {
			title = a.Name
		}
		for name, text := range map[string]string{"issuer": a.Issuer, "username": a.Name} {
			if text != "" {
				totp[name] = text
			}
		}
		credentials := []any{totp}
		if a.Note != "" {
			credentials = append(credentials, map[string]any{"type": "note", "content": map[string]any{"fieldType": "string", "value": a.Note}})
		}
		item := map[string]any{"id": id, "creationAt": now, "modifiedAt": now, "title": title, "credentials": credentials}
		if isFavourite(a) {
			item["favorite"] = true
		}
		if tags := groupTags(a); len(tags) > 0 {
			item["tags"] = tags
		}
		items = append(items, item)
	}
	id, err := cxfID(o.Rand)
	if err != nil {
		return Output{}, err
	}
	return writeJSON(map[string]any{
		"version": map[string]any{"major": 1, "minor": 0}, "exporterRpId": cxfExporter, "exporterDisplayName": cxfName, "timestamp": now,
		"accounts": []any{map[string]any{"id": id, "username": "", "email": "", "collections": []any{}, "items": items}},
	})
}

// cxfID returns a random identifier of 16 bytes in base64url, of the 64 that may be.
func cxfID(rand io.Reader) (string, error) {
	var b [16]byte
	_, err := io.ReadFull(rand, b[:])
	return base64.RawURLEncoding.EncodeToString(b[:]), err
}

// sealedExchange explains what is sealed for another app: an answer of the Credential
// Exchange Protocol, or one of the encrypted documents (JWE, RFC 7516) in its archive.
func sealedExchange(s *Source) error {
	o := s.Object()
	answer := hasKeys(o, "hpke", "payload") || hasKeys(o, "exporterRpId", "payload")
	if !answer && !isJWE(strings.TrimSpace(s.Text())) {
		if hasKeys(o, "hpke", "importer") {
			return &NotExportableError{
				What: "a request of the Credential Exchange Protocol, which asks for credentials and holds none",
				Do:   "Give the file that the other app exports, as JSON or CSV.",
			}
		}
		return nil
	}
	return &NotExportableError{
		What: "a sealed answer of the Credential Exchange Protocol (CXP), which only the app that asked for it can open",
		Do:   "Export from the app that has the accounts to a file: as JSON in the Credential Exchange Format (CXF), or as CSV.",
	}
}

// isJWE reports whether a text is a JWE in its compact form: five parts, of which the
// first says how the fourth is encrypted.
func isJWE(text string) bool {
	if !strings.HasPrefix(text, "eyJ") || strings.Count(text, ".") != 4 {
		return false
	}
	head, _, _ := strings.Cut(text, ".")
	data, err := base64.RawURLEncoding.DecodeString(head)
	return err == nil && len(data) < 64<<10 && (in(data, "alg") || in(data, "enc"))
}

package transfer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// must are the members that a file of a format has to have: without one of them it
// could not be read, or would be of any format. A member in an element of a list stands
// behind [], and one of an object of any names behind {}.
var must = map[string][]string{
	"1password":               {"accounts", "accounts[].vaults", "vaults", "vaults[].items"},
	"2fas":                    {"services", "services[].secret", "servicesEncrypted"},
	"2fauth":                  {"data", "data[].otp_type", "data[].secret"},
	"aegis":                   {"header", "header.*", "db", "db.entries", "db.entries[].info", "db.entries[].info.secret"},
	"andotp":                  {"[].secret", "[].label"},
	"authenticator-extension": {"{}.secret", "{}.dataType", "{}.data", "{}.id", "{}.salt", "{}.keyId", "{}.enc", "{}.encrypted", "{}"},
	"authme":                  {"codes"},
	"authy":                   {"[].encryptedSecret", "[].salt", "[].decryptedSecret", "[].secret", "[].uri", "[].encrypted_seed", "authenticator_tokens", "authenticator_tokens[].*", "[].key_derivation_iterations"},
	"bitwarden":               {"salt", "kdfType", "kdfIterations", "kdfMemory", "kdfParallelism", "data", "items", "items[].login", "items[].login.totp"},
	"cotp":                    {"elements", "elements[].secret", "items"},
	"cxf":                     {"accounts", "accounts[].items", "accounts[].items[].credentials", "accounts[].items[].credentials[].*", "items", "items[].credentials", "items[].credentials[].*"},
	"duo":                     {"[].otpGenerator", "[].otpGenerator.otpSecret"},
	"enpass":                  {"items", "items[].fields", "items[].title", "items[].fields[].*"},
	"ente-encrypted":          {"kdfParams", "kdfParams.*", "encryptedData", "encryptionNonce"},
	"extract-otp":             {"[].secret", "[].name"},
	"freeotp+":                {"tokens", "tokens[].secret"},
	"keeper":                  {"records", "records[].custom_fields", "records[].custom_fields.*"},
	"lastpass":                {"accounts", "accounts[].secret"},
	"proton":                  {"salt", "content", "entries", "entries[].content", "entries[].content.uri"},
	"proton-pass":             {"vaults", "vaults.*", "{}", "vaults.*.items"},
	"raivo":                   {"[].secret", "[].account"},
	"steam":                   {"shared_secret", "accounts", "accounts.*"},
	"stratum":                 {"Authenticators", "Authenticators[].Secret"},
}

// needed reports whether the member at path has to be there: it, or one above it with
// all that is in it.
func needed(format, path string) bool {
	for _, m := range must[format] {
		switch above, all := strings.CutSuffix(m, ".*"); {
		case m == path, strings.HasPrefix(m, path+"."), strings.HasPrefix(m, path+"["):
			return true
		case all && (path == above || strings.HasPrefix(path, above+".") || strings.HasPrefix(path, above+"[")):
			return true
		}
		if rest, found := strings.CutPrefix(m, "{}"); found {
			name, inner, deep := strings.Cut(path, ".")
			if !deep && name != "" || deep && rest == "."+inner {
				return true
			}
		}
	}
	return false
}

// strip returns v without the members that format does not need, or, where only is
// given, without the members at that path.
func strip(format string, v any, path, only string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			if only == at || only == "" && !needed(format, at) {
				continue
			}
			out[name] = strip(format, value, at, only)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = strip(format, value, path+"[]", only)
		}
		return out
	}
	return v
}

// paths adds the paths of all members of v.
func paths(v any, path string, all map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			all[at] = true
			paths(value, at, all)
		}
	case []any:
		for _, value := range v {
			paths(value, path+"[]", all)
		}
	}
}

// recognised returns the name of the format that claims data first.
func recognised(data []byte) string {
	f, err := recognise(&Source{File: File{Name: "a file", Data: data}})
	if err != nil {
		return err.Error()
	}
	return f.Name
}

// A file is told by what its format must have, and by nothing else: without any one of
// the members that it need not have, and without all of them, it is of the same format.
func TestRecognisedWithoutOptionalMembers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/formats/*/*")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range files {
		format := filepath.Base(filepath.Dir(path))
		data, err := os.ReadFile(path)
		var v any
		if err != nil || strings.HasSuffix(path, ".want.json") || json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &v) != nil || recognised(data) != format {
			continue
		}
		if _, found := must[format]; !found {
			continue
		}
		seen[format] = true
		all := map[string]bool{}
		paths(v, "", all)
		for _, without := range append([]string{""}, slices.Sorted(maps.Keys(all))...) {
			if without != "" && needed(format, without) {
				continue
			}
			less, err := json.Marshal(strip(format, v, "", without))
			if err != nil {
				t.Fatal(err)
			}
			if got := recognised(less); got != format {
				t.Errorf("%s without %q: %s", path, without, got)
			}
		}
	}
	for format := range must {
		if !seen[format] {
			t.Errorf("no fixture of %s was tried", format)
		}
	}
}

// A table of a password manager needs a column of codes, or one that could hold them,
// and no other: without any other of its columns it gives as many accounts.
func TestCSVWithoutOptionalColumns(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/formats/csv/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := &Source{File: File{Data: data}}
		table := s.table()
		if table == nil {
			continue // without a header
		}
		r := csv.NewReader(strings.NewReader(s.Text()))
		r.Comma, r.FieldsPerRecord, r.LazyQuotes = rune(table.rows.comma), -1, true
		records, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Read(t.Context(), []File{{Name: path, Data: data}}, ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range records[0] {
			lower := strings.ToLower(name)
			if isCodeName(lower) || slices.Contains(csvCodes, lower) || slices.Contains(csvPasswords, lower) || strings.HasPrefix(lower, "hmacotp") ||
				i == len(records[0])-1 || len(records[0]) < 3 {
				continue // the code, what tells the table, or what fields of the user's own follow
			}
			var b bytes.Buffer
			w := csv.NewWriter(&b)
			for _, record := range records {
				if i < len(record) {
					record = slices.Delete(slices.Clone(record), i, i+1)
				}
				if err := w.Write(record); err != nil {
					t.Fatal(err)
				}
			}
			w.Flush()
			less, err := Read(t.Context(), []File{{Name: path, Data: b.Bytes()}}, ReadOptions{})
			if err != nil || len(less.Accounts) != len(whole.Accounts) {
				t.Errorf("%s without %s: %d accounts, %v; want %d", path, name, len(less.Accounts), err, len(whole.Accounts))
			}
		}
	}
}

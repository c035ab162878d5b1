package transfer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A file is claimed by its own format alone, wherever that stands in the list: no order
// decides between two formats with marks of their own. Two claims are right only where
// one format is another one's plainer kind.
func TestDetectHasNoFalseHits(t *testing.T) {
	t.Parallel()
	plainer := map[string][]string{
		"keepassxc": {"csv"}, "google": {"otpauth"}, "ente": {"otpauth"}, "pass": {"otpauth"}, "cotp": {"otpauth"},
	}
	files, err := filepath.Glob("testdata/formats/*/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range files {
		format, name := filepath.Base(filepath.Dir(path)), filepath.Base(path)
		data, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(name, ".want.json") || strings.HasSuffix(name, "-wal") || strings.HasPrefix(string(data), "PK") {
			continue
		}
		s := &Source{File: File{Name: "a file", Data: data}}
		var claims []string
		for _, f := range Formats() {
			if f.Read != nil && f.Detect(s) && f.Name != format && !slices.Contains(plainer[format], f.Name) {
				claims = append(claims, f.Name)
			}
		}
		// What has no mark is found by trial, after all others.
		claims = slices.DeleteFunc(claims, func(name string) bool { return name == "andotp-encrypted" || name == "totp-authenticator" })
		if len(claims) > 0 {
			t.Errorf("%s/%s is claimed by %v too", format, name, claims)
		}
	}
}

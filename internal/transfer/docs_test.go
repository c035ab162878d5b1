package transfer_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/transfer"
)

func TestDocsAreFresh(t *testing.T) {
	t.Parallel()
	got, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != transfer.Docs() {
		t.Error("docs/formats.md is stale: run go generate")
	}
}

// The list is what help, completion and documents are made of.
func TestListIsWhole(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range transfer.Formats() {
		if f.Name == "" || f.Title == "" || f.Notes == "" || strings.ContainsAny(f.Title+f.Notes, "|\n") {
			t.Errorf("%q lacks a name, a title or notes, or they break a table", f.Name)
		}
		if f.Read == nil && f.Write == nil || f.Read != nil && f.Detect == nil {
			t.Errorf("%s is of no use", f.Name)
		}
		if f.Write != nil && (len(f.Holds.Types) == 0 || !f.Holds.Plain && !f.Holds.Sealed) {
			t.Errorf("%s does not say what it can hold", f.Name)
		}
		if slices.Contains(names, f.Name) {
			t.Errorf("%s is there twice", f.Name)
		}
		names = append(names, f.Name)
	}
}

package location_test

import (
	"path/filepath"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/backup/location/locationtest"
)

func TestFolderContract(t *testing.T) {
	t.Parallel()
	locationtest.Test(t, parse(t, filepath.Join(t.TempDir(), "auth"), location.Options{}))
}

func TestRemoteContract(t *testing.T) {
	t.Parallel()
	r := newRclone(t)
	for kind, text := range map[string]string{
		"local by its alias": "rclone:short cut:new", // rclone takes an alias for what it stands for.
		"crypt":              "rclone:sealed:new",
		"webdav":             "rclone:dav:new",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			locationtest.Test(t, parse(t, text, r.options(t)))
		})
	}
}

func parse(t *testing.T, text string, o location.Options) location.Location {
	t.Helper()
	l, err := location.Parse(text, o)
	if err != nil {
		t.Fatalf("Parse %q: %v", text, err)
	}
	return l
}

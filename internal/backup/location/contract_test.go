package location_test

import (
	"path/filepath"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/backup/location/locationtest"
	"github.com/authcli/auth/internal/testenv"
)

func TestFolderContract(t *testing.T) {
	t.Parallel()
	locationtest.Test(t, parse(t, filepath.Join(t.TempDir(), "auth"), location.Options{}))
}

func TestRemoteContract(t *testing.T) {
	t.Parallel()
	r := newRclone(t)
	kinds := map[string]string{"webdav": "rclone:dav:new"}
	if testenv.Long() { // What rclone promises of one it promises of the others.
		kinds["local by its alias"] = "rclone:short cut:new" // rclone takes an alias for what it stands for.
		kinds["crypt"] = "rclone:sealed:new"
	}
	for kind, text := range kinds {
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

package location_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
)

func TestParse(t *testing.T) {
	t.Parallel()
	base := t.TempDir() // Absolute as this system writes it.
	o := location.Options{Dir: filepath.Join(base, "work"), Home: filepath.Join(base, "home")}
	for text, want := range map[string]string{
		filepath.Join(base, "Dropbox", "auth"):    filepath.Join(base, "Dropbox", "auth"),
		filepath.Join(base, "a", "..", "b") + "/": filepath.Join(base, "b"),
		"auth":                        filepath.Join(base, "work", "auth"),
		"-auth":                       filepath.Join(base, "work", "-auth"),
		"./gdrive:auth":               filepath.Join(base, "work", "gdrive:auth"),
		"~":                           filepath.Join(base, "home"),
		"~/Nextcloud/auth":            filepath.Join(base, "home", "Nextcloud", "auth"),
		"~alice":                      filepath.Join(base, "work", "~alice"),
		"rclone:gdrive:":              "rclone:gdrive:",
		"rclone:gdrive:auth/backups/": "rclone:gdrive:auth/backups",
		"rclone:nas:/":                "rclone:nas:/",
		"rclone:nas:/srv/auth":        "rclone:nas:/srv/auth",
		"rclone:My Drive_2.alice+b@example.com-x:a:b": "rclone:My Drive_2.alice+b@example.com-x:a:b",
		"rclone:クラウド:認証":                              "rclone:クラウド:認証",
	} {
		l, err := location.Parse(text, o)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if l.String() != want {
			t.Errorf("%q is %q, want %q", text, l, want)
		}
		if local := !strings.HasPrefix(text, "rclone:"); l.Local() != local {
			t.Errorf("%q is local: %v", text, l.Local())
		}
		if again, err := location.Parse(l.String(), o); err != nil || again.String() != want {
			t.Errorf("%q does not parse to itself: %v, %v", l, again, err)
		}
	}
}

// TestParseRefuses lists texts that rclone would accept as more than the name of a
// remote. A connection string sets options such as sftp's ssh or webdav's
// bearer_token_command, which are commands (rclone.org/docs, "Connection strings").
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	o := location.Options{Dir: t.TempDir(), Home: t.TempDir()}
	for _, text := range []string{
		"",
		"a\nb", "a\x00b", "a\x1b[2J",
		"gdrive:auth", "s3://bucket/auth", "https://example.com/auth",
		"rclone:", "rclone:gdrive", "rclone:a\tb:auth",
		"rclone::local:/tmp", "rclone::sftp,ssh='touch /tmp/x':", "rclone::",
		"rclone:gdrive,bearer_token_command=touch:auth", "rclone:gdrive,shared_with_me:auth", `rclone:a"b:auth`, "rclone:a'b:auth",
		"rclone:a=b:c", "rclone:-x:auth", "rclone:--config=x:auth", "rclone: a:auth", "rclone:a :auth", "rclone:/tmp/x:auth", `rclone:\\host:auth`,
		"rclone:a;b:auth", "rclone:$(x):auth", "rclone:a{b}:auth",
	} {
		if l, err := location.Parse(text, o); !errors.Is(err, location.ErrInvalid) {
			t.Errorf("%q is taken for %v (%v), want ErrInvalid", text, l, err)
		}
	}
	if _, err := location.Parse("auth", location.Options{}); !errors.Is(err, location.ErrInvalid) {
		t.Errorf("a relative folder without a working folder: %v", err)
	}
	if _, err := location.Parse("~/auth", location.Options{Dir: t.TempDir()}); !errors.Is(err, location.ErrInvalid) {
		t.Errorf("~ without a home: %v", err)
	}
}

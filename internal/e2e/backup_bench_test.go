package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tenThousand returns a device with 10,000 accounts.
func tenThousand(b *testing.B) *device {
	b.Helper()
	var uris strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&uris, "otpauth://totp/Issuer%d:user%d@example.com?secret=%s%s\n", i/10, i, exampleSecret[:28], base32Of(i))
	}
	d := newDevice(b, nil)
	d.must(uris.String(), "add", "--uri", "-")
	return d
}

// The benchmark measures the whole program, with its process and the file keyring. The
// passphrase costs almost nothing here (see TestMain).
func BenchmarkBackup10000(b *testing.B) {
	d := tenThousand(b)
	d.enable(filepath.Join(b.TempDir(), "cloud"))
	for b.Loop() {
		d.must("", "backup")
	}
}

func BenchmarkRestore10000(b *testing.B) {
	d, loc := tenThousand(b), filepath.Join(b.TempDir(), "cloud")
	d.enable(loc)
	empty := newDevice(b, nil)
	for b.Loop() {
		if err := os.RemoveAll(empty.home); err != nil {
			b.Fatal(err)
		}
		empty.restore(0, loc)
	}
	if got := len(empty.labels()); got != 10_000 {
		b.Errorf("%d accounts", got)
	}
}

// The benchmark measures the next change of a backed-up vault, including its backup.
func BenchmarkChange10000(b *testing.B) {
	d := tenThousand(b)
	d.enable(filepath.Join(b.TempDir(), "cloud"))
	n := 0
	for b.Loop() {
		n++
		d.must("", "edit", "Issuer1:user10@example.com", "--note", fmt.Sprint(n))
	}
}

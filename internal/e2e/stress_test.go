package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

func writeTemp(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// onBoth runs a test on the file keyring and on a real Secret Service.
func onBoth(t *testing.T, f func(t *testing.T, d *device)) {
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		f(t, newDevice(t, nil))
	})
	t.Run("system", func(t *testing.T) {
		t.Parallel()
		f(t, newDevice(t, keyringtest.SecretService(t, keyringtest.ServiceOptions{})))
	})
}

// Ten thousand URIs, which are more than a megabyte, are added in one write.
func TestTenThousandURIs(t *testing.T) {
	t.Parallel()
	var uris strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&uris, "otpauth://totp/Service%d:someone%d%%40example.com?secret=%s%s&issuer=Service%d\n", i, i, exampleSecret[:28], base32Of(i), i)
	}
	if uris.Len() <= 1<<20 {
		t.Fatalf("only %d bytes", uris.Len())
	}
	d := newDevice(t, nil)
	d.must(uris.String(), "add", "--uri", "-")
	if got := len(d.labels()); got != 10_000 {
		t.Errorf("%d accounts", got)
	}
}

// Two hundred processes that add at the same time leave two hundred accounts.
func TestConcurrentAdds(t *testing.T) {
	onBoth(t, func(t *testing.T, d *device) {
		n := 25
		if testenv.Long() {
			n = 200
		}
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				add := func() ran { return d.run(exampleSecret, "add", fmt.Sprintf("account-%03d", i), "--secret-file", "-") }
				r := add()
				// Who waited a minute for the others, on a machine that is busy, is told to try again.
				for deadline := time.Now().Add(5 * time.Minute); r.code == 6 && strings.Contains(r.stderr, "try again") && time.Now().Before(deadline); {
					r = add()
				}
				if r.code != 0 {
					t.Errorf("add %d: exit code %d: %s", i, r.code, r.stderr)
				}
			})
		}
		all.Wait()
		labels := d.labels()
		slices.Sort(labels)
		if len(slices.Compact(labels)) != n {
			t.Errorf("%d accounts after %d additions", len(labels), n)
		}
	})
}

// If adding is killed at any moment, the vault has the old or the new state, and the next
// command works.
func TestKilledAdds(t *testing.T) {
	onBoth(t, func(t *testing.T, d *device) {
		kills := testenv.Times(t, "`auth add` is killed, with each of two keyrings", 10, 100)
		d.add("first")
		chance, had := testenv.Rand(t), 1
		for i := range kills {
			cmd := d.command("add", fmt.Sprintf("killed-%03d", i), "--secret-file", "-")
			cmd.Stdin = strings.NewReader(exampleSecret)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(chance.IntN(60)) * time.Millisecond)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			labels := d.labels()
			if len(labels) != had && len(labels) != had+1 {
				t.Fatalf("after kill %d there are %d accounts, before it %d", i, len(labels), had)
			}
			had = len(labels)
			if got := d.must("", "code", "first", "--exact", "--at", "59"); got != exampleCode {
				t.Fatalf("after kill %d the first code is %q", i, got)
			}
		}
		t.Logf("%d of %d killed additions had been stored", had-1, kills)
	})
}

// Vaults of every size keep every account, whether they fit into the head or need chunks.
func TestSizes(t *testing.T) {
	onBoth(t, func(t *testing.T, d *device) {
		var uris strings.Builder
		added := 0
		for _, size := range []int{1, 30, 100, 1000} {
			for ; added < size; added++ {
				fmt.Fprintf(&uris, "otpauth://totp/Issuer%d:user%d@example.com?secret=%s%s\n", added, added, exampleSecret[:28], base32Of(added))
			}
			d.must(uris.String(), "add", "--uri", "-")
			if got := len(d.labels()); got != size {
				t.Fatalf("%d accounts, want %d", got, size)
			}
			last := fmt.Sprintf("Issuer%d:user%d@example.com", size-1, size-1)
			if got := d.must("", "show", last, "--reveal"); !strings.Contains(got, exampleSecret[:28]+base32Of(size-1)) {
				t.Errorf("the last of %d accounts has another secret", size)
			}
		}
		file := filepath.Join(t.TempDir(), "v.age")
		d.must(passphrase, "backup", "--to", file, "--passphrase-file", "-")
		second := newDevice(t, nil)
		second.must(passphrase, "restore", file, "--passphrase-file", "-")
		if !slices.Equal(second.labels(), d.labels()) {
			t.Error("the restored accounts differ")
		}
	})
}

func base32Of(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return string([]byte{letters[n>>15&31], letters[n>>10&31], letters[n>>5&31], letters[n&31]})
}

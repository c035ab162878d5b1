package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// These benchmarks measure what a user waits for, as whole processes. internal/bench
// compares it with lower bounds.

func BenchmarkStartup(b *testing.B) {
	auth := release(b)
	for b.Loop() {
		output(b, exec.Command(auth, "--version"))
	}
}

func BenchmarkCode(b *testing.B) {
	auth := release(b)
	service := keyringtest.SecretService(b, keyringtest.ServiceOptions{})
	for _, n := range []int{1, 30, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			env := append(os.Environ(), append(service.Env, "AUTH_HOME="+b.TempDir(), "AUTH_NO_INPUT=1")...)
			var uris strings.Builder
			for i := range n {
				fmt.Fprintf(&uris, "otpauth://totp/Service%d:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Service%d\n", i, i)
			}
			add := exec.Command(auth, "add", "--uri", "-")
			add.Env, add.Stdin = env, strings.NewReader(uris.String())
			output(b, add)
			for b.Loop() {
				code := exec.Command(auth, "code", fmt.Sprintf("service%d", n/2))
				code.Env = env
				output(b, code)
			}
		})
	}
}

// release builds auth as in a release.
func release(b *testing.B) string {
	auth := filepath.Join(b.TempDir(), "auth")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", auth, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output(b, build)
	return auth
}

func output(b *testing.B, c *exec.Cmd) {
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

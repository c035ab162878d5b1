package otp_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/otp"
)

// need returns the path of a program, or skips the test; where AUTH_TEST_REQUIRE
// names the part, its absence is a failure.
func need(t *testing.T, part, debian string) string {
	t.Helper()
	path, err := exec.LookPath(part)
	if err == nil {
		return path
	}
	if slices.Contains(strings.Split(os.Getenv("AUTH_TEST_REQUIRE"), ","), part) {
		t.Fatalf("%s is required and not installed (Debian package %s)", part, debian)
	}
	t.Skipf("%s is not installed (Debian package %s)", part, debian)
	return ""
}

func TestAgainstOathtool(t *testing.T) {
	t.Parallel()
	oathtool := need(t, "oathtool", "oathtool")
	dice := rand.New(rand.NewPCG(4226, 6238))
	for range 60 {
		secret := make([]byte, 1+dice.IntN(70))
		for i := range secret {
			secret[i] = byte(dice.Uint32())
		}
		c := account.Credential{
			Type: account.TOTP, Secret: account.NewSecret(secret), Digits: 6 + dice.IntN(3), Period: []int{1, 10, 30, 45, 60, 300}[dice.IntN(6)],
			Algorithm: []account.Algorithm{account.SHA1, account.SHA256, account.SHA512}[dice.IntN(3)],
		}
		at := time.Unix(dice.Int64N(1<<33), 0)
		got, err := otp.At(c, at)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), oathtool, fmt.Sprintf("--totp=%s", c.Algorithm), fmt.Sprintf("--digits=%d", c.Digits),
			fmt.Sprintf("--time-step-size=%ds", c.Period), fmt.Sprintf("--now=@%d", at.Unix()), hex.EncodeToString(secret)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(out)); got.Text != want {
			t.Errorf("%s, %d digits, %d s, at %d: got %s, oathtool says %s", c.Algorithm, c.Digits, c.Period, at.Unix(), got.Text, want)
		}

		c.Type, c.Algorithm, c.Period = account.HOTP, account.SHA1, 0
		counter := uint64(dice.Int64())
		text, err := otp.Count(c, counter)
		if err != nil {
			t.Fatal(err)
		}
		out, err = exec.CommandContext(t.Context(), oathtool, "--hotp", fmt.Sprintf("--digits=%d", c.Digits), fmt.Sprintf("--counter=%d", counter), hex.EncodeToString(secret)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(out)); text != want {
			t.Errorf("HOTP, %d digits, counter %d: got %s, oathtool says %s", c.Digits, counter, text, want)
		}
	}
}

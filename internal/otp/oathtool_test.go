package otp_test

import (
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/testenv"
)

func TestAgainstOathtool(t *testing.T) {
	t.Parallel()
	oathtool := testenv.Program(t, "oathtool", "oathtool")
	dice := testenv.Rand(t)
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

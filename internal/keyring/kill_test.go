//go:build linux

package keyring_test

import (
	"context"

	"github.com/authcli/auth/internal/keyring"
)

func write(*keyring.Store, []string) { _ = context.Background }

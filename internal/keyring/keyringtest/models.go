package keyringtest

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// MacOS models go-keyring on macOS: values travel in base64 in one command to
// /usr/bin/security; more than 4096 bytes are refused, and at exactly 4096 the
// tool reads one less and fails while Set returns nil (zalando/go-keyring#153).
// max is the limit that the keyring claims for itself.
func MacOS(service string, max int) *Memory {
	m := &Memory{Max: max}
	m.Refuse = func(name, value string) (bool, error) {
		// As keyring_darwin.go of go-keyring v0.2.8 writes it.
		command := fmt.Sprintf("add-generic-password -U -s %s -a %s -w %s\n", quote(service), quote(name),
			quote("go-keyring-base64:"+base64.StdEncoding.EncodeToString([]byte(value))))
		switch {
		case len(command) > 4096:
			return true, errors.New("data passed to Set was too big")
		case len(command) == 4096:
			return true, nil
		}
		return false, nil
	}
	return m
}

// quote is as long as what go-keyring's shellescape makes of words without
// single quotes: it encloses those with a character that shells may read.
func quote(s string) string {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '@' && c != '%' && c != '+' && c != '=' && c != ':' && c != ',' && c != '.' && c != '/' && c != '-' && c != '_' {
			return "'" + s + "'"
		}
	}
	return s
}

// Windows models go-keyring on Windows: a credential holds 2560 bytes. (That it
// folds case cannot matter to names in lower case.)
func Windows() *Memory {
	m := &Memory{Max: 2500}
	m.Refuse = func(_, value string) (bool, error) {
		if len(value) > 2560 {
			return true, errors.New("data passed to Set was too big")
		}
		return false, nil
	}
	return m
}

//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A small item, such as the token of a service.
const (
	smallService = "bench"
	smallItem    = "small"
	smallValue   = "0123456789abcdef0123456789abcdef"
)

// get is the bare lookup that the others are compared to.
const get = "go-keyring Get, one small item"

func sizes() []int { return []int{1, 30, 100, 1000, 10_000} }

func lookup(n int) string { return "auth code, " + accounts(n) }

func accounts(n int) string {
	switch n {
	case 1:
		return "1 account"
	case 1000:
		return "1,000 accounts"
	case 10_000:
		return "10,000 accounts"
	}
	return fmt.Sprintf("%d accounts", n)
}

// home returns the profile of auth with n accounts, as a variable of the environment.
func home(dir string, n int) string { return fmt.Sprintf("AUTH_HOME=%s/%d", dir, n) }

// fill makes a vault of each size.
func fill(dir string) error {
	for _, n := range sizes() {
		if err := do(dir, []string{home(dir, n)}, uris(0, n), "auth", "add", "--uri", "-"); err != nil {
			return err
		}
	}
	return nil
}

// do runs a program of dir, which has to succeed.
func do(dir string, env []string, input string, command ...string) error {
	path := command[0]
	if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
		path = filepath.Join(dir, path)
	}
	c := exec.Command(path, command[1:]...)
	c.Env = append(os.Environ(), env...)
	c.SysProcAttr = alone()
	c.Stdin = strings.NewReader(input)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}

// lookups returns the bare lookup, and auth with vaults of all sizes.
func lookups(dir string) []*program {
	list := []*program{{name: get, command: []string{filepath.Join(dir, "get"), smallService, smallItem}}}
	bars := map[int]string{30: "≤ 1.4", 100: "≤ 1.5", 1000: "≤ 2.2", 10_000: "≤ 8"}
	for _, n := range sizes() {
		list = append(list, &program{
			name: lookup(n), command: []string{filepath.Join(dir, "auth"), "code", fmt.Sprintf("service%d", n/2)},
			env: []string{home(dir, n)}, against: get, bar: bars[n],
		})
	}
	return list
}

// uris returns n realistic accounts, of which the first has a number. No two of them are
// alike.
func uris(first, n int) string {
	var text strings.Builder
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&text, "otpauth://totp/Service%d:someone%d%%40example.com?secret=%s&issuer=Service%d\n", i, i*7919%1000, secret(i), i)
	}
	return text.String()
}

// secret returns 32 letters of base32 that do not compress.
func secret(seed int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	state := uint64(seed)*0x9E3779B97F4A7C15 + 1
	text := make([]byte, 32)
	for i := range text {
		state = state*6364136223846793005 + 1442695040888963407
		text[i] = letters[state>>59]
	}
	return string(text)
}

// rivals returns other programs that print a code, or an item of the keyring, each with
// one account of its own.
func rivals(dir string) ([]*program, error) {
	list := installed(program{
		name: "secret-tool lookup", command: []string{"secret-tool", "lookup", "service", smallService, "username", smallItem},
		against: lookup(100), bar: "> 1", rival: true,
	})
	list = append(list, installed(program{
		name: "oathtool (keeps nothing)", command: []string{"oathtool", "--totp", "-b", secret(0)}, against: lookup(30), rival: true,
	})...)
	for _, set := range []func(string) ([]*program, error){passOTP, gopass, keepassxc} {
		more, err := set(dir)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

func have(programs ...string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return false
		}
	}
	return true
}

func works(command ...string) bool { return exec.Command(command[0], command[1:]...).Run() == nil }

// passOTP makes a store of pass, with a key that has no passphrase.
func passOTP(dir string) ([]*program, error) {
	if !have("pass", "gpg") || !works("pass", "otp", "--help") {
		return nil, nil
	}
	env, err := gnupg(dir)
	if err != nil {
		return nil, err
	}
	env = append(env, "PASSWORD_STORE_DIR="+filepath.Join(dir, "pass-store"))
	if err := do(dir, env, "", "pass", "init", "bench@example.com"); err != nil {
		return nil, err
	}
	if err := do(dir, env, uris(0, 1), "pass", "otp", "insert", "service"); err != nil {
		return nil, err
	}
	return installed(program{name: "pass otp", command: []string{"pass", "otp", "service"}, env: env, against: lookup(30), bar: "≥ 3", rival: true}), nil
}

// gnupg makes a key without a passphrase, and returns where it is.
func gnupg(dir string) (env []string, err error) {
	place := filepath.Join(dir, "gnupg")
	env = []string{"GNUPGHOME=" + place}
	if _, err := os.Stat(place); err == nil {
		return env, nil
	}
	if err := os.Mkdir(place, 0o700); err != nil {
		return nil, err
	}
	return env, do(dir, env, "", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "bench@example.com", "default", "default", "never")
}

// gopass makes a store of gopass on the same key.
func gopass(dir string) ([]*program, error) {
	if !have("gopass", "gpg", "git") {
		return nil, nil
	}
	if !works("gopass", "otp", "--help") {
		fmt.Fprintln(os.Stderr, "gopass is left out: this version has no otp")
		return nil, nil
	}
	env, err := gnupg(dir)
	if err != nil {
		return nil, err
	}
	env = append(env, "GOPASS_HOMEDIR="+filepath.Join(dir, "gopass-home"), "GOPASS_NO_NOTIFY=1", "GOPASS_NO_REMINDER=1")
	store := filepath.Join(dir, "gopass-store")
	if err := do(dir, env, "", "gopass", "init", "--storage", "fs", "--path", store, "bench@example.com"); err != nil {
		return nil, err
	}
	if err := do(dir, env, "password\n"+uris(0, 1), "gopass", "insert", "-m", "-f", "service"); err != nil {
		return nil, err
	}
	return installed(program{name: "gopass otp", command: []string{"gopass", "otp", "-o", "service"}, env: env, against: lookup(30), bar: "≥ 3", rival: true}), nil
}

// keepassxc makes a database with a key file, at the cost that KeePassXC chooses.
func keepassxc(dir string) ([]*program, error) {
	if !have("keepassxc-cli") {
		return nil, nil
	}
	export, database, key := filepath.Join(dir, "bench.xml"), filepath.Join(dir, "bench.kdbx"), filepath.Join(dir, "bench.key")
	text := fmt.Sprintf(`<KeePassFile><Root><Group><UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID><Name>Root</Name><Entry>
<UUID>AAAAAAAAAAAAAAAAAAAAAg==</UUID><String><Key>Title</Key><Value>service</Value></String>
<String><Key>otp</Key><Value>otpauth://totp/Service?secret=%s</Value></String></Entry></Group></Root></KeePassFile>`, secret(0))
	if err := os.WriteFile(export, []byte(text), 0o600); err != nil {
		return nil, err
	}
	env := []string{"QT_QPA_PLATFORM=offscreen"}
	if err := do(dir, env, "", "keepassxc-cli", "import", "-q", "--set-key-file", key, export, database); err != nil {
		return nil, err
	}
	show := []string{"keepassxc-cli", "show", "-q", "--no-password", "-k", key, "-t", database, "service"}
	return installed(program{name: "keepassxc-cli show -t", command: show, env: env, against: lookup(30), bar: "≥ 3", rival: true}), nil
}

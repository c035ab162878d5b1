package transfer

import (
	"context"
	"crypto/aes"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer/keyedarchive"
)

// The words whose SHA-256 the app wraps its files with: a backup, a single account.
// They are in every copy of the app and protect nothing.
const (
	iosBackup    = "Authenticator"
	iosAccount   = "OTPAuth"
	iosMax       = 32 << 20 // bytes of a file that is still looked at
	iosSecretMax = 4 << 10  // bytes
)

// otpAuthIOS is the app OTP Auth for iOS: backups (.otpauthdb) and single accounts
// (.otpauth), in two versions each. Inside of the wrapping is an archive, and inside
// of that, under the passphrase, another.
//
// Source: the files themselves, and the script decrypt-otpauth-files that reads them too.
func otpAuthIOS() Format {
	return Format{
		Name: "otpauth-ios", Title: "OTP Auth (iOS)", Encrypted: true,
		Detect: func(s *Source) bool {
			_, err := unwrapIOS(s)
			return err == nil
		},
		Read:  readOTPAuthIOS,
		Notes: "Settings → Backups, or a single account shared as a file.",
	}
}

// unwrapIOS opens the wrapping, which needs no passphrase. The first block is tried
// before the whole, so that other files cost nothing.
func unwrapIOS(s *Source) (keyedarchive.Value, error) {
	if len(s.Data) < 2*aes.BlockSize || len(s.Data) > iosMax || len(s.Data)%aes.BlockSize != 0 {
		return keyedarchive.Value{}, ErrDamaged
	}
	for _, word := range []string{iosBackup, iosAccount} {
		key := sha256.Sum256([]byte(word))
		if !opensAsPlist(key[:], s.Data) {
			continue
		}
		plain, err := openCBC(key[:], make([]byte, aes.BlockSize), s.Data)
		if err != nil {
			return keyedarchive.Value{}, ErrDamaged
		}
		archive, err := keyedarchive.Read(plain)
		if err != nil {
			return keyedarchive.Value{}, ErrDamaged
		}
		return archive, nil
	}
	return keyedarchive.Value{}, ErrDamaged
}

// opensAsPlist reports whether the first block is that of a property list.
func opensAsPlist(key, data []byte) bool {
	block, err := aes.NewCipher(key)
	if err != nil {
		return false
	}
	var first [aes.BlockSize]byte
	block.Decrypt(first[:], data[:aes.BlockSize])
	return string(first[:8]) == "bplist00"
}

func readOTPAuthIOS(ctx context.Context, s *Source) (Batch, error) {
	outer, err := unwrapIOS(s)
	if err != nil {
		return Batch{}, err
	}
	sealed, isBackup := outer.Get("WrappedData").Bytes(), true
	if sealed == nil {
		sealed, isBackup = outer.Get("Data").Bytes(), false
	}
	if err := s.affordPBKDF2(ctx, sha1.New, rnRounds, 4*sha1.Size); err != nil { // two keys
		return Batch{}, err
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return Batch{}, err
	}
	var plain []byte
	salt := outer.Get("Salt").Text()
	if salt == "" {
		plain, err = openRNCryptor(sealed, passphrase)
	} else {
		iv := outer.Get("IV").Bytes()
		if iv == nil {
			iv = []byte(outer.Get("IV").Text())
		}
		plain, err = openIOS1(sealed, salt, iv, passphrase)
	}
	if err != nil {
		return Batch{}, err
	}
	inner, err := keyedarchive.Read(plain)
	if err != nil && salt != "" {
		return Batch{}, ErrWrongPassphrase // CBC: one wrong passphrase in 256 comes this far
	} else if err != nil {
		return Batch{}, ErrDamaged
	}
	var b Batch
	if !isBackup {
		b.takeIOS(0, inner, "")
		return b, nil
	}
	// Folders and accounts may be one and the same, many times over.
	seen := 0
	for folder := range inner.Get("Folders").List() {
		for a := range folder.Get("accounts").List() {
			if b.full() {
				return b, nil
			}
			b.takeIOS(seen, a, folder.Get("name").Text())
			if seen++; seen > maxAccounts {
				return Batch{}, fmt.Errorf("%w: more than %d accounts", ErrTooBig, maxAccounts)
			}
		}
		if seen++; seen > maxAccounts {
			return Batch{}, fmt.Errorf("%w: more than %d folders", ErrTooBig, maxAccounts)
		}
	}
	return b, nil
}

// takeIOS adds one account. 0 stands for a default, except as a type.
func (b *Batch) takeIOS(i int, v keyedarchive.Value, folder string) {
	r := row{kind: "unknown", issuer: v.Get("issuer").Text(), name: v.Get("label").Text(), key: iosSecret(v)}
	switch iosNumber(v, "type").value {
	case 1:
		r.kind, r.counter = string(account.HOTP), iosNumber(v, "counter")
	case 2:
		r.kind = string(account.TOTP)
	}
	switch iosNumber(v, "algorithm").value {
	case 0, 1:
	case 2:
		r.algorithm = string(account.SHA256)
	case 3:
		r.algorithm = string(account.SHA512)
	default:
		r.algorithm = "unknown"
	}
	if n := iosNumber(v, "digits"); n != num(0) {
		r.digits = n
	}
	if n := iosNumber(v, "period"); n != num(0) {
		r.period = n
	}
	if folder != "" {
		r.tags = []string{folder}
	}
	if v.Get("icon").Bytes() != nil {
		b.dropIcon()
	}
	b.take(i, r)
}

// iosSecret returns the secret, or no bytes where it is longer than any key is.
func iosSecret(v keyedarchive.Value) []byte {
	secret := v.Get("secret").Bytes()
	if len(secret) > iosSecretMax {
		return []byte{}
	}
	return append([]byte{}, secret...)
}

// iosNumber returns a member that is a whole number; one that is not there is 0.
func iosNumber(v keyedarchive.Value, key string) number {
	n, _ := v.Get(key).Number()
	return number{value: int64(n), set: true, bad: n != math.Trunc(n) || math.Abs(n) > 1<<53}
}

// openIOS1 opens AES-256-CBC with a key that is one SHA-256 of salt and passphrase.
func openIOS1(data []byte, salt string, iv []byte, passphrase string) ([]byte, error) {
	key := sha256.Sum256([]byte(salt + "-" + passphrase))
	sum := sha1.Sum(iv)
	return openCBC(key[:], sum[:aes.BlockSize], data)
}

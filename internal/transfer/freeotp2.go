package transfer

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"hash"
	"strings"
)

// freeOTP2 is the backup of FreeOTP 2: a serialized map of Java that holds a master
// key under the passphrase, a secret under that key for each account, and the rest
// of the accounts in the clear.
//
// Source: TokenPersistence, EncryptedKey and MasterKey in
// github.com/freeotp/freeotp-android.
func freeOTP2() Format {
	return Format{
		Name: "freeotp2", Title: "FreeOTP 2", Encrypted: true,
		Detect: func(s *Source) bool { return s.Has(javaMagic) },
		Read:   readFreeOTP2,
		Notes:  "Menu → Backup; the file is called `externalBackup.xml` and is no XML.",
	}
}

// A freeOTPKey is a key or secret under another key, as the app's JSON has it.
type freeOTPKey struct {
	Text       signed `json:"mCipherText"`
	Parameters signed `json:"mParameters"`
	Token      string `json:"mToken"` // what the MAC covers too
	Cipher     string `json:"mCipher"`
}

// freeOTPMaster is the master key with the parameters of its derivation.
type freeOTPMaster struct {
	Algorithm  string     `json:"mAlgorithm"`
	Iterations number     `json:"mIterations"`
	Salt       signed     `json:"mSalt"`
	Key        freeOTPKey `json:"mEncryptedKey"`
}

func readFreeOTP2(ctx context.Context, s *Source) (Batch, error) {
	pairs, err := readJavaMap(s.Data)
	if err != nil {
		return Batch{}, err
	}
	values := make(map[string]string, len(pairs))
	for _, p := range pairs {
		values[p.Key] = p.Value
	}
	text, found := values["masterKey"]
	if !found {
		return Batch{}, ErrDamaged
	}
	var master freeOTPMaster
	if json.Unmarshal([]byte(text), &master) != nil {
		return Batch{}, ErrDamaged
	}
	key, err := master.open(ctx, s)
	if err != nil {
		return Batch{}, err
	}
	var b Batch
	i := 0
	for _, p := range pairs {
		if token, found := values[p.Key+"-token"]; found {
			b.takeFreeOTP2(i, key, p.Value, token)
			i++
		}
	}
	return b, nil
}

func (b *Batch) takeFreeOTP2(i int, key []byte, sealed, token string) {
	var t freeOTPToken
	var outer struct {
		Key string `json:"key"`
	}
	var inner freeOTPKey
	if json.Unmarshal([]byte(token), &t) != nil {
		b.skip(rowName(i, "", ""), "not of the shape of an account")
		return
	}
	r := t.row()
	if json.Unmarshal([]byte(sealed), &outer) != nil || json.Unmarshal([]byte(outer.Key), &inner) != nil {
		b.skip(rowName(i, r.issuer, r.name), "its secret is not there")
		return
	}
	secret, err := inner.open(key)
	if err != nil {
		b.skip(rowName(i, r.issuer, r.name), "its secret is damaged")
		return
	}
	r.key = secret
	b.take(i, r)
}

// open asks for the passphrase and returns the master key.
func (m freeOTPMaster) open(ctx context.Context, s *Source) ([]byte, error) {
	var h func() hash.Hash
	switch strings.ToUpper(m.Algorithm) {
	case "PBKDF2WITHHMACSHA1":
		h = sha1.New
	case "PBKDF2WITHHMACSHA256":
		h = sha256.New
	case "PBKDF2WITHHMACSHA512":
		h = sha512.New
	default:
		return nil, ErrDamaged
	}
	if m.Iterations.bad {
		return nil, ErrDamaged
	}
	if err := s.affordPBKDF2(ctx, h, m.Iterations.value, 32); err != nil {
		return nil, err
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(h, passphrase, m.Salt, int(m.Iterations.value), 32)
	if err != nil {
		return nil, ErrDamaged
	}
	master, err := m.Key.open(key)
	if err == nil && len(master) != 32 && len(master) != 16 {
		return nil, ErrDamaged
	}
	return master, err
}

// open opens AES-GCM with the token as additional data.
func (k freeOTPKey) open(key []byte) ([]byte, error) {
	nonce, err := k.nonce()
	if err != nil || k.Cipher != "AES/GCM/NoPadding" {
		return nil, ErrDamaged
	}
	return openGCM(key, nonce, k.Text, []byte(k.Token))
}

// nonce reads the parameters, which are DER: the nonce alone, or in a sequence with
// the length of the tag (RFC 5084, section 3.2).
func (k freeOTPKey) nonce() ([]byte, error) {
	var nonce []byte
	if _, err := asn1.Unmarshal(k.Parameters, &nonce); err == nil {
		return nonce, checkNonce(nonce)
	}
	var p struct {
		Nonce []byte
		Tag   int `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(k.Parameters, &p); err != nil || p.Tag != 0 && p.Tag != 16 {
		return nil, ErrDamaged
	}
	return p.Nonce, checkNonce(p.Nonce)
}

func checkNonce(nonce []byte) error {
	if len(nonce) < 8 || len(nonce) > 64 {
		return errors.New("impossible nonce")
	}
	return nil
}

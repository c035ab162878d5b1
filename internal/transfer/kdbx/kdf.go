package kdbx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	argon2d "github.com/tobischo/argon2"
	"golang.org/x/crypto/argon2"
)

// Names of key derivations.
const (
	AES      = "AES-KDF"
	Argon2d  = "Argon2d"
	Argon2id = "Argon2id"
)

// A KDF is the key derivation that a file asks for.
type KDF struct {
	Name    string
	Rounds  uint64 // of AES-KDF
	Time    uint64 // passes of Argon2
	Memory  uint64 // KiB of Argon2
	Threads uint64 // of Argon2

	salt []byte
}

// kdfName returns which derivation a file names. KDBX 4 has two names for AES-KDF:
// KeePassXC writes the second.
func kdfName(uuid []byte) string {
	switch string(uuid) {
	case "\xc9\xd9\xf3\x9a\x62\x8a\x44\x60\xbf\x74\x0d\x08\xc1\x8a\x4f\xea",
		"\x7c\x02\xbb\x82\x79\xa7\x4a\xc0\x92\x7d\x11\x4a\x00\x64\x82\x38":
		return AES
	case "\xef\x63\x6d\xdf\x8c\x29\x44\x4b\x91\xf7\xa9\xa4\x03\xe3\x0a\x0c":
		return Argon2d
	case "\x9e\x29\x8b\x19\x56\xdb\x47\x73\xb2\x3d\xfc\x3e\xc6\xf0\xa1\xe6":
		return Argon2id
	}
	return ""
}

// argonVersion is 1.3, the only one that the libraries compute.
const argonVersion = 0x13

// readKDF reads the parameters of KDBX 4.
func readKDF(dictionary []byte) (KDF, error) {
	p, err := readDictionary(dictionary)
	if err != nil {
		return KDF{}, err
	}
	k := KDF{Name: kdfName(p["$UUID"]), salt: p["S"]}
	switch k.Name {
	case AES:
		var ok bool
		if k.Rounds, ok = number(p["R"]); !ok || len(k.salt) != 32 {
			return KDF{}, ErrDamaged
		}
		return k, nil
	case Argon2d, Argon2id:
		bytes, ok1 := number(p["M"])
		var ok2, ok3 bool
		k.Memory = bytes / 1024
		k.Time, ok2 = number(p["I"])
		k.Threads, ok3 = number(p["P"])
		version, ok4 := number(p["V"])
		if !ok1 || !ok2 || !ok3 || !ok4 || len(k.salt) < 8 {
			return KDF{}, ErrDamaged
		}
		if version != argonVersion || len(p["K"]) > 0 || len(p["A"]) > 0 {
			return KDF{}, ErrUnsupported
		}
		return k, nil
	}
	return KDF{}, ErrUnsupported
}

// readDictionary reads a variant dictionary: a version, then type, name and value
// each until a type of 0. The types of values are left to whoever asks for them.
func readDictionary(b []byte) (map[string][]byte, error) {
	if len(b) < 2 {
		return nil, ErrDamaged
	}
	if b[1] != 1 { // the major version
		return nil, ErrUnsupported
	}
	take := func() ([]byte, bool) {
		if len(b) < 4 {
			return nil, false
		}
		length := binary.LittleEndian.Uint32(b)
		if uint64(length) > uint64(len(b)-4) {
			return nil, false
		}
		v := b[4 : 4+length]
		b = b[4+length:]
		return v, true
	}
	p := map[string][]byte{}
	for b = b[2:]; ; {
		if len(b) == 0 {
			return nil, ErrDamaged
		}
		kind := b[0]
		if b = b[1:]; kind == 0 {
			return p, nil
		}
		name, ok := take()
		value, ok2 := take()
		if !ok || !ok2 {
			return nil, ErrDamaged
		}
		p[string(name)] = value
	}
}

// derive returns 32 bytes from the hash of the passphrase.
func (k KDF) derive(composite []byte) ([]byte, error) {
	if k.Name == AES {
		return k.aes(composite)
	}
	// What the libraries panic on, or what would not fit their arguments.
	if k.Time < 1 || k.Time > 1<<32-1 || k.Threads < 1 || k.Threads > 255 || k.Memory < 8*k.Threads || k.Memory > 1<<32-1 {
		return nil, ErrUnsupported
	}
	f := argon2.IDKey
	if k.Name == Argon2d {
		f = argon2d.DKey
	}
	return f(composite, k.salt, uint32(k.Time), uint32(k.Memory), uint8(k.Threads), 32), nil
}

// aes encrypts each half of the hash again and again. The halves never meet, so each
// has a goroutine.
func (k KDF) aes(composite []byte) ([]byte, error) {
	block, err := aes.NewCipher(k.salt)
	if err != nil {
		return nil, ErrDamaged
	}
	var out [32]byte
	copy(out[:], composite)
	var wait sync.WaitGroup
	for _, half := range [][]byte{out[:16], out[16:]} {
		wait.Go(func() { repeat(block, half, k.Rounds) })
	}
	wait.Wait()
	sum := sha256.Sum256(out[:])
	return sum[:], nil
}

// repeat encrypts one block rounds times. CBC over zeros with the block as its IV
// does just that, and costs a call for 4 KiB and not for 16 bytes.
func repeat(block cipher.Block, b []byte, rounds uint64) {
	zeros, out := make([]byte, 256*aes.BlockSize), make([]byte, 256*aes.BlockSize)
	mode := cipher.NewCBCEncrypter(block, b)
	for rounds > 0 {
		n := min(rounds, 256)
		mode.CryptBlocks(out[:n*aes.BlockSize], zeros[:n*aes.BlockSize])
		copy(b, out[(n-1)*aes.BlockSize:])
		rounds -= n
	}
}

package transfer

import (
	"context"
	"encoding/hex"
	"strings"
)

// Names of the preferences of the two apps that Battle.net has had.
const (
	battleSerial = "com.blizzard.messenger.AUTHENTICATOR_SERIAL"
	battleSecret = "com.blizzard.messenger.AUTHENTICATOR_DEVICE_SECRET"
	battleOld    = "com.blizzard.bma.AUTH_STORE.HASH"
)

// battleMask hides the texts of both apps; it is the same in every copy of them.
const battleMask = "\x39\x8e\x27\xfc\x50\x27\x6a\x65\x60\x65\xb0\xe5\x25\xf4\xc0\x6c\x04\xc6\x10\x75" +
	"\x28\x6b\x8e\x7a\xed\xa5\x9d\xa9\x81\x3b\x5d\xd6\xc8\x0d\x2f\xb3\x80\x68\x77\x3f" +
	"\xa5\x9b\xa4\x7c\x17\xca\x6c\x64\x79\x01\x5c\x1d\x5b\x8b\x8f\x6b\x9a"

// battleNet is the store of the Battle.net app, or of the authenticator before it, of
// a rooted phone.
//
// Source: BattleNetImporter of Aegis, and the files themselves.
func battleNet() Format {
	return Format{
		Name: "battlenet", Title: "Battle.net",
		Detect: func(s *Source) bool {
			_, found := find(s.Prefs(), battleSecret)
			_, old := find(s.Prefs(), battleOld)
			return found || old
		},
		Read:  func(_ context.Context, s *Source) (Batch, error) { return readBattleNet(s) },
		Notes: "The file `com.blizzard.messenger.authenticator_preferences.xml` (or `com.blizzard.bma.AUTH_STORE.xml`) in `shared_prefs` of a rooted phone.",
	}
}

func readBattleNet(s *Source) (Batch, error) {
	serial, secret, err := battleTexts(s)
	if err != nil {
		return Batch{}, err
	}
	key, err := hex.DecodeString(secret)
	if err != nil || len(key) == 0 {
		return Batch{}, ErrDamaged
	}
	var b Batch
	b.take(0, row{issuer: "Battle.net", name: serial, key: key, digits: num(8)})
	return b, nil
}

// battleTexts returns the serial and the secret, which is hex of 20 bytes.
func battleTexts(s *Source) (serial, secret string, err error) {
	if old, found := find(s.Prefs(), battleOld); found {
		text, err := battleUnmask(old)
		if err != nil || len(text) < 40 {
			return "", "", ErrDamaged
		}
		return strings.TrimSpace(text[40:]), text[:40], nil
	}
	masked, _ := find(s.Prefs(), battleSecret)
	if secret, err = battleUnmask(masked); err != nil {
		return "", "", err
	}
	masked, _ = find(s.Prefs(), battleSerial)
	serial, err = battleUnmask(masked)
	return serial, secret, err
}

// battleUnmask decodes hex and takes the mask off.
func battleUnmask(text string) (string, error) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) > len(battleMask) {
		return "", ErrDamaged
	}
	for i := range b {
		b[i] ^= battleMask[i]
	}
	return string(b), nil
}

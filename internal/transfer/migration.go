package transfer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// A part is one QR code of Google Authenticator's export.
type part struct{ batch, index, size int32 }

const (
	migrationScheme = "otpauth-migration:"
	migrationParts  = 10      // accounts in a QR code, as Google's app does it
	migrationBytes  = 1000    // of accounts in a QR code, so that a screen can show it
	maxParts        = 1000    // of a batch that is believed
	maxBatches      = 100     // exports whose missing parts are named
	maxMigration    = 1 << 20 // bytes of a URI; a QR code holds 2,953
)

var (
	errNotBase64   = errors.New("the migration data are not base64")
	errMD5         = errors.New("unknown algorithm (MD5)")
	errMigrationID = errors.New("unknown value in the migration data")
)

// migration is Google Authenticator's own export: QR codes that say
// otpauth-migration://offline?data=BASE64 of a protocol buffer.
//
// Source: the messages MigrationPayload and OtpParameters, as taken from the app by
// several projects; field numbers in readPayload and readParameters.
func migration() Format {
	return Format{
		Name: "google", Title: "Google Authenticator (transfer QR codes)",
		Detect: func(s *Source) bool {
			text := strings.TrimSpace(s.Text())
			return len(text) > 0 && len(text) < 1<<20 && hasPrefixFold(text, migrationScheme) && !strings.Contains(text, "\n")
		},
		Read:  func(_ context.Context, s *Source) (Batch, error) { return readLines(s) },
		Write: writeMigration,
		Holds: Holds{
			Types: []account.Type{account.TOTP, account.HOTP}, Algorithms: []account.Algorithm{account.SHA1, account.SHA256, account.SHA512},
			Digits: []int{6, 8}, Periods: []int{30}, MaxCounter: 1<<63 - 1, Plain: true,
		},
		Notes: "Transfer accounts → Export accounts. Several codes of one export are read in any order. An export is QR codes of at most ten accounts.",
	}
}

// readMigration adds the accounts of one otpauth-migration URI.
func readMigration(b *Batch, row, uri string) {
	if len(uri) > maxMigration {
		b.skip(row, fmt.Sprintf("%v: more than %d bytes in one migration URI", ErrTooBig, maxMigration))
		return
	}
	payload, err := migrationData(uri)
	if err != nil {
		b.skip(row, err.Error())
		return
	}
	if err := readPayload(b, row, payload); err != nil {
		b.skip(row, err.Error())
	}
}

// migrationData returns the protocol buffer of a URI. The base64 may be
// percent-encoded or not, with + gone to a space, without padding, of either alphabet.
func migrationData(uri string) ([]byte, error) {
	_, query, _ := strings.Cut(uri, "?")
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(name, "data") {
			continue
		}
		if decoded, err := url.PathUnescape(value); err == nil {
			value = decoded
		}
		value = strings.NewReplacer(" ", "+", "-", "+", "_", "/", "\n", "", "=", "").Replace(value)
		data, err := base64.RawStdEncoding.DecodeString(value)
		if err != nil {
			return nil, errNotBase64
		}
		return data, nil
	}
	return nil, errors.New("the migration URI has no data")
}

func readPayload(b *Batch, row string, data []byte) error {
	p, entries := part{size: 1}, 0
	err := fields(data, func(number int, value uint64, bytes []byte) {
		switch number {
		case 1:
			entries++
			if b.full() {
				return
			}
			name := fmt.Sprintf("%s, account %d", row, entries)
			a, err := readParameters(bytes)
			if label := a.Label(); label != "" {
				name = label
			}
			b.add(name, a, err)
		case 3:
			p.size = int32(value)
		case 4:
			p.index = int32(value)
		case 5:
			p.batch = int32(value)
		}
	})
	if err != nil {
		return err
	}
	if entries == 0 {
		return errors.New("the migration data hold no account")
	}
	if len(b.parts) < maxParts*maxBatches {
		b.parts = append(b.parts, p)
	}
	return nil
}

// readParameters reads one account. There is no field for the period: it is 30 s.
func readParameters(data []byte) (account.Account, error) {
	a := account.Account{Credential: account.Default(account.TOTP)}
	var kind, algorithm, digits, counter uint64
	var secret []byte
	var label string
	if err := fields(data, func(number int, value uint64, bytes []byte) {
		switch number {
		case 1:
			secret = bytes
		case 2:
			label = string(bytes)
		case 3:
			a.Issuer = account.Clean(string(bytes))
		case 4:
			algorithm = value
		case 5:
			digits = value
		case 6:
			kind = value
		case 7:
			counter = value
		}
	}); err != nil {
		return a, err
	}
	a.Issuer, a.Name = splitKnown(label, a.Issuer)
	switch kind {
	case 0, 2:
	case 1:
		a.Credential = account.Default(account.HOTP)
		a.Counter = counter
	default:
		return a, errMigrationID
	}
	switch algorithm {
	case 0, 1:
	case 2:
		a.Algorithm = account.SHA256
	case 3:
		a.Algorithm = account.SHA512
	case 4:
		return a, errMD5
	default:
		return a, errMigrationID
	}
	switch digits {
	case 0, 1:
	case 2:
		a.Digits = 8
	case 3:
		a.Digits = 7
	default:
		return a, errMigrationID
	}
	a.Secret = account.NewSecret(secret)
	if a.Secret.Empty() {
		return a, errNoSecret
	}
	return a, nil
}

// missingParts returns a sentence for every batch of which parts are missing.
func missingParts(parts []part) []string {
	seen := map[int32][]bool{}
	var batches []int32
	for _, p := range parts {
		if p.size < 2 || p.size > maxParts || p.index < 0 || p.index >= p.size {
			continue
		}
		if seen[p.batch] == nil && len(batches) == maxBatches {
			continue
		}
		if seen[p.batch] == nil {
			seen[p.batch] = make([]bool, p.size)
			batches = append(batches, p.batch)
		}
		if int(p.index) < len(seen[p.batch]) {
			seen[p.batch][p.index] = true
		}
	}
	var out []string
	for _, batch := range batches {
		var missing []string
		for i, there := range seen[batch] {
			if !there {
				missing = append(missing, strconv.Itoa(i+1))
			}
		}
		switch {
		case len(missing) == 1:
			out = append(out, fmt.Sprintf("part %s of %d of the Google export is missing", missing[0], len(seen[batch])))
		case len(missing) > 1:
			out = append(out, fmt.Sprintf("parts %s of %d of the Google export are missing", strings.Join(missing, ", "), len(seen[batch])))
		}
	}
	return out
}

func writeMigration(accounts []account.Account, o WriteOptions) (Output, error) {
	var id [4]byte
	if _, err := io.ReadFull(o.Rand, id[:]); err != nil {
		return Output{}, err
	}
	batch := uint64(id[0]) | uint64(id[1])<<8 | uint64(id[2])<<16 | uint64(id[3]&0x7f)<<24
	payloads := migrationPayloads(accounts)
	var out Output
	for index, payload := range payloads {
		for i, value := range []uint64{1, uint64(len(payloads)), uint64(index), batch} { // version, batch_size, batch_index, batch_id
			payload = appendVarint(payload, i+2, value)
		}
		out.Texts = append(out.Texts, "otpauth-migration://offline?data="+url.QueryEscape(base64.StdEncoding.EncodeToString(payload)))
	}
	return out, nil
}

// migrationPayloads returns the accounts of each QR code.
func migrationPayloads(accounts []account.Account) [][]byte {
	var out [][]byte
	var payload []byte
	count := 0
	for _, a := range accounts {
		entry := appendBytes(nil, 1, appendParameters(nil, a))
		if count == migrationParts || count > 0 && len(payload)+len(entry) > migrationBytes {
			out, payload, count = append(out, payload), nil, 0
		}
		payload, count = append(payload, entry...), count+1
	}
	if count > 0 {
		out = append(out, payload)
	}
	return out
}

func appendParameters(b []byte, a account.Account) []byte {
	b = appendBytes(b, 1, a.Secret.Reveal())
	// Google's app shows the name alone where it has no issuer in it, and the issuer
	// above it; a name with a colon needs its issuer in front to be read back.
	name := a.Name
	if strings.Contains(name, ":") {
		name = a.Issuer + ":" + name
	}
	b = appendBytes(b, 2, []byte(name))
	b = appendBytes(b, 3, []byte(a.Issuer))
	b = appendVarint(b, 4, uint64(slices.Index([]account.Algorithm{account.SHA1, account.SHA256, account.SHA512}, a.Algorithm)+1))
	b = appendVarint(b, 5, map[int]uint64{6: 1, 8: 2}[a.Digits])
	if a.Type == account.HOTP {
		return appendVarint(appendVarint(b, 6, 1), 7, a.Counter)
	}
	return appendVarint(b, 6, 2)
}

package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/slip39"
	"github.com/authcli/auth/internal/term"
)

// parseShares parses what --shares says, for example 3/5.
func parseShares(text string) (threshold, total int, err error) {
	if n, err := fmt.Sscanf(text, "%d/%d", &threshold, &total); err != nil || n != 2 || fmt.Sprintf("%d/%d", threshold, total) != text {
		return 0, 0, usagef("--shares takes two numbers such as 3/5: five shares, of which three are needed")
	}
	return threshold, total, nil
}

// writeShares splits the recovery key and writes a sheet for each share to a folder: all
// of them or none, so that shares of two sets are not mixed.
func (s *session) writeShares(ctx context.Context, o keyOptions) error {
	threshold, total, err := parseShares(o.split)
	switch {
	case err != nil:
		return err
	case o.to == "":
		return usagef("--shares writes one file a share to a folder: name it with --to DIR")
	}
	key, secret, err := s.device.KeyText(ctx)
	if err != nil {
		return err
	}
	if err := apartFromBackups(key, o.to); err != nil {
		return err
	}
	recovery, err := backup.ParseRecoveryKey(secret)
	if err != nil {
		return err
	}
	shares, err := recovery.Shares(threshold, total)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.to, 0o700); err != nil {
		return err
	}
	paths := make([]string, total)
	for i, share := range shares {
		paths[i] = filepath.Join(o.to, fmt.Sprintf("share-%d-of-%d.txt", share.Number(), total))
		if _, err := os.Lstat(paths[i]); err == nil && !o.force {
			return fmt.Errorf("%w: %s", errExists, paths[i])
		}
	}
	for i, share := range shares {
		if err := create(ctx, paths[i], o.force, []byte(shareSheet(key, share, total, s.Now()))); err != nil {
			for _, path := range paths[:i] {
				os.Remove(path) // a set that lacks a share is none
			}
			return err
		}
	}
	if s.json {
		return s.printJSON(jsonShares{jsonVersion, key.ID, threshold, paths})
	}
	s.say("wrote %s to %s, of which any %d open the location", count(total, "share"), term.Escape(o.to), threshold)
	s.say("print each, give each to somebody else or keep it in another place, then delete the files")
	return nil
}

type jsonShares struct {
	Version   int      `json:"version"`
	Key       string   `json:"key"`
	Threshold int      `json:"threshold"`
	Files     []string `json:"files"`
}

// shareColumns is how many words stand in a line of a sheet.
const shareColumns = 5

// shareSheet returns the text of a printed share. Every line except those of the words is a
// comment.
func shareSheet(key device.Key, share slip39.Share, total int, now time.Time) string {
	var words strings.Builder
	for i, word := range share.Words() {
		format := "%2d %-9s  "
		if i%shareColumns == shareColumns-1 {
			format = "%2d %s\n"
		}
		fmt.Fprintf(&words, format, i+1, word)
	}
	return fmt.Sprintf(`# Share %d of %d of the recovery key of the backups at %s
# Key %s, split on %s. Any %d of the %d shares open every backup.
# This one alone opens nothing. Keep it where fire and thieves do not come, and
# not beside another share.
#
%s#
# To bring everything back, install auth (https://github.com/authcli/auth) and
# gather %d shares. LOCATION is the folder of the backups on the new machine.
# From the printed sheets:  auth restore LOCATION --shares
# From files:               auth restore LOCATION --shares FILE FILE...
# Without auth:             every program for SLIP-39 joins shares. There is no
# passphrase. 34 bytes come out. The first two say PQ, for AGE-SECRET-KEY-PQ-, or
# EC, for AGE-SECRET-KEY-. The others are what follows that, in Bech32.
`, share.Number(), total, strings.Join(strings.Fields(key.Location), " "),
		key.ID, now.Format(time.DateOnly), share.Threshold(), total, words.String(), share.Threshold())
}

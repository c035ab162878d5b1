package backup

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// ReadNewest is [ReadInventory] for callers that need only the newest state. It does not
// read a file if a newer file of the same device supersedes it.
func ReadNewest(ctx context.Context, loc location.Location, keys Keys) (Inventory, error) {
	return readInventory(ctx, loc, keys, func(wanted []location.Entry) ([]location.Entry, []File) {
		first, rest := newestByName(wanted)
		files := readAll(ctx, loc, first, keys.All())
		superseded := map[string]bool{}
		for _, f := range files {
			if f.State == Good && keys.current(f.Key) {
				for _, hash := range f.Content.Supersedes {
					superseded[f.Content.Device+hash[:min(len(hash), shortHash)]] = true
				}
			}
		}
		rest = slices.DeleteFunc(rest, func(e location.Entry) bool {
			n, _ := ParseFileName(e.Name)
			return superseded[n.Device+n.Hash]
		})
		return append(first, rest...), append(files, readAll(ctx, loc, rest, keys.All())...)
	})
}

// newestByName splits files in two by their names. first has the newest file of each
// device and every file whose name cannot be parsed. rest has the others.
func newestByName(entries []location.Entry) (first, rest []location.Entry) {
	newest := map[string]FileName{}
	for _, e := range entries {
		if n, ok := ParseFileName(e.Name); ok {
			if have := newest[n.Device]; have.Generation < n.Generation || have.Generation == n.Generation && have.Time.Before(n.Time) {
				newest[n.Device] = n
			}
		}
	}
	for _, e := range entries {
		if n, ok := ParseFileName(e.Name); !ok || newest[n.Device] == n {
			first = append(first, e)
		} else {
			rest = append(rest, e)
		}
	}
	return first, rest
}

// Newest returns the files with the newest state of each device, by device id. These are
// the files that no other file of the device supersedes. If before is not zero, files
// written later are ignored. Unsigned files are ignored unless unsigned is true.
func (inv Inventory) Newest(before time.Time, unsigned bool) map[string][]File {
	usable := map[string][]File{}
	for _, f := range inv.Files {
		if f.Content == nil || f.State == Unsigned && !unsigned || !before.IsZero() && f.Content.Created.After(before) {
			continue
		}
		usable[f.Content.Device] = append(usable[f.Content.Device], f)
	}
	newest := map[string][]File{}
	for device, files := range usable {
		superseded := map[string]bool{}
		for _, f := range files {
			if f.State != Good {
				continue // an unsigned file may add accounts, but must not hide other files
			}
			for _, hash := range f.Content.Supersedes {
				superseded[hash[:min(len(hash), shortHash)]] = true
			}
		}
		seen := map[string]bool{}
		for _, f := range files {
			if short := f.Hash[:shortHash]; !superseded[short] && !seen[short] {
				seen[short] = true // skips conflict copies with the same bytes
				newest[device] = append(newest[device], f)
			}
		}
	}
	return newest
}

// Merge merges the newest files of all devices into one state. The result has no
// device-bound secrets, because no backup contains them.
func Merge(newest map[string][]File) *vault.State {
	var files []File
	for _, list := range newest {
		files = append(files, list...)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Hash, b.Hash) })
	merged := new(vault.State)
	for i, f := range files {
		if i == 0 {
			merged = f.Content.State.Clone()
			continue
		}
		merged, _ = vault.Merge(merged, f.Content.State)
	}
	return merged
}

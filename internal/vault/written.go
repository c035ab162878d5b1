package vault

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/keyring"
)

// trimWritten drops from the [WrittenItem] the files that hold more than the generation
// held, before a vault goes on from there: what only such a file holds would be
// superseded by the next backup. Where the vault went back, a file of an unknown
// generation is dropped too. A file of this device that is not listed is no loss: the
// device takes a new id, and a sync merges the file.
func (v *Vault) trimWritten(ctx context.Context, held uint64, wentBack bool) error {
	text, found, err := v.item(ctx, WrittenItem)
	if err != nil || !found {
		return err
	}
	all := strings.Fields(text)
	kept := slices.DeleteFunc(slices.Clone(all), func(entry string) bool {
		number, _, numbered := strings.Cut(entry, ":")
		if !numbered {
			return wentBack
		}
		generation, err := strconv.ParseUint(number, 10, 64)
		return err != nil || generation > held
	})
	switch {
	case len(kept) == len(all):
		return nil
	case len(kept) == 0:
		return keyring.Remove(ctx, v.o.Keyring, WrittenItem.String())
	default:
		return keyring.Put(ctx, v.o.Keyring, WrittenItem.String(), strings.Join(kept, "\n"))
	}
}

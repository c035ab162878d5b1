package device

import (
	"context"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/vault"
)

// A Lost is what was done about a device that is gone.
type Lost struct {
	Rekeyed

	Device  string          // its id
	Removed int             // how many of its backups were deleted
	Exposed []vault.Account // accounts here whose secret it held
}

// Lose does what has to be done when a device is gone, once the [Asker] has confirmed it:
// it merges what the others wrote, and of that device what it wrote until since, without
// anything that it erased; it marks every account as exposed whose secret that device
// held; it makes a new recovery key; and it deletes that device's backups. since is zero
// where everything that it wrote counts. Its files that cannot be read are as with
// [Device.Forget].
func (d *Device) Lose(ctx context.Context, name string, since time.Time, o EnableOptions) (Lost, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Lost{}, err
	}
	inv, err := d.read(ctx, backup.ReadInventory, loc, e.Keys())
	if err != nil {
		return Lost{}, err
	}
	newest := inv.Newest(time.Time{}, false)
	which, err := d.findDevice(ctx, newest, name)
	if err != nil {
		return Lost{}, err
	}
	id := which.ID
	left, err := unusable(loc, inv, id)
	if err != nil {
		return Lost{}, err
	}
	lost := Lost{Device: id}
	deviceName := deviceName(newest[id][0])
	if err := d.confirm(ctx, Question{Kind: LoseDevice, Device: which}); err != nil {
		return lost, err
	}
	if err := d.learn(ctx, loc, inv); err != nil {
		return lost, err
	}
	held := backup.Merge(map[string][]backup.File{id: newest[id]})
	newest[id] = inv.Newest(since, false)[id]
	if len(newest[id]) == 0 {
		delete(newest, id) // it wrote nothing before that
	}
	merged, err := d.merge(ctx, newest, withoutPurges)
	lost.Report = merged.Report
	lost.addSkipped(left)
	if err != nil {
		return lost, err
	}
	err = d.write(ctx, update, func(tx *vault.Tx) error {
		lost.Exposed = heldBy(held, tx.State)
		tx.Expose(lost.Exposed, deviceName)
		return nil
	})
	if err != nil {
		return lost, err
	}
	met := lost.Notices
	lost.Rekeyed, err = d.replaceKey(ctx, loc, o, id)
	lost.Notices = append(met, lost.Notices...)
	if err != nil {
		return lost, err
	}
	lost.Removed, err = removeFiles(ctx, loc, inv, id)
	return lost, err
}

// heldBy returns the live accounts whose present secret another state has, or had.
func heldBy(other, here *vault.State) []vault.Account {
	secrets := map[string]bool{}
	for _, a := range other.Accounts() {
		secrets[vault.Hash(a.Credential)] = true
	}
	for _, t := range other.Trash {
		secrets[vault.Hash(t.Credential)] = true
	}
	var list []vault.Account
	for _, a := range here.Accounts() {
		if hash := vault.Hash(a.Credential); hash != "" && secrets[hash] {
			list = append(list, a)
		}
	}
	return list
}

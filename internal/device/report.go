package device

import "github.com/authcli/auth/internal/backup"

// A Report has the side effects of an action: its backup and its notices.
type Report struct {
	File  string // the backup file that holds the vault as it is now; empty for none
	Bytes int    // its size, where it was written now
	// Stale is why the vault as it is now is not backed up, where backup is on.
	Stale   error
	Notices []Notice
}

// A Notice is about something unusual that was found and handled.
type Notice struct {
	Kind NoticeKind
	Name string // a file's name, or an account's label
	Err  error
	// Found and Expected are generations of the vault.
	Found, Expected uint64
}

// A NoticeKind says what a [Notice] is about.
type NoticeKind int

// The kinds of notices.
const (
	// VaultReplaced: the keyring holds another vault than this device last saw.
	VaultReplaced NoticeKind = iota
	// VaultRolledBack: the keyring holds the generation Found; Expected was seen last.
	VaultRolledBack
	// NewDeviceID: another machine writes backups under this device's id, so that this
	// one took a new id.
	NewDeviceID
	// WrittenAgain: the last backup, Name, was missing or altered at the location, and
	// another one was written in its place.
	WrittenAgain
	// PutBack: the file Name was missing or altered at the location.
	PutBack
	// NotMended: Err says what could not be put in order at the location.
	NotMended
	// SealedKeyGone: the sealed key Name is neither at the location nor here, so that it
	// is not known whether it was under the old passphrase.
	SealedKeyGone
	// MarkerMended: the marker of the vault was damaged, as Err says, and was made anew.
	MarkerMended
	// MarkerUnwritten: the change is stored, and the marker could not be written, for Err.
	MarkerUnwritten
	// DeviceRenewed: who this device is could not be read, as Err says: it has a new id.
	DeviceRenewed
	// CopyLeft: the copy of the vault that a move has left in the other keyring is still
	// there, for Err.
	CopyLeft
	// NotMerged: the file Name at the location could not be used, for Err, and what it holds
	// was not merged.
	NotMerged
	// NothingMerged: another key took the place of this device's, so that whoever has found
	// this one could have written what lies at the location.
	NothingMerged
	// SetAside: a file keyring that was damaged, or whose passphrase is forgotten, is the
	// file Name from now on, and a new one is in its place.
	SetAside
	// SheetVoid: the last sheet that this device made has an earlier key, or that of another
	// location.
	SheetVoid
	// StampAhead: the account Name is stamped more than a day ahead of this clock.
	StampAhead
)

// report returns a report with what the vault met since the last one.
func (d *Device) report() Report {
	r := Report{Notices: d.met}
	d.met = nil
	return r
}

func (r *Report) add(n Notice) { r.Notices = append(r.Notices, n) }

// addSkipped notes the files that could not be used.
func (r *Report) addSkipped(files []backup.File) {
	for _, f := range files {
		r.add(Notice{Kind: NotMerged, Name: f.Name, Err: f.Err})
	}
}

// took takes over what a backup did.
func (r *Report) took(done backup.Done) {
	if done.File != "" {
		r.File, r.Bytes = done.File, done.Bytes
	}
}

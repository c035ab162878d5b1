package location_test

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

// disk is the file system of a machine, with paths in the syntax of its system.
type disk struct {
	files fstest.MapFS
	env   map[string]string
}

// clean turns C:\Users\alice and /home/alice into paths for fs.FS.
func clean(name string) string {
	return strings.Trim(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/")
}

func (d disk) options(goos, home string) location.DetectOptions {
	return location.DetectOptions{
		GOOS:     goos,
		Home:     home,
		Getenv:   func(name string) string { return d.env[name] },
		Stat:     func(name string) (fs.FileInfo, error) { return d.files.Stat(clean(name)) },
		ReadDir:  func(name string) ([]fs.DirEntry, error) { return d.files.ReadDir(clean(name)) },
		ReadFile: func(name string) ([]byte, error) { return d.files.ReadFile(clean(name)) },
	}
}

// machine has the given folders, and files with the given content.
func machine(env, files map[string]string, folders ...string) disk {
	d := disk{files: fstest.MapFS{}, env: env}
	for _, folder := range folders {
		d.files[clean(folder)] = &fstest.MapFile{Mode: fs.ModeDir | 0o700}
	}
	for name, text := range files {
		d.files[clean(name)] = &fstest.MapFile{Data: []byte(text)}
	}
	return d
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		goos, home string
		disk       disk
		want       []location.Found
	}{
		"nothing": {"linux", "/home/alice", machine(nil, nil, "/home/alice"), nil},
		"no home": {"linux", "", machine(nil, nil, "/Dropbox"), nil},
		"linux": {
			"linux", "/home/alice",
			machine(nil, map[string]string{
				"/home/alice/.dropbox/info.json": `{"personal": {"path": "/mnt/data/Dropbox (Private)", "host": 1, "is_team": false}, "business": {"path": "/home/alice/Dropbox (Work)"}}`,
				"/home/alice/.config/Nextcloud/nextcloud.cfg": "[Accounts]\n0\\Folders\\1\\localPath=/mnt/data/cloud/\n0\\Folders\\1\\paused=false\n" +
					"0\\FoldersWithPlaceholders\\2\\localPath=/mnt/data/virtual/\n0\\Folders\\3\\localPath=/mnt/\\x30af\n",
				"/home/alice/.local/state/syncthing/config.xml": `<configuration version="37">
					<folder id="a" path="~/Sync" type="sendreceive"><paused>false</paused></folder>
					<folder id="b" path="/srv/incoming" type="receiveonly"/>
					<folder id="c" path="/srv/paused"><paused>true</paused></folder>
					<folder id="d" path="/srv/none"/>
					<device id="x"/></configuration>`,
				"/home/alice/ownCloud": "a file of that name",
			}, "/home/alice/OneDrive", "/mnt/data/Dropbox (Private)", "/home/alice/Dropbox (Work)", "/home/alice/Dropbox", "/home/alice/Nextcloud",
				"/mnt/data/cloud", "/mnt/data/virtual", "/home/alice/Sync", "/srv/incoming", "/srv/paused", "/home/alice/pCloudDrive", "/home/alice/MEGA",
				"/home/alice/SynologyDrive", "/home/alice/Box", "/home/alice/iCloudDrive"),
			[]location.Found{
				{Service: "OneDrive", Path: "/home/alice/OneDrive"},
				{Service: "Dropbox", Path: "/mnt/data/Dropbox (Private)"},
				{Service: "Dropbox", Path: "/home/alice/Dropbox (Work)"},
				{Service: "Dropbox", Path: "/home/alice/Dropbox"},
				{Service: "Nextcloud", Path: "/mnt/data/cloud"},
				{Service: "Nextcloud", Path: "/mnt/data/virtual"},
				{Service: "Nextcloud", Path: "/home/alice/Nextcloud"},
				{Service: "Syncthing", Path: "/home/alice/Sync"},
				{Service: "pCloud", Path: "/home/alice/pCloudDrive"},
				{Service: "MEGA", Path: "/home/alice/MEGA"},
				{Service: "Synology Drive", Path: "/home/alice/SynologyDrive"},
			},
		},
		"linux with XDG folders": {
			"linux", "/home/alice",
			machine(map[string]string{"XDG_CONFIG_HOME": "/x/config", "XDG_STATE_HOME": "/x/state", "STHOMEDIR": "/x/st"}, map[string]string{
				"/x/config/syncthing/config.xml":  `<configuration><folder path="/srv/old"/></configuration>`,
				"/x/state/syncthing/config.xml":   `<configuration><folder path="/srv/new"/></configuration>`,
				"/x/st/config.xml":                `<configuration><folder path="/srv/own"/></configuration>`,
				"/x/config/ownCloud/owncloud.cfg": "1\\Folders\\abc\\localPath=/srv/own\n",
			}, "/srv/old", "/srv/new", "/srv/own"),
			[]location.Found{
				{Service: "ownCloud", Path: "/srv/own"},
				{Service: "Syncthing", Path: "/srv/new"},
				{Service: "Syncthing", Path: "/srv/old"},
			},
		},
		"macOS": {
			"darwin", "/Users/alice",
			machine(nil, map[string]string{
				"/Users/alice/.dropbox/info.json":                                `{"personal": {"path": "/Users/alice/Library/CloudStorage/Dropbox"}}`,
				"/Users/alice/Library/Application Support/Syncthing/config.xml":  `<configuration><folder path="~/Sync"/></configuration>`,
				"/Users/alice/Library/Preferences/Nextcloud/nextcloud.cfg":       "0\\Folders\\1\\localPath=/Users/alice/Clouds/Nextcloud/\n",
				"/Users/alice/Library/CloudStorage/OneDrive-notes.txt":           "a file",
				"/Users/alice/Library/CloudStorage/GoogleDrive-b@c.com/.Trash/x": "no drive of ours in it",
			}, "/Users/alice/Library/Mobile Documents/com~apple~CloudDocs", "/Users/alice/Library/CloudStorage/OneDrive-Personal",
				"/Users/alice/Library/CloudStorage/OneDrive-Org", "/Users/alice/Library/CloudStorage/Dropbox", "/Users/alice/Sync", "/Users/alice/Clouds/Nextcloud",
				"/Users/alice/Library/CloudStorage/GoogleDrive-alice@example.com/My Drive", "/Users/alice/Library/CloudStorage/ProtonDrive-alice@example.com",
				"/Users/alice/Library/CloudStorage/Box-Box", "/Users/alice/Library/CloudStorage/Boxcryptor", "/Users/alice/pCloud Drive", "/Users/alice/MEGA",
				"/Users/alice/Library/CloudStorage/SynologyDrive-home"),
			[]location.Found{
				{Service: "iCloud Drive", Path: "/Users/alice/Library/Mobile Documents/com~apple~CloudDocs"},
				{Service: "OneDrive", Path: "/Users/alice/Library/CloudStorage/OneDrive-Org"},
				{Service: "OneDrive", Path: "/Users/alice/Library/CloudStorage/OneDrive-Personal"},
				{Service: "Dropbox", Path: "/Users/alice/Library/CloudStorage/Dropbox"},
				{Service: "Google Drive", Path: "/Users/alice/Library/CloudStorage/GoogleDrive-alice@example.com/My Drive"},
				{Service: "Nextcloud", Path: "/Users/alice/Clouds/Nextcloud"},
				{Service: "Syncthing", Path: "/Users/alice/Sync"},
				{Service: "Proton Drive", Path: "/Users/alice/Library/CloudStorage/ProtonDrive-alice@example.com"},
				{Service: "pCloud", Path: "/Users/alice/pCloud Drive"},
				{Service: "MEGA", Path: "/Users/alice/MEGA"},
				{Service: "Box", Path: "/Users/alice/Library/CloudStorage/Box-Box"},
				{Service: "Synology Drive", Path: "/Users/alice/Library/CloudStorage/SynologyDrive-home"},
			},
		},
		"Windows": {
			"windows", `C:\Users\alice`,
			machine(map[string]string{
				"OneDrive": `C:\Users\alice\OneDrive`, "OneDriveConsumer": `c:\users\alice\onedrive`, "OneDriveCommercial": `C:\Users\alice\OneDrive - Org`,
				"LOCALAPPDATA": `C:\Users\alice\AppData\Local`,
			}, map[string]string{
				`C:\Users\alice\AppData\Local\Dropbox\info.json`:          `{"personal": {"path": "D:\\Dropbox"}}`,
				`C:\Users\alice\AppData\Local\Syncthing\config.xml`:       `<configuration><folder path="E:\Sync"/></configuration>`,
				`C:\Users\alice\AppData\Roaming\Nextcloud\nextcloud.cfg`:  "0\\Folders\\1\\localPath=D:/Cloud/\n",
				`C:\Users\alice\AppData\Roaming\OpenCloud\opencloud.cfg`:  "not what we know",
				`C:\Users\alice\AppData\Roaming\Dropbox\info.json`:        `not JSON`,
				`C:\Users\alice\AppData\Roaming\Syncthing\somewhere.else`: "",
			}, `C:\Users\alice\iCloudDrive`, `C:\Users\alice\OneDrive`, `c:\users\alice\onedrive`, `C:\Users\alice\OneDrive - Org`, `D:\Dropbox`, `E:\Sync`, `D:\Cloud`,
				`G:\My Drive`, `C:\Users\alice\Proton Drive`, `P:\`, `C:\Users\alice\Documents\MEGA`, `C:\Users\alice\Box`, `C:\Users\alice\SynologyDrive`),
			[]location.Found{
				{Service: "iCloud Drive", Path: `C:\Users\alice\iCloudDrive`},
				{Service: "OneDrive", Path: `C:\Users\alice\OneDrive`},
				{Service: "OneDrive", Path: `C:\Users\alice\OneDrive - Org`},
				{Service: "Dropbox", Path: `D:\Dropbox`},
				{Service: "Google Drive", Path: `G:\My Drive`},
				{Service: "Nextcloud", Path: `D:\Cloud`},
				{Service: "Syncthing", Path: `E:\Sync`},
				{Service: "Proton Drive", Path: `C:\Users\alice\Proton Drive`},
				{Service: "pCloud", Path: `P:\`},
				{Service: "MEGA", Path: `C:\Users\alice\Documents\MEGA`},
				{Service: "Box", Path: `C:\Users\alice\Box`},
				{Service: "Synology Drive", Path: `C:\Users\alice\SynologyDrive`},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := location.Detect(t.Context(), c.disk.options(c.goos, c.home)); !slices.Equal(got, c.want) {
				t.Errorf("found\n%v, want\n%v", got, c.want)
			}
		})
	}
}

// A client that hangs does not hide the others.
func TestDetectDoesNotWaitForTheDead(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	o := machine(nil, nil, "/home/alice/Dropbox", "/home/alice/pCloudDrive", "/home/alice/MEGA").options("linux", "/home/alice")
	stat := o.Stat
	o.Stat = func(name string) (fs.FileInfo, error) {
		if name == "/home/alice/pCloudDrive" {
			<-never
		}
		return stat(name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	want := []location.Found{{Service: "Dropbox", Path: "/home/alice/Dropbox"}, {Service: "MEGA", Path: "/home/alice/MEGA"}}
	if got := location.Detect(ctx, o); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

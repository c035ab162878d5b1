package location

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
)

// service is a cloud service. find returns the places where its client may keep its
// folder. They need not exist.
type service struct {
	name string
	find func(machine) []string
}

// services are the services that Detect knows. Those of the makers of operating systems
// come first.
var services = []service{
	{"iCloud Drive", func(m machine) []string {
		switch {
		case m.mac():
			return []string{m.home("Library", "Mobile Documents", "com~apple~CloudDocs")}
		case m.windows():
			return []string{m.home("iCloudDrive")}
		}
		return nil
	}},
	{"OneDrive", func(m machine) []string {
		switch {
		case m.mac():
			return m.cloudStorage("OneDrive")
		case m.windows():
			return present(m.Getenv("OneDrive"), m.Getenv("OneDriveConsumer"), m.Getenv("OneDriveCommercial"))
		}
		return []string{m.home("OneDrive")} // The free client of Linux, abraunegg/onedrive.
	}},
	{"Dropbox", dropbox},
	{"Google Drive", googleDrive},
	{"Nextcloud", func(m machine) []string { return owncloud(m, "Nextcloud", "nextcloud.cfg") }},
	{"ownCloud", func(m machine) []string { return owncloud(m, "ownCloud", "owncloud.cfg") }},
	{"OpenCloud", func(m machine) []string { return owncloud(m, "OpenCloud", "opencloud.cfg") }},
	{"Syncthing", syncthing},
	{"Proton Drive", func(m machine) []string {
		switch {
		case m.mac():
			return m.cloudStorage("ProtonDrive")
		case m.windows():
			return []string{m.home("Proton Drive")}
		}
		return nil
	}},
	{"pCloud", func(m machine) []string {
		switch {
		case m.mac():
			return []string{m.home("pCloud Drive")}
		case m.windows():
			return []string{`P:\`}
		}
		return []string{m.home("pCloudDrive")}
	}},
	{"MEGA", func(m machine) []string {
		if m.windows() {
			return []string{m.home("Documents", "MEGA"), m.home("MEGA")}
		}
		return []string{m.home("MEGA")}
	}},
	{"Box", func(m machine) []string {
		switch {
		case m.mac():
			return append(m.cloudStorage("Box"), m.home("Box"))
		case m.windows():
			return []string{m.home("Box")}
		}
		return nil
	}},
	{"Synology Drive", func(m machine) []string {
		if m.mac() {
			return append(m.cloudStorage("SynologyDrive"), m.home("SynologyDrive"))
		}
		return []string{m.home("SynologyDrive")}
	}},
}

func present(paths ...string) []string {
	var set []string
	for _, path := range paths {
		if path != "" {
			set = append(set, path)
		}
	}
	return set
}

// dropbox reads the info.json that Dropbox writes for programs like this one
// (help.dropbox.com, "Locate your Dropbox folder").
func dropbox(m machine) []string {
	infos := []string{m.home(".dropbox", "info.json")}
	if m.windows() {
		infos = []string{m.localAppData("Dropbox", "info.json"), m.appData("Dropbox", "info.json")}
	}
	var paths []string
	for _, info := range infos {
		var accounts struct {
			Personal, Business struct{ Path string }
		}
		if json.Unmarshal(m.file(info), &accounts) == nil {
			paths = append(paths, present(accounts.Personal.Path, accounts.Business.Path)...)
		}
	}
	if m.mac() {
		paths = append(paths, m.cloudStorage("Dropbox")...)
	}
	return append(paths, m.home("Dropbox"))
}

// googleDrive returns the folders of Google Drive. There is no client for Linux. On
// Windows the folder is a drive, by default G:.
func googleDrive(m machine) []string {
	var roots, paths []string
	switch {
	case m.mac():
		roots = m.cloudStorage("GoogleDrive")
	case m.windows():
		roots = []string{"G:", "H:", "I:", "J:", "K:"}
	}
	for _, root := range roots {
		paths = append(paths, m.join(root, "My Drive"), m.join(root, "マイドライブ"))
	}
	return paths
}

func owncloud(m machine, name, config string) []string {
	switch {
	case m.mac():
		config = m.home("Library", "Preferences", name, config)
	case m.windows():
		config = m.appData(name, config)
	default:
		config = m.under("XDG_CONFIG_HOME", m.home(".config"), name, config)
	}
	var paths []string
	localPath := regexp.MustCompile(`^\d+\\Folders(?:WithPlaceholders)?\\[^\\]+\\localPath=(.+)$`)
	lines := bufio.NewScanner(bytes.NewReader(m.file(config)))
	for lines.Scan() {
		match := localPath.FindStringSubmatch(lines.Text())
		if match == nil || strings.Contains(match[1], `\`) { // A backslash begins an escape of Qt, which is not decoded here.
			continue
		}
		path := strings.TrimRight(match[1], "/")
		if m.windows() {
			path = strings.ReplaceAll(path, "/", `\`)
		}
		paths = append(paths, path)
	}
	return append(paths, m.home(name))
}

// syncthing reads Syncthing's config.xml. It skips folders that only receive, and paused
// ones.
func syncthing(m machine) []string {
	var configs []string
	if dir := m.Getenv("STHOMEDIR"); dir != "" {
		configs = append(configs, m.join(dir, "config.xml"))
	}
	switch {
	case m.mac():
		configs = append(configs, m.home("Library", "Application Support", "Syncthing", "config.xml"))
	case m.windows():
		configs = append(configs, m.localAppData("Syncthing", "config.xml"))
	default:
		configs = append(configs,
			m.under("XDG_STATE_HOME", m.home(".local", "state"), "syncthing", "config.xml"),
			m.under("XDG_CONFIG_HOME", m.home(".config"), "syncthing", "config.xml")) // Before 1.27.
	}
	var paths []string
	for _, config := range configs {
		var written struct {
			Folders []struct {
				Path   string `xml:"path,attr"`
				Type   string `xml:"type,attr"`
				Paused bool   `xml:"paused"`
			} `xml:"folder"`
		}
		if xml.Unmarshal(m.file(config), &written) != nil {
			continue
		}
		for _, folder := range written.Folders {
			sends := folder.Type == "" || folder.Type == "sendreceive" || folder.Type == "sendonly"
			if !sends || folder.Paused || folder.Path == "" {
				continue
			}
			if rest, ok := strings.CutPrefix(folder.Path, "~"); ok {
				folder.Path = m.Home + rest
			}
			paths = append(paths, folder.Path)
		}
	}
	return paths
}

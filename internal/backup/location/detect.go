package location

import (
	"context"
	"io/fs"
	"slices"
	"strings"
)

// Found is a folder that a cloud's client carries away.
type Found struct {
	Service string // As its maker writes it: "Dropbox".
	Path    string // Absolute.
}

// DetectOptions is the machine that [Detect] looks at. All of it is passed in,
// so that the table of every system can be tested on any.
type DetectOptions struct {
	GOOS     string
	Home     string
	Getenv   func(string) string
	Stat     func(path string) (fs.FileInfo, error)
	ReadDir  func(path string) ([]fs.DirEntry, error)
	ReadFile func(path string) ([]byte, error)
}

// Detect finds the folders of clouds on this machine, in a fixed order of
// services, each folder once. It is a hint for who has not said where backups
// shall lie: not every client can be found, and a folder that is found may
// belong to a client that no longer runs. What does not answer until the
// context ends is left out.
func Detect(ctx context.Context, o DetectOptions) []Found {
	if o.Home == "" {
		return nil
	}
	m := machine{o}
	looks := make([]chan []Found, 0, len(services))
	for _, s := range services {
		look := make(chan []Found, 1)
		looks = append(looks, look)
		go func() { // A file system that hangs must not hide the others.
			var found []Found
			for _, path := range s.find(m) {
				if info, err := o.Stat(path); err == nil && info.IsDir() {
					found = append(found, Found{s.name, path})
				}
			}
			look <- found
		}()
	}
	var all []Found
	for _, look := range looks {
		for _, f := range answer(ctx, look) {
			if !slices.ContainsFunc(all, func(a Found) bool { return m.same(a.Path, f.Path) }) {
				all = append(all, f)
			}
		}
	}
	return all
}

// answer waits for a look until the context ends, and then takes what is there.
func answer(ctx context.Context, look <-chan []Found) []Found {
	select {
	case found := <-look:
		return found
	case <-ctx.Done():
	}
	select {
	case found := <-look:
		return found
	default:
		return nil
	}
}

// machine writes paths as its system does.
type machine struct{ DetectOptions }

func (m machine) windows() bool { return m.GOOS == "windows" }
func (m machine) mac() bool     { return m.GOOS == "darwin" }

func (m machine) join(parts ...string) string {
	separator := "/"
	if m.windows() {
		separator = `\`
	}
	return strings.Join(parts, separator)
}

func (m machine) home(parts ...string) string {
	return m.join(append([]string{m.Home}, parts...)...)
}

// under is a path below the folder that a variable of the environment names, or
// below another one where it is not set.
func (m machine) under(variable, otherwise string, parts ...string) string {
	base := m.Getenv(variable)
	if base == "" {
		base = otherwise
	}
	return m.join(append([]string{base}, parts...)...)
}

func (m machine) localAppData(parts ...string) string {
	return m.under("LOCALAPPDATA", m.home("AppData", "Local"), parts...)
}

func (m machine) appData(parts ...string) string {
	return m.under("APPDATA", m.home("AppData", "Roaming"), parts...)
}

// cloudStorage returns the folders of macOS's file providers of one service:
// NAME or NAME-account, as in GoogleDrive-alice@example.com.
func (m machine) cloudStorage(name string) []string {
	base := m.home("Library", "CloudStorage")
	items, err := m.ReadDir(base)
	if err != nil {
		return nil
	}
	var paths []string
	for _, item := range items {
		if item.Name() == name || strings.HasPrefix(item.Name(), name+"-") {
			paths = append(paths, m.join(base, item.Name()))
		}
	}
	return paths
}

// file reads the beginning of a client's configuration; empty where there is none.
func (m machine) file(path string) []byte {
	data, err := m.ReadFile(path)
	if err != nil || len(data) > 1<<20 {
		return nil
	}
	return data
}

// same compares paths as the system's own file system does.
func (m machine) same(a, b string) bool {
	a, b = strings.TrimRight(a, `/\`), strings.TrimRight(b, `/\`)
	if m.windows() || m.mac() {
		return strings.EqualFold(a, b)
	}
	return a == b
}

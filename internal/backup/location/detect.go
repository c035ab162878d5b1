package location

import (
	"context"
	"io/fs"
	"slices"
	"strings"
)

// Found is a folder that a cloud client uploads.
type Found struct {
	Service string // The maker's spelling, such as "Dropbox".
	Path    string // Absolute.
}

// DetectOptions describe the machine that [Detect] looks at. Everything is passed in, so
// that the rules for one operating system can be tested on another.
type DetectOptions struct {
	GOOS     string
	Home     string
	Getenv   func(string) string
	Stat     func(path string) (fs.FileInfo, error)
	ReadDir  func(path string) ([]fs.DirEntry, error)
	ReadFile func(path string) ([]byte, error)
}

// Detect finds the cloud folders of this machine. It returns each folder once, in a fixed
// order of services. The result is only a hint: some clients cannot be found, and a found
// folder may belong to a client that no longer runs. Folders that do not answer before
// the context ends are left out.
func Detect(ctx context.Context, o DetectOptions) []Found {
	if o.Home == "" {
		return nil
	}
	m := machine{o}
	looks := make([]chan []Found, 0, len(services))
	for _, s := range services {
		look := make(chan []Found, 1)
		looks = append(looks, look)
		go func() { // A hanging file system must not hide the others.
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
		for _, f := range receive(ctx, look) {
			if !slices.ContainsFunc(all, func(a Found) bool { return m.same(a.Path, f.Path) }) {
				all = append(all, f)
			}
		}
	}
	return all
}

// receive waits for a result until the context ends. It returns nil if there is none by
// then.
func receive(ctx context.Context, look <-chan []Found) []Found {
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

// machine builds paths in the syntax of its operating system.
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

// under returns a path below the folder named by an environment variable, or below
// fallback if the variable is not set.
func (m machine) under(variable, fallback string, parts ...string) string {
	base := m.Getenv(variable)
	if base == "" {
		base = fallback
	}
	return m.join(append([]string{base}, parts...)...)
}

func (m machine) localAppData(parts ...string) string {
	return m.under("LOCALAPPDATA", m.home("AppData", "Local"), parts...)
}

func (m machine) appData(parts ...string) string {
	return m.under("APPDATA", m.home("AppData", "Roaming"), parts...)
}

// cloudStorage returns the folders of one service's macOS file provider. They are called
// NAME or NAME-account, such as GoogleDrive-alice@example.com.
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

// file returns the content of a client's configuration file. It returns nil if the file
// cannot be read or is larger than 1 MiB.
func (m machine) file(path string) []byte {
	data, err := m.ReadFile(path)
	if err != nil || len(data) > 1<<20 {
		return nil
	}
	return data
}

// same reports whether two paths are equal, ignoring case on Windows and macOS.
func (m machine) same(a, b string) bool {
	a, b = strings.TrimRight(a, `/\`), strings.TrimRight(b, `/\`)
	if m.windows() || m.mac() {
		return strings.EqualFold(a, b)
	}
	return a == b
}

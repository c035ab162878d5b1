package e2e

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/authcli/auth"

// A room is a package with its allowed imports outside the standard library, and the
// reason.
type room struct {
	may []string // Our packages by their folder, those of others by their import path or its beginning.
	why string
}

// rooms is the table of allowed imports. Everything else is forbidden, for the files of
// every operating system. Tests may import anything. A third-party package may be
// imported by each package that lists it here.
var rooms = map[string]room{
	".": {
		may: []string{"cmd"},
		why: "main is one line: everything that can be tested lies below it",
	},
	"cmd": {
		may: []string{
			"internal/account", "internal/atomicfile", "internal/backup", "internal/clip", "internal/device", "internal/hint", "internal/live", "internal/manual",
			"internal/otp", "internal/passphrase",
			"internal/qr", "internal/qr/convert", "internal/schedule", "internal/sheet", "internal/slip39", "internal/term", "internal/transfer", "internal/vault", "github.com/spf13/cobra",
			"github.com/spf13/pflag",
		},
		why: "the command line joins the rooms, and is the only one that knows of commands and flags",
	},
	"internal/account": {
		why: "the vocabulary: everybody imports it, so it imports nobody",
	},
	"internal/atomicfile": {
		may: []string{"github.com/rogpeppe/go-internal", "golang.org/x/sys"},
		why: "files whole or not at all: what is in them is not its business",
	},
	"internal/otp": {
		may: []string{"internal/account", "github.com/pquerna/otp"},
		why: "codes come from one place, which says which library does the arithmetic",
	},
	"internal/qr": {
		may: []string{"github.com/makiuchi-d/gozxing", "golang.org/x/image", "golang.org/x/text"},
		why: "images to texts and back, and the one home of the library for symbols: what the texts mean is not its business",
	},
	"internal/qr/convert": {
		may: []string{"golang.org/x/sys"},
		why: "files that others turn into images: it runs their programs and nothing else of ours needs to",
	},
	"internal/clip": {
		may: []string{"golang.org/x/sys", "github.com/godbus/dbus/v5"},
		why: "the clipboard and the screen: what is on them is not its business",
	},
	"internal/clip/cliptest": {
		may: []string{"internal/testenv"},
		why: "displays of their own for tests alone",
	},
	"internal/sheet": {
		may: []string{"internal/qr", "golang.org/x/image"},
		why: "a page for a printer: what the secret on it opens is not its business",
	},
	"internal/keyring": {
		may: []string{
			"internal/atomicfile", "github.com/zalando/go-keyring", "filippo.io/age", "github.com/godbus/dbus/v5", "golang.org/x/sync", "golang.org/x/sys",
		},
		why: "bytes and where they live; what they mean is not its business",
	},
	"internal/keyring/keyringtest": {
		may: []string{"internal/keyring", "internal/testenv", "github.com/godbus/dbus/v5"},
		why: "what every keyring must do, and a Secret Service to hold it against: for tests alone",
	},
	"internal/vault": {
		may: []string{"internal/account", "internal/atomicfile", "internal/keyring", "github.com/gofrs/flock", "golang.org/x/sync"},
		why: "accounts in a keyring: it neither computes codes nor knows of backups",
	},
	"internal/backup": {
		may: []string{"internal/account", "internal/backup/location", "internal/passphrase", "internal/slip39", "internal/vault", "filippo.io/age", "golang.org/x/crypto"},
		why: "what a vault holds, in files that age seals: it never touches the keyring by itself",
	},
	"internal/backup/location": {
		may: []string{"golang.org/x/sys"},
		why: "where backup files lie: what is in them is not its business",
	},
	"internal/backup/location/locationtest": {
		may: []string{"internal/backup/location"},
		why: "what every location must do: for tests alone",
	},
	"internal/schedule": {
		why: "texts that make a system run a program at intervals: what the program does is not its business",
	},
	"internal/slip39": {
		why: "shares of any secret: what the secret opens is not its business",
	},
	"internal/backup/plugintest": {
		may: []string{"filippo.io/age"},
		why: "a plugin of age on age's own framework: for tests alone",
	},
	"internal/passphrase": {
		why: "passphrases are judged in one place, whatever they open",
	},
	"internal/device": {
		may: []string{
			"internal/account", "internal/atomicfile", "internal/backup", "internal/backup/location", "internal/keyring", "internal/otp",
			"internal/passphrase", "internal/vault",
		},
		why: "this device: it joins vault, keyring, backup and location, and answers in values",
	},
	"internal/transfer": {
		may: []string{
			"internal/account", "internal/transfer/kdbx", "internal/transfer/keyedarchive", "internal/transfer/sqlite",
			"golang.org/x/crypto",
		},
		why: "foreign formats to accounts and back, without a vault to put them in",
	},
	"internal/transfer/kdbx": {
		may: []string{"github.com/tobischo/argon2", "golang.org/x/crypto"},
		why: "a KeePass database to its entries: it knows nothing of accounts",
	},
	"internal/transfer/keyedarchive": {
		why: "an archive of Apple's to its objects: it knows of no app",
	},
	"internal/transfer/sqlite": {
		why: "tables of a file to rows: it knows of no app",
	},
	"internal/term": {
		may: []string{"golang.org/x/sys", "golang.org/x/term", "github.com/clipperhouse/displaywidth"},
		why: "the person at the terminal, whatever the question is about",
	},
	"internal/live": {
		may: []string{
			"internal/account", "internal/term", "charm.land/bubbletea/v2", "charm.land/lipgloss/v2", "github.com/charmbracelet/x/ansi",
		},
		why: "a screen and its keys, and the one home of Bubble Tea: it holds no secret, and what it does are functions that it is given",
	},
	"internal/testenv": {
		why: "what tests ask of the machine: for tests alone",
	},
	"internal/hint": {
		why: "advice is data on an error",
	},
	"internal/bench": {
		may: []string{"internal/qr", "golang.org/x/image", "github.com/zalando/go-keyring", "github.com/godbus/dbus/v5"},
		why: "it measures programs as processes, on a keyring that it starts and pictures that it draws",
	},
	"internal/bench/get": {
		may: []string{"github.com/zalando/go-keyring"},
		why: "the least that a lookup can be: nothing of ours",
	},
	"internal/bench/put": {
		may: []string{"github.com/zalando/go-keyring"},
		why: "the least that a change can be: nothing of ours",
	},
	"internal/bench/hello": {
		why: "the least that a program can be: nothing of ours",
	},
	"docs": {
		why: "the pages that the program prints, as they lie there",
	},
	"internal/manual": {
		may: []string{"docs", "github.com/clipperhouse/displaywidth"},
		why: "pages for people: what they say is written in docs",
	},
	"internal/docgen": {
		may: []string{"cmd", "internal/manual", "internal/transfer", "github.com/spf13/cobra", "github.com/spf13/pflag"},
		why: "it reads the command tree and the list of formats, and nothing that ships reads it",
	},
	"internal/demo": {
		why: "it uses the program as a user does: as a process",
	},
}

func TestWhoImportsWhom(t *testing.T) {
	t.Parallel()
	found := imports(t)
	for _, folder := range slices.Sorted(maps.Keys(found)) {
		rule, ok := rooms[folder]
		if !ok {
			t.Errorf("%s is not in the table: give it a line that says what it may import, and why", folder)
			continue
		}
		for _, imported := range slices.Sorted(maps.Keys(found[folder])) {
			if !permitted(rule.may, imported) {
				t.Errorf("%s must not import %s (%s): %s", folder, imported, found[folder][imported], rule.why)
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(rooms)) {
		if found[folder] == nil {
			t.Errorf("%s is in the table and not in the tree", folder)
		}
		for _, may := range rooms[folder].may {
			used := false
			for imported := range found[folder] {
				used = used || permitted([]string{may}, imported)
			}
			if !used && found[folder] != nil {
				t.Errorf("%s may import %s and does not: drop the permission", folder, may)
			}
		}
	}
}

// permitted reports whether the list contains imported, which is a folder of ours or an
// import path of others. An entry for a package of others also permits the packages below
// it.
func permitted(may []string, imported string) bool {
	return slices.ContainsFunc(may, func(p string) bool {
		return imported == p || strings.Contains(p, ".") && strings.HasPrefix(imported, p+"/")
	})
}

// imports returns what each package imports outside the standard library, by folder, with
// one file that does. It reads every file, for all operating systems.
func imports(t *testing.T) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path != root && (name[0] == '.' || name[0] == '_' || name == "testdata" || name == "dist") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		if found[folder] == nil {
			found[folder] = map[string]string{}
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
				found[folder][ours] = path
			} else if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				found[folder][imported] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

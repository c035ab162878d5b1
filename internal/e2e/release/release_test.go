// Package release looks into what a release is made of, as those who get it do. It needs the folder that goreleaser
// wrote, in AUTH_TEST_DIST; without it everything here is skipped.
package release_test

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

var root = filepath.Join("..", "..", "..")

// A target is a kind of machine that there is a release for.
type target struct{ os, arch, suffix string }

func targets() []target {
	return []target{
		{"linux", "amd64", "linux_amd64"},
		{"linux", "arm64", "linux_arm64"},
		{"linux", "arm", "linux_armv7"},
		{"linux", "riscv64", "linux_riscv64"},
		{"darwin", "amd64", "darwin_amd64"},
		{"darwin", "arm64", "darwin_arm64"},
		{"windows", "amd64", "windows_amd64"},
		{"windows", "arm64", "windows_arm64"},
		{"freebsd", "amd64", "freebsd_amd64"},
		{"freebsd", "arm64", "freebsd_arm64"},
	}
}

// A dist is the folder of a release.
type dist struct {
	t       *testing.T
	dir     string
	version string
	date    time.Time // of the commit
}

func open(t *testing.T) dist {
	t.Helper()
	dir := os.Getenv("AUTH_TEST_DIST")
	if dir == "" {
		t.Skip("needs AUTH_TEST_DIST, the folder that goreleaser wrote")
	}
	data, err := os.ReadFile(filepath.Join(dir, "metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct{ Version, Commit string }
	if err := json.Unmarshal(data, &meta); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("git", "-C", root, "show", "-s", "--format=%cI", meta.Commit).Output()
	if err != nil {
		t.Fatal(err)
	}
	date, err := time.Parse(time.RFC3339, strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return dist{t, dir, meta.Version, date}
}

func (d dist) path(name string) string { return filepath.Join(d.dir, name) }

func (d dist) read(name string) []byte {
	d.t.Helper()
	data, err := os.ReadFile(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

func (d dist) archive(t target) string {
	name := "auth_" + d.version + "_" + t.suffix
	if t.os == "windows" {
		return name + ".zip"
	}
	return name + ".tar.gz"
}

// An entry is a file of an archive or a package.
type entry struct {
	mode os.FileMode
	time time.Time
	uid  int
	data []byte
}

// untar reads a tar archive. Names are without a leading ./ or /.
func untar(t *testing.T, r io.Reader) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			name := strings.TrimPrefix(strings.TrimPrefix(h.Name, "."), "/")
			if _, twice := found[name]; twice {
				t.Errorf("%s is there twice", name)
			}
			found[name] = entry{h.FileInfo().Mode(), h.ModTime, h.Uid, data}
		}
	}
}

func unzipped(t *testing.T, data []byte) io.Reader {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func unzip(t *testing.T, data []byte) map[string]entry {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]entry{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		found[f.Name] = entry{mode: f.Mode(), time: f.Modified, data: content}
	}
	return found
}

// sources returns the files of the tree that a release has, by their names there: man pages, completions and pages.
func sources(t *testing.T) (mans, completions, pages []string) {
	t.Helper()
	glob := func(pattern string) []string {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		for i, name := range found {
			if found[i], err = filepath.Rel(root, name); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
	mans = glob("docs/man/*")
	completions = glob("completions/*")
	pages = append(append(glob("docs/moving/*.md"), glob("docs/json/*.json")...), "docs/recovery.md", "docs/ja/recovery.md", "docs/formats.md", "docs/moving.md", "docs/environment.md",
		"docs/exit-codes.md", "docs/install.md", "docs/scripts.md", "docs/json.md")
	return mans, completions, pages
}

func source(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestArchives(t *testing.T) {
	d := open(t)
	mans, completions, pages := sources(t)
	for _, target := range targets() {
		t.Run(target.suffix, func(t *testing.T) {
			name := d.archive(target)
			program := "auth"
			var held map[string]entry
			if target.os == "windows" {
				program, held = "auth.exe", unzip(t, d.read(name))
			} else {
				held = untar(t, unzipped(t, d.read(name)))
			}
			want := map[string]string{ // by name in the archive, the file of the tree
				"LICENSE": "LICENSE", "README.md": "README.md", "CHANGELOG.md": "CHANGELOG.md",
				"licenses/common.LICENSE.txt": "internal/passphrase/common.LICENSE.txt",
				"licenses/slip39.LICENSE.txt": "internal/slip39/slip39.LICENSE.txt",
			}
			for _, man := range mans {
				want["man/"+filepath.Base(man)] = man
			}
			for _, file := range slices.Concat(completions, pages) {
				want[file] = file
			}
			for _, file := range slices.Sorted(maps.Keys(want)) {
				if got, ok := held[file]; !ok || !bytes.Equal(got.data, source(t, want[file])) {
					t.Errorf("%s has no %s, or not that of the tree", name, file)
				}
			}
			for file, e := range held {
				if want[file] == "" && file != program {
					t.Errorf("%s has %s, which nobody expects", name, file)
				}
				if !e.time.Equal(d.date) {
					t.Errorf("%s is of %v, and the commit of %v", file, e.time, d.date)
				}
			}
			if held[program].mode.Perm() != 0o755 {
				t.Errorf("the program has the mode %v", held[program].mode)
			}
			checkProgram(t, held[program].data, target)
		})
	}
}

// checkProgram checks for what and how a program was built, by what Go has written into it.
func checkProgram(t *testing.T, data []byte, target target) {
	t.Helper()
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		t.Error(err)
		return
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	for key, want := range map[string]string{"GOOS": target.os, "GOARCH": target.arch, "CGO_ENABLED": "0", "-trimpath": "true"} {
		if settings[key] != want {
			t.Errorf("%s is %q, want %q", key, settings[key], want)
		}
	}
	if target.arch == "arm" && settings["GOARM"] != "7" {
		t.Errorf("GOARM is %q", settings["GOARM"])
	}
	checkToolchain(t, info.GoVersion)
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{here, os.Getenv("HOME") + "/go/"} {
		if bytes.Contains(data, []byte(private)) {
			t.Error("it has a path of the machine that built it")
		}
	}
}

// checkToolchain checks the version of Go that a release was built with. It is the toolchain of go.mod: always in the
// workflow that releases, and elsewhere if it is installed.
func checkToolchain(t *testing.T, version string) {
	t.Helper()
	var want string
	for line := range strings.Lines(string(source(t, "go.mod"))) {
		if rest, ok := strings.CutPrefix(line, "toolchain "); ok {
			want = strings.TrimSpace(rest)
		}
	}
	switch {
	case want == "":
		t.Error("go.mod has no toolchain line")
	case version == want:
	case os.Getenv("AUTH_TEST_RELEASE") != "":
		t.Errorf("built with %s, and go.mod says %s", version, want)
	default:
		t.Logf("built with %s, since %s is not installed here", version, want)
	}
}

func TestChecksums(t *testing.T) {
	d := open(t)
	sums := checksums(t, d)
	for _, target := range targets() {
		if sums[d.archive(target)] == "" {
			t.Errorf("checksums.txt lacks %s", d.archive(target))
		}
	}
	for _, name := range packages(d) {
		if sums[name] == "" {
			t.Errorf("checksums.txt lacks %s", name)
		}
	}
	for name, want := range sums {
		sum := sha256.Sum256(d.read(name))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s has the sum %s, and checksums.txt says %s", name, got, want)
		}
	}
	// What somebody can download is listed.
	files, err := os.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := f.Name(); strings.HasPrefix(name, "auth_"+d.version) && sums[name] == "" {
			t.Errorf("%s is not in checksums.txt", name)
		}
	}
}

func checksums(t *testing.T, d dist) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for line := range strings.Lines(string(d.read("checksums.txt"))) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || sums[name] != "" {
			t.Errorf("a line of checksums.txt is %q", line)
		}
		sums[name] = sum
	}
	return sums
}

// kinds returns the kinds of packages for a target. There is no Arch Linux for RISC-V.
func kinds(t target) []string {
	all := slices.Sorted(maps.Keys(zshFolder))
	if t.arch == "riscv64" {
		return slices.DeleteFunc(all, func(kind string) bool { return kind == ".pkg.tar.zst" })
	}
	return all
}

// packages returns the names of the packages for Linux.
func packages(d dist) (names []string) {
	for _, t := range targets() {
		if t.os == "linux" {
			for _, kind := range kinds(t) {
				names = append(names, "auth_"+d.version+"_"+t.suffix+kind)
			}
		}
	}
	return names
}

// zshFolder is where zsh looks for completions of packages.
var zshFolder = map[string]string{
	".deb": "usr/share/zsh/vendor-completions", ".rpm": "usr/share/zsh/site-functions",
	".apk": "usr/share/zsh/site-functions", ".pkg.tar.zst": "usr/share/zsh/site-functions",
}

func TestPackages(t *testing.T) {
	d := open(t)
	mans, _, pages := sources(t)
	for _, target := range targets() {
		if target.os != "linux" {
			continue
		}
		for _, kind := range kinds(target) {
			name := "auth_" + d.version + "_" + target.suffix + kind
			t.Run(target.suffix+kind, func(t *testing.T) {
				held := content(t, d, name, kind)
				want := map[string]string{
					"usr/share/bash-completion/completions/auth":    "completions/auth.bash",
					zshFolder[kind] + "/_auth":                      "completions/_auth",
					"usr/share/fish/vendor_completions.d/auth.fish": "completions/auth.fish",
					"usr/share/doc/auth/copyright":                  "LICENSE",
					"usr/share/doc/auth/common.LICENSE.txt":         "internal/passphrase/common.LICENSE.txt",
					"usr/share/doc/auth/slip39.LICENSE.txt":         "internal/slip39/slip39.LICENSE.txt",
				}
				if kind == ".pkg.tar.zst" {
					want["usr/share/licenses/auth/LICENSE"] = "LICENSE"
				}
				for _, man := range mans {
					want["usr/share/man/man"+man[len(man)-1:]+"/"+filepath.Base(man)] = man
				}
				for _, page := range pages {
					want["usr/share/doc/auth/"+strings.TrimPrefix(page, "docs/")] = page
				}
				for _, file := range slices.Sorted(maps.Keys(want)) {
					if got, ok := held[file]; !ok || !bytes.Equal(got.data, source(t, want[file])) {
						t.Errorf("it has no %s, or not that of the tree", file)
					} else if got.mode.Perm() != 0o644 {
						t.Errorf("%s has the mode %v", file, got.mode)
					}
				}
				for file, e := range held {
					if want[file] == "" && file != "usr/bin/auth" {
						t.Errorf("it has %s, which nobody expects", file)
					}
					if e.uid != 0 {
						t.Errorf("%s belongs to %d", file, e.uid)
					}
				}
				if held["usr/bin/auth"].mode.Perm() != 0o755 {
					t.Errorf("the program has the mode %v", held["usr/bin/auth"].mode)
				}
				checkProgram(t, held["usr/bin/auth"].data, target)
			})
		}
	}
}

// content returns the files of a package, without those about it.
func content(t *testing.T, d dist, name, kind string) map[string]entry {
	t.Helper()
	var held map[string]entry
	switch kind {
	case ".deb":
		held = untar(t, unzipped(t, member(t, d.read(name), "data.tar.gz")))
	case ".apk": // gzip files one after the other, which are one tar
		held = untar(t, unzipped(t, d.read(name)))
	case ".pkg.tar.zst":
		held = untar(t, bytes.NewReader(output(t, testenv.Program(t, "zstd", "zstd"), "-dc", d.path(name))))
	default:
		cmd := exec.Command(testenv.Program(t, "rpm2archive", "rpm"), "-n", "-") // which writes a file beside one that it is given
		cmd.Stdin = bytes.NewReader(d.read(name))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		held = untar(t, bytes.NewReader(out))
	}
	for file := range held {
		if strings.HasPrefix(file, ".") || !strings.Contains(file, "/") {
			delete(held, file)
		}
	}
	return held
}

func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.String())
	}
	return out
}

// member returns a member of an ar archive (deb(5)).
func member(t *testing.T, data []byte, want string) []byte {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(data))
	magic := make([]byte, 8)
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != "!<arch>\n" {
		t.Fatal("it is no ar archive")
	}
	for {
		header := make([]byte, 60)
		if _, err := io.ReadFull(r, header); err != nil {
			t.Fatalf("it has no %s: %v", want, err)
		}
		var size int64
		if _, err := fmt.Sscan(string(header[48:58]), &size); err != nil {
			t.Fatal(err)
		}
		content := make([]byte, size)
		if _, err := io.ReadFull(r, content); err != nil {
			t.Fatal(err)
		}
		if size%2 == 1 {
			_, _ = r.Discard(1)
		}
		if name := strings.TrimRight(strings.TrimSpace(string(header[:16])), "/"); name == want {
			return content
		}
	}
}

// TestManifests checks that the manifests of package managers name the archives, with the right sums, and what is in them.
func TestManifests(t *testing.T) {
	d := open(t)
	sums := checksums(t, d)
	mans, _, _ := sources(t)
	has := func(t *testing.T, text string, words ...string) {
		t.Helper()
		for _, word := range words {
			if word == "" || !strings.Contains(text, word) {
				t.Errorf("it has no %q:\n%s", word, text)
			}
		}
	}
	of := func(oses ...string) (list []target) {
		for _, target := range targets() {
			if slices.Contains(oses, target.os) {
				list = append(list, target)
			}
		}
		return list
	}
	t.Run("cask", func(t *testing.T) {
		text := string(d.read(path.Join("homebrew", "Casks", "auth.rb")))
		for _, target := range of("darwin", "linux") {
			if target.arch == "amd64" || target.arch == "arm64" {
				has(t, text, sums[d.archive(target)])
			}
		}
		for _, man := range mans {
			has(t, text, `manpage "man/`+filepath.Base(man)+`"`)
		}
		has(t, text, `binary "auth"`, `bash_completion "completions/auth.bash"`, `zsh_completion "completions/_auth"`, `fish_completion "completions/auth.fish"`,
			"com.apple.quarantine")
		if got := strings.Count(text, "manpage "); got != len(mans) {
			t.Errorf("it names %d man pages, and there are %d: .goreleaser.yaml lists them", got, len(mans))
		}
	})
	t.Run("scoop", func(t *testing.T) {
		var m struct {
			Architecture map[string]struct {
				URL, Hash string
				Bin       []string
			}
		}
		if err := json.Unmarshal(d.read(path.Join("scoop", "bucket", "auth.json")), &m); err != nil {
			t.Fatal(err)
		}
		for arch, target := range map[string]target{"64bit": {"windows", "amd64", "windows_amd64"}, "arm64": {"windows", "arm64", "windows_arm64"}} {
			got := m.Architecture[arch]
			if got.Hash != sums[d.archive(target)] || path.Base(got.URL) != d.archive(target) || !slices.Equal(got.Bin, []string{"auth.exe"}) {
				t.Errorf("%s is %+v", arch, got)
			}
		}
	})
	t.Run("winget", func(t *testing.T) {
		found, err := filepath.Glob(d.path("winget/manifests/a/authcli/auth/*/authcli.auth.installer.yaml"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range of("windows") {
			has(t, string(text), "InstallerSha256: "+sums[d.archive(target)], "/"+d.archive(target))
		}
		has(t, string(text), "RelativeFilePath: auth.exe", "PortableCommandAlias: auth")
	})
	t.Run("nix", func(t *testing.T) {
		hash := testenv.Program(t, "nix-hash", "nix-bin") // goreleaser too writes no manifest without it
		text := string(d.read("nix/pkgs/auth/default.nix"))
		for _, target := range of("linux", "darwin") {
			if target.arch == "riscv64" {
				continue // which goreleaser leaves out there
			}
			sum := strings.TrimSpace(string(output(t, hash, "--type", "sha256", "--to-base32", sums[d.archive(target)])))
			has(t, text, `"`+sum+`"`, "/"+d.archive(target))
		}
		has(t, text, "installManPage man/*", "installShellCompletion", `mainProgram = "auth"`, "lib.licenses.bsd3")
	})
	t.Run("aur", func(t *testing.T) { testAUR(t, d, sums) })
}

// testAUR runs the functions of the PKGBUILD as makepkg does, and compares the result with the package of Arch.
func testAUR(t *testing.T, d dist, sums map[string]string) {
	bash := testenv.Program(t, "bash", "bash")
	build := d.path("aur/auth-bin.pkgbuild")
	amd64 := target{"linux", "amd64", "linux_amd64"}
	text := string(d.read("aur/auth-bin.pkgbuild"))
	for _, target := range targets() {
		if target.os == "linux" && target.arch != "riscv64" && !strings.Contains(text, sums[d.archive(target)]) {
			t.Errorf("it lacks the sum of %s:\n%s", d.archive(target), text)
		}
	}
	src, pkg := t.TempDir(), t.TempDir()
	output(t, testenv.Program(t, "tar", "tar"), "-xzf", d.path(d.archive(amd64)), "-C", src)
	output(t, bash, "-euc", `cd "$2"; srcdir=$2; pkgdir=$3; . "$1"; package`, "bash", build, src, pkg)
	theirs := content(t, d, "auth_"+d.version+"_linux_amd64.pkg.tar.zst", ".pkg.tar.zst")
	for file, e := range theirs {
		switch path.Base(file) { // where the two have the licences
		case "copyright", "common.LICENSE.txt", "slip39.LICENSE.txt":
			continue
		}
		info, err := os.Stat(filepath.Join(pkg, file))
		if err != nil {
			t.Errorf("the package of Arch has %s, and that of the AUR has not", file)
		} else if info.Mode().Perm() != e.mode.Perm() {
			t.Errorf("%s has the mode %v, and %v in the package of Arch", file, info.Mode(), e.mode)
		}
	}
}

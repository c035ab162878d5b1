package cmd

import "runtime/debug"

// Set by the linker in releases (.goreleaser.yaml).
var (
	releaseVersion string
	releaseCommit  string
	releaseDate    string
)

// version returns the text of --version: the release, or what Go knows about the build.
func version() string {
	if releaseVersion != "" {
		return releaseVersion + " (" + releaseCommit + ", " + releaseDate + ")"
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

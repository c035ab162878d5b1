package cmd

import (
	"cmp"
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the linker in releases (.goreleaser.yaml).
var (
	releaseVersion string
	releaseCommit  string
	releaseDate    string
)

// A build is what is known of how this program was built.
type build struct {
	release, commit, date, compiler string // empty where it is not known
}

// thisBuild returns the release, or what Go knows about the build.
func thisBuild() build {
	b := build{release: releaseVersion, commit: releaseCommit, date: releaseDate}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.compiler = info.GoVersion
	if b.release != "" {
		return b
	}
	b.release = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.time":
			b.date = s.Value
		}
	}
	return b
}

// version returns the text of --version.
func version() string {
	b := thisBuild()
	if releaseVersion == "" {
		return cmp.Or(b.release, "(devel)")
	}
	return b.release + " (" + b.commit[:min(len(b.commit), 7)] + ", " + b.date + ")"
}

type jsonVersionOf struct {
	Version int    `json:"version"`
	Auth    string `json:"auth"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"` // of the commit
	Go      string `json:"go"`
	Verify  string `json:"verify,omitempty"` // command that checks the signature of a release; none for other builds
}

func newVersion(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "version",
		short: "Show the version and how to verify it",
		long: `Show the version, the commit and its date. With --json, also the version of Go that
compiled it and, for a release, the command that checks the signature of its
checksums. docs/install.md has the steps.`,
		exit: "0 done",
		example: `  auth version
  auth version --json`,
		alone: func(context.Context, []string) error {
			return c.printVersion()
		},
	})
}

func (c *cli) printVersion() error {
	if !c.json {
		return c.print("auth " + version() + "\n")
	}
	b := thisBuild()
	return c.printJSON(jsonVersionOf{jsonVersion, cmp.Or(b.release, "(devel)"), b.commit, b.date, b.compiler, verifyCommand()})
}

// verifyCommand returns the command that checks the signature of this release's checksums; empty for other builds.
func verifyCommand() string {
	if releaseVersion == "" {
		return ""
	}
	return "cosign verify-blob checksums.txt --bundle checksums.txt.sigstore.json" +
		" --certificate-identity https://github.com/authcli/auth/.github/workflows/release.yml@refs/tags/v" + releaseVersion +
		" --certificate-oidc-issuer https://token.actions.githubusercontent.com"
}

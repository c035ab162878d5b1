package cmd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"runtime"

	"github.com/authcli/auth/internal/hint"
)

// places are the folders of one profile, and the name of its vault in the system keyring.
type places struct {
	config  string // settings of this device
	state   string // lock and marker
	data    string // file keyring
	service string
}

// places returns the folders of this profile. They are in AUTH_HOME if it is set.
// Otherwise they are the XDG folders on Linux and the BSDs, and the usual folders on
// macOS and Windows. It creates nothing.
func (env *Env) places() (places, error) {
	if dir := env.Getenv("AUTH_HOME"); dir != "" {
		dir, err := resolve(dir)
		if err != nil {
			return places{}, err
		}
		sum := sha256.Sum256([]byte(dir))
		return places{config: dir, state: dir, data: dir, service: "auth-" + hex.EncodeToString(sum[:8])}, nil
	}
	home := env.home()
	var config, state, data string
	switch runtime.GOOS {
	case "windows":
		config = env.Getenv("AppData")
		state = env.Getenv("LocalAppData")
		data = state
	case "darwin":
		if home != "" {
			config = filepath.Join(home, "Library", "Application Support")
			state, data = config, config
		}
	default:
		config = env.xdg("XDG_CONFIG_HOME", home, ".config")
		state = env.xdg("XDG_STATE_HOME", home, ".local/state")
		data = env.xdg("XDG_DATA_HOME", home, ".local/share")
	}
	if config == "" || state == "" || data == "" {
		return places{}, hint.With(errors.New("no home folder to keep the state in"), "set AUTH_HOME to a folder")
	}
	return places{
		config: filepath.Join(config, "auth"), state: filepath.Join(state, "auth"), data: filepath.Join(data, "auth"),
		service: "auth",
	}, nil
}

func (env *Env) home() string {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	if home := env.Getenv(name); home != "" {
		return home
	}
	if u, err := user.Current(); err == nil { // the user database may know it if the environment does not
		return u.HomeDir
	}
	return ""
}

// xdg returns a folder of the XDG Base Directory Specification, which says to ignore
// relative paths in its variables.
func (env *Env) xdg(name, home, fallback string) string {
	if dir := env.Getenv(name); filepath.IsAbs(dir) {
		return dir
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, filepath.FromSlash(fallback))
}

// inside reports whether a file or folder is a folder, or lies somewhere in it. Links and the
// case of names are as the file system takes them.
func inside(path, folder string) bool {
	outer, err := os.Stat(folder)
	if err != nil {
		return false
	}
	at, err := resolve(path)
	if err != nil {
		return false
	}
	for {
		if info, err := os.Stat(at); err == nil && os.SameFile(info, outer) {
			return true
		}
		above := filepath.Dir(at)
		if above == at {
			return false
		}
		at = above
	}
}

// resolve returns dir as an absolute path without symbolic links, as far as it exists.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for at := dir; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest), nil
		}
		if at == filepath.Dir(at) {
			return dir, nil
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

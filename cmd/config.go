package cmd

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A setting is something that the user can configure.
type setting struct {
	key     string
	travels bool // stored in the vault and part of backups; otherwise it belongs to this device
	about   string
	check   func(value string) error
	preset  string // the value if nothing is set
}

func settings() []setting {
	duration := func(value string) error {
		if d, err := device.ParseDuration(value); err != nil || d < 0 {
			return usagef("%q is not a duration such as 5s", term.Escape(value))
		}
		return nil
	}
	return []setting{
		{settingMinValid, true, "how long a code must still be valid; otherwise auth code and the live view wait for the next", duration, "0s"},
		{settingCopyWith, false, "what --copy copies with: " + strings.Join(clip.Ways(), ", ") + "; otherwise what fits the session", checkCopyWith, ""},
		{device.SettingName, false, "what this device is called in backups, so that devices of one machine name can be told apart", func(value string) error {
			if term.Escape(value) != value || utf8.RuneCountInString(value) > maxDeviceName || strings.TrimSpace(value) != value {
				return usagef("a name of a device has up to %d characters that can be shown", maxDeviceName)
			}
			return nil
		}, ""},
		{"keyring", false, "the keyring of a new vault: system or file", func(value string) error {
			if value != device.SystemKeyring && value != device.FileKeyring {
				return usagef("the keyring is system or file")
			}
			return nil
		}, device.SystemKeyring},
		{settingHide, false, "whether the live view hides a code until its account is selected: true or false", func(value string) error {
			if value != "true" && value != "false" {
				return usagef("%s is true or false", settingHide)
			}
			return nil
		}, "false"},
		{"keyring-timeout", false, "how long the keyring may take to answer", duration, ""},
	}
}

// settingMinValid is how long a code must still be valid.
const settingMinValid = "code.min-valid"

// settingHide says whether the live view hides codes.
const settingHide = "live.hide"

// maxDeviceName is how long the name of a device may be, in characters.
const maxDeviceName = 64

func findSetting(key string) (setting, error) {
	for _, s := range settings() {
		if s.key == key {
			return s, nil
		}
	}
	return setting{}, hint.With(usagef("no setting %q", term.Escape(key)), "auth config list")
}

func (s setting) scope() string {
	if s.travels {
		return "travels with the backup"
	}
	return "this device only"
}

// value returns the value of a setting. It reads the vault only for settings that are
// stored there.
func (s setting) value(state *vault.State, config map[string]string) string {
	value := config[s.key]
	if s.travels {
		value = state.Settings[s.key].Value
	}
	if value == "" {
		return s.preset
	}
	return value
}

type jsonSetting struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Travels bool   `json:"travels"`
}

type jsonSettings struct {
	Version  int           `json:"version"`
	Settings []jsonSetting `json:"settings"`
}

func newConfig(c *cli) *cobra.Command {
	var keys []string
	for _, s := range settings() {
		keys = append(keys, s.key)
	}
	return c.group(spec{
		use:   "config",
		short: "Read and change settings",
		long: `Read and change settings. Some are part of the backup and reach your other devices.
The others belong to this device only. auth config list shows which are which.`,
		exit: "0 done; 2 usage; 6 keyring",
		example: `  auth config list
  auth config set code.min-valid 5s
  auth config set device.name desk`,
	},
		c.command(spec{
			use:     "list",
			short:   "List the settings and their values",
			long:    `List every setting with its value, and whether it is part of the backup.`,
			exit:    "0 done; 6 keyring",
			example: `  auth config list`,
			run: func(ctx context.Context, s *session, _ []string) error {
				rows, list, err := s.readSettings(ctx, keys)
				switch {
				case err != nil:
					return err
				case s.json:
					return s.printJSON(jsonSettings{jsonVersion, list})
				default:
					return s.printColumns([]term.Column{
						{Name: "KEY"}, {Name: "VALUE", Fit: term.Cut}, {Name: "WHERE", Fit: term.Wrap}, {Name: "ABOUT", Fit: term.Wrap},
					}, rows)
				}
			},
		}),
		c.command(spec{
			use:      "get KEY",
			short:    "Print one setting",
			long:     `Print the value of one setting.`,
			exit:     "0 done; 2 no such setting; 6 keyring",
			example:  `  auth config get code.min-valid`,
			args:     cobra.ExactArgs(1),
			complete: fixed(keys...),
			run: func(ctx context.Context, s *session, args []string) error {
				_, list, err := s.readSettings(ctx, args)
				switch {
				case err != nil:
					return err
				case s.json:
					return s.printJSON(jsonSettings{jsonVersion, list})
				default:
					return s.print(list[0].Value + "\n")
				}
			},
		}),
		c.command(spec{
			use:   "set KEY VALUE",
			short: "Change one setting",
			long: `Change one setting. An empty VALUE resets it to its default. The new name of a device
is in its backups from now on, so that other devices show it.`,
			exit:     "0 done; 2 no such setting, or not a value of it; 6 keyring",
			example:  `  auth config set code.min-valid 5s`,
			args:     cobra.ExactArgs(2),
			complete: fixed(keys...),
			run: func(ctx context.Context, s *session, args []string) error {
				return s.setSetting(ctx, args[0], args[1])
			},
		}),
	)
}

// readSettings returns settings as rows of a table and as JSON. It reads the vault only
// if one of them is stored there.
func (s *session) readSettings(ctx context.Context, keys []string) (rows [][]string, list []jsonSetting, err error) {
	own, err := s.device.Settings()
	if err != nil {
		return nil, nil, err
	}
	var state *vault.State
	for _, key := range keys {
		setting, err := findSetting(key)
		if err != nil {
			return nil, nil, err
		}
		if setting.travels && state == nil {
			if state, err = s.device.Read(ctx); err != nil {
				return nil, nil, err
			}
		}
		value := setting.value(state, own)
		if key == device.SettingName {
			value = cmp.Or(value, s.Hostname())
		}
		rows = append(rows, []string{key, value, setting.scope(), setting.about})
		list = append(list, jsonSetting{key, value, setting.travels})
	}
	return rows, list, nil
}

func (s *session) setSetting(ctx context.Context, key, value string) error {
	setting, err := findSetting(key)
	if err != nil {
		return err
	}
	if value != "" {
		if err := setting.check(value); err != nil {
			return err
		}
	}
	switch {
	case key == device.SettingName:
		var r device.Report
		r, err = s.device.SetName(ctx, value)
		s.sayReport(r)
	case setting.travels:
		err = s.change(ctx, func(tx *vault.Tx) error {
			tx.Set(key, value)
			return nil
		})
	default:
		err = s.device.SetSetting(key, value)
	}
	if errors.Is(err, device.ErrVaultElsewhere) {
		return hint.With(err, "auth vault use "+value+" moves it")
	}
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(jsonSettings{jsonVersion, []jsonSetting{{key, value, setting.travels}}})
	}
	return nil
}

package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A setting is something that a user can configure.
type setting struct {
	key     string
	travels bool // with the backup; otherwise it is this device's own
	about   string
	check   func(value string) error
	preset  string // what holds where nothing is set
}

func settings() []setting {
	duration := func(value string) error {
		if d, err := parseDuration(value); err != nil || d < 0 {
			return usagef("%q is not a duration such as 5s", term.Escape(value))
		}
		return nil
	}
	return []setting{
		{"code.min-valid", true, "how long a code must still be valid, otherwise auth code waits for the next", duration, "0s"},
		{"keyring", false, "where a new vault goes: system or file", func(value string) error {
			if value != systemKeyring && value != fileKeyring {
				return usagef("the keyring is system or file")
			}
			return nil
		}, systemKeyring},
		{"keyring-timeout", false, "how long the keyring may take to answer", duration, ""},
	}
}

func findSetting(key string) (setting, error) {
	for _, s := range settings() {
		if s.key == key {
			return s, nil
		}
	}
	return setting{}, usagef("no setting %q", term.Escape(key))
}

func (s setting) scope() string {
	if s.travels {
		return "travels with the backup"
	}
	return "this device only"
}

// readConfig returns the settings of this device; none where there is no file.
func readConfig(dir string) (map[string]string, error) {
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	config := map[string]string{}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("the configuration %s is not understood", path)
	}
	return config, nil
}

// changeConfig sets one setting of this device; an empty value removes it.
func changeConfig(dir, key, value string) error {
	config, err := readConfig(dir)
	if err != nil {
		return err
	}
	config[key] = value
	if value == "" {
		delete(config, key)
	}
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return create(filepath.Join(dir, "config.json"), true, func(f *os.File) error {
		_, err := f.Write(append(data, '\n'))
		return err
	})
}

// value returns what a setting is set to; the vault is read for those that travel.
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

func newConfig(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:   "config",
		Short: "Read and change settings",
		Long: `Read and change settings. Some travel with the backup to your other devices,
the others are this device's only; auth config list says which.` + exitStatus("0 done; 2 usage; 6 keyring"),
		Example: `  auth config list
  auth config set code.min-valid 5s`,
		Args:              c.noCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	var keys []string
	for _, s := range settings() {
		keys = append(keys, s.key)
	}
	group.AddCommand(
		&cobra.Command{
			Use:               "list",
			Short:             "List the settings and their values",
			Long:              `List every setting with its value, and whether it travels with the backup.` + exitStatus("0 done; 6 keyring"),
			Example:           `  auth config list`,
			Args:              checked(cobra.NoArgs),
			ValidArgsFunction: cobra.NoFileCompletions,
			RunE:              func(cmd *cobra.Command, _ []string) error { return c.listConfig(cmd, keys, true) },
		},
		&cobra.Command{
			Use:               "get KEY",
			Short:             "Print one setting",
			Long:              `Print the value of one setting.` + exitStatus("0 done; 2 no such setting; 6 keyring"),
			Example:           `  auth config get code.min-valid`,
			Args:              checked(cobra.ExactArgs(1)),
			ValidArgsFunction: fixed(keys...),
			RunE:              func(cmd *cobra.Command, args []string) error { return c.listConfig(cmd, args, false) },
		},
		&cobra.Command{
			Use:   "set KEY VALUE",
			Short: "Change one setting",
			Long: `Change one setting. An empty VALUE sets it back to what holds where nothing is
set.` + exitStatus("0 done; 2 no such setting, or not a value of it; 6 keyring"),
			Example:           `  auth config set code.min-valid 5s`,
			Args:              checked(cobra.ExactArgs(2)),
			ValidArgsFunction: fixed(keys...),
			RunE:              func(cmd *cobra.Command, args []string) error { return c.setConfig(cmd, args[0], args[1]) },
		},
	)
	return group
}

func (c *cli) listConfig(cmd *cobra.Command, keys []string, table bool) error {
	places, err := c.places()
	if err != nil {
		return err
	}
	config, err := readConfig(places.config)
	if err != nil {
		return err
	}
	state := new(vault.State)
	var rows [][]string
	var list []jsonSetting
	for i, key := range keys {
		s, err := findSetting(key)
		if err != nil {
			return err
		}
		if s.travels && i == 0 {
			session, err := c.open("auth config")
			if err != nil {
				return err
			}
			if state, err = session.read(cmd.Context()); err != nil {
				return err
			}
		}
		value := s.value(state, config)
		rows = append(rows, []string{key, value, s.scope(), s.about})
		list = append(list, jsonSetting{key, value, s.travels})
	}
	switch {
	case c.json:
		return c.printJSON(struct {
			Version  int           `json:"version"`
			Settings []jsonSetting `json:"settings"`
		}{jsonVersion, list})
	case !table:
		return c.print(rows[0][1] + "\n")
	default:
		return c.printTable(rows)
	}
}

func (c *cli) setConfig(cmd *cobra.Command, key, value string) error {
	s, err := findSetting(key)
	if err != nil {
		return err
	}
	if value != "" {
		if err := s.check(value); err != nil {
			return err
		}
	}
	session, err := c.open("auth config set")
	if err != nil {
		return err
	}
	switch {
	case s.travels:
		err = session.update(cmd.Context(), false, func(tx *vault.Tx) error {
			tx.Set(key, value)
			return nil
		})
	case key == "keyring" && session.marked && value != session.marker.Keyring:
		return usagef("the vault is in the %s keyring already; auth vault use %s moves it", session.marker.Keyring, value)
	default:
		err = changeConfig(session.places.config, key, value)
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(struct {
			Version  int           `json:"version"`
			Settings []jsonSetting `json:"settings"`
		}{jsonVersion, []jsonSetting{{key, value, s.travels}}})
	}
	return nil
}

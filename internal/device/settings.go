package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The settings that this package reads itself.
const (
	settingKeyring     = "keyring"
	settingKeyringWait = "keyring-timeout"
)

const settingsFile = "config.json"

// Settings returns the settings that are this device's own; none where there is no file.
func (d *Device) Settings() (map[string]string, error) { return ReadSettings(d.o.Config) }

// ReadSettings is [Device.Settings] without opening the device; dir is the folder of
// its settings.
func ReadSettings(dir string) (map[string]string, error) {
	path := filepath.Join(dir, settingsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	if err := json.Unmarshal(data, &settings); err != nil {
		return nil, fmt.Errorf("the configuration %s is not understood", path)
	}
	return settings, nil
}

// SetSetting sets one setting of this device; an empty value removes it. The keyring of
// a vault that exists is [ErrVaultElsewhere]: [Device.UseKeyring] moves it.
func (d *Device) SetSetting(key, value string) error {
	if key == settingKeyring && d.markErr != nil {
		return d.markErr
	}
	if key == settingKeyring && d.marked && value != d.marker.Keyring {
		return fmt.Errorf("%w: the %s keyring", ErrVaultElsewhere, d.marker.Keyring)
	}
	return d.keepSetting(key, value)
}

func (d *Device) keepSetting(key, value string) error {
	settings, err := d.Settings()
	if err != nil {
		return err
	}
	settings[key] = value
	if value == "" {
		delete(settings, key)
	}
	data, err := json.MarshalIndent(settings, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(d.o.Config, settingsFile), append(data, '\n'))
}

// ParseDuration reads 5s, 2m, or a number of seconds.
func ParseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	return time.ParseDuration(text)
}

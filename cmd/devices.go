package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

// A jsonDevice is a device that backs up to a location.
type jsonDevice struct {
	Device  string `json:"device"`
	Name    string `json:"device_name"`
	Created string `json:"created"` // its newest backup
	This    bool   `json:"this_device,omitempty"`
	Newer   bool   `json:"newer,omitempty"` // than what was merged here
}

func devicesJSON(devices []device.DeviceDate) []jsonDevice {
	var list []jsonDevice
	for _, d := range devices {
		list = append(list, jsonDevice{d.ID, d.Name, timestamp(d.Created.UTC()), d.This, d.Newer})
	}
	return list
}

// deviceName names a device so that it can be told from others of its name. That of one
// whose backups were never read is not known.
func deviceName(d device.DeviceDate) string {
	if d.Name == "" {
		return term.Escape(d.ID)
	}
	return fmt.Sprintf("%s (%s)", term.Escape(d.Name), term.Escape(d.ID))
}

// deviceWords describes a device, for where w leads.
func (c *cli) deviceWords(w io.Writer, d device.DeviceDate) string {
	words := deviceName(d) + ", last backup of " + c.when(w, d.Created.UTC())
	if c.inWords(w) {
		words = deviceName(d) + ", last backup " + c.when(w, d.Created)
	}
	if d.This {
		words += ", this device"
	}
	return words
}

// newsWords says which other devices have written what was not merged here; empty for none.
func newsWords(devices []device.DeviceDate) string {
	var names []string
	for _, d := range devices {
		switch {
		case d.Newer && d.Name == "":
			names = append(names, "another device ("+term.Escape(d.ID)+")")
		case d.Newer:
			names = append(names, deviceName(d))
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " has a newer backup than was merged here: auth sync"
	default:
		return strings.Join(names, ", ") + " have newer backups than were merged here: auth sync"
	}
}

// newerWords are about a device that has written what was not merged here.
const newerWords = "; it is newer than what was merged here: auth sync"

// deviceRows are the rows of a status about the devices of a location. A device that backs
// up alone needs none.
func (c *cli) deviceRows(devices []device.DeviceDate) [][]string {
	if len(devices) == 1 && devices[0].This {
		return nil
	}
	var rows [][]string
	for _, d := range devices {
		words := c.deviceWords(c.Out, d)
		if d.Newer {
			words += newerWords
		}
		rows = append(rows, []string{"device", words})
	}
	return rows
}

// oneDevice calls act with a device's name. If several have it, they are listed, or on a
// terminal one is chosen, and act is called with its id.
func (s *session) oneDevice(ctx context.Context, name string, act func(name string) error) error {
	err := act(name)
	several, ok := errors.AsType[*device.SeveralDevicesError](err)
	if !ok {
		return err
	}
	var ids, options []string
	for _, d := range several.Devices {
		if !s.choosing() {
			if !s.json { // whose error has the matches
				s.say("%s", s.deviceWords(s.Err, d))
			}
		} else if !d.This {
			ids, options = append(ids, d.ID), append(options, s.deviceWords(s.Err, d))
		}
	}
	if !s.choosing() {
		return err
	}
	n, err := s.Prompt.Choose(ctx, "Which device?", options)
	if err != nil {
		return err
	}
	return act(ids[n])
}

// otherKeyAdvice says what to do about a recovery key that another device has made.
func otherKeyAdvice(location string) string {
	return "auth backup enable " + locationWord(location) + ", with the passphrase of the other key"
}

// notOursAdvice says what to do where no device of the user's has made that key: whoever has
// held the key before can say that it was changed.
const notOursAdvice = "if none of your devices changed it, or nobody has that passphrase: auth backup key --rotate"

// rotatedAdvice adds what to do to an error about a key that another device has changed.
func (s *session) rotatedAdvice(err error) error {
	if errors.Is(err, device.ErrRotated) || errors.Is(err, device.ErrTwoRotations) {
		return hint.With(hint.With(err, notOursAdvice), otherKeyAdvice(cmp.Or(s.device.Location(), "LOCATION")))
	}
	return err
}

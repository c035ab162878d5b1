package location

import (
	"context"
	"strings"
)

// Remotes returns the names of the remotes in the configuration of the user's rclone that
// can be part of a location. It returns none where there is no rclone, where its
// configuration cannot be read, or where it does not answer before the context ends.
func Remotes(ctx context.Context, o Options) []string {
	r := &remoteLocation{o: o}
	out, err := r.rclone(ctx, []string{"listremotes"})
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		name, ok := strings.CutSuffix(strings.TrimRight(line, "\r\n"), ":")
		if _, err := parseRemote(name+":", o); ok && err == nil {
			names = append(names, name)
		}
	}
	return names
}

package location

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxMessage = 300 // bytes of RcloneError.Message

// lastLine is what rclone said at the end, fit to be shown.
func lastLine(said string) string {
	// stamp begins every line of rclone's log.
	stamp := regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)
	// quoted is what rclone repeats of its configuration or of an address, which may hold a password or a token.
	quoted := regexp.MustCompile(`(could not parse line:?).*|(://)[^/@\s]*(@)|(\?)[^\s"]*=[^\s"]*`)
	lines := strings.Split(strings.TrimSpace(said), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	line = stamp.ReplaceAllString(line, "")
	line = quoted.ReplaceAllString(line, "$1$2$3$4")
	var shown strings.Builder
	for _, r := range line {
		text := string(r)
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			text = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if shown.Len()+len(text) > maxMessage {
			break
		}
		shown.WriteString(text)
	}
	return shown.String()
}

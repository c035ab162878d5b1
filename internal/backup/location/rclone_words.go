package location

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxMessage = 300 // bytes of RcloneError.Message

// lastLine returns the last line of rclone's stderr, safe to print.
func lastLine(stderr string) string {
	// stamp is the time at the beginning of a log line.
	stamp := regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)
	// quoted matches quotes from the configuration and parts of addresses. They may contain
	// a password or a token.
	quoted := regexp.MustCompile(`(could not parse line:?).*|(://)[^/@\s]*(@)|(\?)[^\s"]*=[^\s"]*`)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
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

package term_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/term"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := term.Table(&out, [][]string{
		{"LABEL", "ALIAS", "CODE"},
		{"東京銀行:花子", "", "123456"},
		{"Cafe\u0301:émile", "c", ""},
		{"a"},
		{"🔑", "k", "1"},
		{"👩\u200d💻", "w", "2"},
		{"❤\ufe0f", "h", "3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	// 東京銀行:花子 is six letters of two columns and a colon: 13. Café:émile is 10, its combining accent takes none. A woman
	// technologist is one picture of two columns, and so is a heart in emoji style (UTS #51, 2.4 and 3).
	want := "" +
		"LABEL          ALIAS  CODE\n" +
		"東京銀行:花子         123456\n" +
		"Cafe\u0301:émile     c\n" +
		"a\n" +
		"🔑             k      1\n" +
		"👩\u200d💻             w      2\n" +
		"❤\ufe0f             h      3\n"
	if got := out.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestTableReportsWriteErrors(t *testing.T) {
	t.Parallel()
	if err := term.Table(fullDisk{}, [][]string{{"a"}}); !errors.Is(err, errFull) {
		t.Errorf("Table on a full disk: %v, want the writer's error", err)
	}
}

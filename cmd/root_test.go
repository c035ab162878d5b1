package cmd_test

import (
	"bytes"
	"testing"

	"github.com/authcli/auth/cmd"
)

// Main builds no more of the tree than the command that is called. Its help has to
// be what the whole tree says of it.
func TestHelpWithoutTheOtherCommands(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	whole := cmd.NewRoot(&cmd.Env{Out: &want})
	if len(whole.Commands()) == 0 {
		t.Fatal("no commands")
	}
	for _, command := range whole.Commands() {
		var got bytes.Buffer
		want.Reset()
		command.InitDefaultHelpFlag()
		if err := command.Help(); err != nil {
			t.Fatal(err)
		}
		if code := cmd.Main(&cmd.Env{Out: &got, Err: &got}, []string{command.Name(), "--help"}); code != 0 {
			t.Errorf("auth %s --help: exit %d", command.Name(), code)
		}
		if got.String() != want.String() {
			t.Errorf("auth %s --help is\n%s\nwant\n%s", command.Name(), &got, &want)
		}
	}
}

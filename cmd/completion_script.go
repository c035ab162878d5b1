package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// CompletionScript returns the completion script of a shell: bash, zsh, fish or powershell.
// Cobra writes it. For bash and zsh it is changed so that what is typed may have any case,
// as everywhere in auth (fish and PowerShell do so themselves), and so that bash needs no
// package bash-completion. A change that no longer fits cobra's script is an error.
func CompletionScript(root *cobra.Command, shell string) (string, error) {
	var b strings.Builder
	var err error
	var changes [][2]string
	switch shell {
	case "bash":
		err, changes = root.GenBashCompletionV2(&b, true), bashChanges()
	case "zsh":
		err, changes = root.GenZshCompletion(&b), zshChanges()
	case "fish":
		err = root.GenFishCompletion(&b, true)
	default:
		err = root.GenPowerShellCompletionWithDesc(&b)
	}
	script := b.String()
	for _, change := range changes {
		if !strings.Contains(script, change[0]) {
			return "", fmt.Errorf("the completion script of %s has changed: it lacks %q", shell, change[0])
		}
		script = strings.ReplaceAll(script, change[0], change[1])
	}
	return script, err
}

func zshChanges() [][2]string {
	return [][2]string{{
		`completions $flagPrefix $noSpace;`,
		`completions $flagPrefix $noSpace "-M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}'";`,
	}}
}

// bashChanges are for bash from 3.2 on, which macOS has.
func bashChanges() [][2]string {
	const (
		words = `    _get_comp_words_by_ref "$@" cur prev words cword
}
`
		compgen = `        # First, escape the completions to handle special characters
        IFS=$'\n' read -ra completions -d '' < <(printf "%q\n" "${completions[@]}")
        # Only consider the completions that match what the user typed
        IFS=$'\n' read -ra COMPREPLY -d '' < <(IFS=$'\n'; compgen -W "${completions[*]}" -- "${cur}")
`
		menu = `        # Strip any description and escape the completion to handled special characters
        IFS=$'\n' read -ra completions -d '' < <(printf "%q\n" "${completions[@]%%$tab*}")

        # Only consider the completions that match
        IFS=$'\n' read -ra COMPREPLY -d '' < <(IFS=$'\n'; compgen -W "${completions[*]}" -- "${cur}")

        # compgen looses the escaping so we need to escape all completions again since they will
        # all be inserted on the command-line.
        IFS=$'\n'`
		special = `            COMPREPLY[idx]=${COMPREPLY[idx]#"$word"}
`
		described = `        # Only consider the completions that match
        [[ $comp == "$cur"* ]] || continue
`
	)
	return [][2]string{
		{words, `    if declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
        _get_comp_words_by_ref "$@" cur prev words cword
        return
    fi
    # Without the package bash-completion: the words of the line up to the cursor. The
    # variable of bash has split them at : and = too.
    local line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cword=$((${#words[@]} - 1))
    cur=${words[cword]}
    prev=
    ((cword > 0)) && prev=${words[cword - 1]}
    return 0
}

# Completes files, or folders with -d, with the package bash-completion or without.
__auth_filedir()
{
    if declare -F _filedir >/dev/null 2>&1; then
        _filedir "$@"
        return
    fi
    local kind=-f IFS=$'\n'
    [[ ${1-} == -d ]] && kind=-d
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$kind" -- "$cur"))
}

# Reports whether a word begins with what was typed, in any case.
__auth_begins()
{
    local typed=$2 restore result=1
    restore=$(shopt -p nocasematch)
    shopt -s nocasematch
    [[ $1 == "$typed"* ]] && result=0
    eval "$restore"
    return $result
}

# Fills COMPREPLY with the completions that begin with what was typed.
__auth_keep_matching()
{
    local word typed=${cur//\\/}
    typed=${typed#[\"\']}
    COMPREPLY=()
    for word in "${completions[@]}"; do
        __auth_begins "$word" "$typed" && COMPREPLY+=("$word")
    done
}
`},
		{compgen, `        # Only consider the completions that match what the user typed
        __auth_keep_matching
`},
		{menu, `        # Strip any description, and only consider the completions that match
        completions=("${completions[@]%%$tab*}")
        __auth_keep_matching
        (( ${#COMPREPLY[@]} == 0 )) && return 0

        # They will all be inserted on the command-line.
        IFS=$'\n'`},
		{described, `        # Only consider the completions that match
        __auth_begins "$comp" "$cur" || continue
`},
		{special, `            __auth_begins "${COMPREPLY[idx]}" "$word" && COMPREPLY[idx]=${COMPREPLY[idx]:${#word}}
`},
		{`filteringCmd="_filedir $fullFilter"`, `filteringCmd="__auth_filedir $fullFilter"`},
		{` && _filedir -d && `, ` && __auth_filedir -d && `},
		{"            _filedir -d\n", "            __auth_filedir -d\n"},
		{"                    _filedir\n", "                    __auth_filedir\n"},
	}
}

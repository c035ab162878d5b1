package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// firstCells returns what stands between backticks, or bare, in the first cells of the
// tables of a page.
func firstCells(t *testing.T, page string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for line := range strings.Lines(string(read(t, filepath.Join(root, "docs", page)))) {
		if cell, ok := strings.CutPrefix(line, "| "); ok {
			cell, _, _ = strings.Cut(cell, " |")
			for word := range strings.SplitSeq(cell, ",") {
				found[strings.Trim(word, " `")] = true
			}
		}
	}
	return found
}

// TestExitCodesPage checks that docs/exit-codes.md lists the codes of the program, all and
// no others.
func TestExitCodesPage(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"code": true} // the heading
	file := parsed(t, filepath.Join(root, "cmd", "exit.go"))
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "code") {
			want[spec.Values[0].(*ast.BasicLit).Value] = true
		}
		return true
	})
	if len(want) < 10 {
		t.Fatalf("only %d exit codes in cmd/exit.go", len(want)-1)
	}
	if got := firstCells(t, "exit-codes.md"); !maps.Equal(got, want) {
		t.Errorf("docs/exit-codes.md lists %v, cmd/exit.go has %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestEnvironmentPage checks that docs/environment.md lists the variables that the program
// reads, all and no others.
func TestEnvironmentPage(t *testing.T) {
	t.Parallel()
	want := map[string]bool{
		"PATH":   true, // read by os/exec
		"TMPDIR": true, // read by os.CreateTemp and os.MkdirTemp

		"COLORTERM": true, // read by Bubble Tea
		"NO_COLOR":  true,
	}
	for folder := range shipped(t) {
		maps.Copy(want, variables(t, folder))
	}
	got := firstCells(t, "environment.md")
	delete(got, "variable") // the heading
	if !maps.Equal(got, want) {
		for name := range want {
			if !got[name] {
				t.Errorf("the program reads %s, which docs/environment.md does not list", name)
			}
		}
		for name := range got {
			if !want[name] {
				t.Errorf("docs/environment.md lists %s, which the program does not read", name)
			}
		}
	}
}

// shipped returns the folders of our packages that the program links.
func shipped(t *testing.T) map[string]bool {
	t.Helper()
	folders := map[string]bool{}
	found := imports(t)
	var visit func(folder string)
	visit = func(folder string) {
		if folders[folder] || found[folder] == nil {
			return
		}
		folders[folder] = true
		for imported := range found[folder] {
			visit(imported)
		}
	}
	visit(".")
	return folders
}

var variableName = regexp.MustCompile(`^[A-Z][A-Za-z]+(_[A-Z]+)*$|^OneDrive`)

// variables returns the environment variables that a package reads: the literal arguments
// of Getenv. Where the argument is a name, they are the literals in that function, and those
// that the package calls it with.
func variables(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	readers := map[string]bool{} // functions whose Getenv is given a name that is no literal
	var files []*ast.File
	add := func(nodes ...ast.Node) {
		for _, n := range nodes {
			ast.Inspect(n, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					name, err := strconv.Unquote(lit.Value)
					if upper := strings.ToUpper(name); strings.HasSuffix(upper, "APPDATA") {
						name = upper // Windows does not tell them apart
					}
					if err == nil && variableName.MatchString(name) {
						found[name] = true
					}
				}
				return true
			})
		}
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := parsed(t, name)
		files = append(files, file)
		for _, decl := range file.Decls {
			function, _ := decl.(*ast.FuncDecl)
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || called(call) != "Getenv" {
					return true
				}
				if _, literal := call.Args[0].(*ast.BasicLit); literal {
					add(call.Args[0])
				} else {
					readers[function.Name.Name] = true
					add(function)
				}
				return true
			})
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && readers[called(call)] && len(call.Args) > 0 {
				add(call.Args[0])
			}
			return true
		})
	}
	return found
}

// called returns the name of the function or method that is called.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	default:
		return ""
	}
}

func parsed(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHelpNamesTheVariables checks that "auth --help" and the man page auth(1) list the variables of auth, all and no
// others. One of them is systemd's, and leads to a passphrase as AUTH_VAULT_PASSPHRASE_FILE does.
func TestHelpNamesTheVariables(t *testing.T) {
	t.Parallel()
	own := func(names iter.Seq[string]) []string {
		return slices.Compact(slices.Sorted(func(yield func(string) bool) {
			for name := range names {
				if (strings.HasPrefix(name, "AUTH_") || name == "CREDENTIALS_DIRECTORY") && !yield(name) {
					return
				}
			}
		}))
	}
	all := map[string]bool{}
	for folder := range shipped(t) {
		maps.Copy(all, variables(t, folder))
	}
	want := own(maps.Keys(all))
	for _, page := range []string{"docs/cli/auth.md", "docs/man/auth.1"} {
		_, list, found := strings.Cut(string(read(t, filepath.Join(root, filepath.FromSlash(page)))), "Environment:")
		list, _, _ = strings.Cut(list, "auth help environment")
		got := own(slices.Values(regexp.MustCompile(`[A-Z_]+`).FindAllString(list, -1)))
		if !found || !slices.Equal(got, want) {
			t.Errorf("%s lists %v, the program reads %v", page, got, want)
		}
	}
}

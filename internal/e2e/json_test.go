package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/cmd"
)

// docsVariable names the folder docs for the program that tests run.
const docsVariable = "TEST_DOCS"

// A recorder passes on what is written, and keeps it.
type recorder struct {
	io.Writer
	held bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	r.held.Write(p[:n])
	return n, err
}

// mainHeld runs auth. Where args ask for JSON, it holds what the program writes against docs/json.md, so that every
// script and every test that asks for JSON is a test of that page. What the page does not promise ends the program with a
// code that no test expects.
func mainHeld(env *cmd.Env, args []string) int {
	if !slices.Contains(args, "--json") || slices.Contains(args, "--") || strings.HasPrefix(args[0], "__") {
		return cmd.Main(env, args)
	}
	out, errs := &recorder{Writer: env.Out}, &recorder{Writer: env.Err}
	env.Out, env.Err = out, errs
	code := cmd.Main(env, args)
	command := commandOf(cmd.NewRoot(env), args)
	if err := holdJSON(os.Getenv(docsVariable), command, code, out.held.String(), errs.held.String()); err != nil {
		fmt.Fprintf(os.Stderr, "docs/json.md does not promise this: auth %s: %v\n%s\n", strings.Join(args, " "), err, out.held.String())
		return 99
	}
	return code
}

// commandOf returns the path of the command that args call.
func commandOf(root *cobra.Command, args []string) string {
	found, _, err := root.Find(args)
	if err != nil {
		return root.Name()
	}
	return found.CommandPath()
}

// holdJSON holds what a command wrote, and its exit code, against docs/json.md.
func holdJSON(docs, command string, code int, stdout, stderr string) error {
	schemas, err := schemasOf(docs, command)
	if err != nil {
		return err
	}
	if code != 0 {
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		last := lines[len(lines)-1]
		switch isError := strings.HasPrefix(last, `{"version":1,"error":`); {
		case isError:
			if err := holdAgainst(docs, []string{"error"}, last); err != nil {
				return err
			}
			var failure struct{ Error struct{ Code int } }
			if err := json.Unmarshal([]byte(last), &failure); err != nil || failure.Error.Code != code {
				return fmt.Errorf("the exit code is %d, and the error says %s", code, last)
			}
			if stdout == "" {
				return nil
			}
		case stdout == "":
			return fmt.Errorf("the exit code is %d, and the last line is no error: %s", code, last)
		}
	}
	if strings.Count(stdout, "\n") != 1 || !strings.HasSuffix(stdout, "\n") {
		return errors.New("not one line on standard output")
	}
	return holdAgainst(docs, append(schemas, "help"), stdout)
}

var schemaLink = regexp.MustCompile(`\]\(json/([a-z-]+)\.json\)`)

// schemasOf returns the names of the schemas that docs/json.md gives for a command.
func schemasOf(docs, command string) ([]string, error) {
	page, err := os.ReadFile(filepath.Join(docs, "json.md"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(page)) {
		if cell, ok := strings.CutPrefix(line, "| `"+command+"` |"); ok {
			var names []string
			for _, link := range schemaLink.FindAllStringSubmatch(cell, -1) {
				names = append(names, link[1])
			}
			return names, nil
		}
	}
	return nil, fmt.Errorf("docs/json.md does not list %q", command)
}

// holdAgainst returns an error unless text is an instance of one of the schemas.
func holdAgainst(docs string, schemas []string, text string) error {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return err
	}
	var misses []error
	for _, name := range schemas {
		err := holdTo(docs, map[string]any{"$ref": name + ".json"}, value, "")
		if err == nil {
			return nil
		}
		misses = append(misses, fmt.Errorf("%s: %w", name, err))
	}
	return errors.Join(misses...)
}

// holdTo holds a value against a schema: the keywords of JSON Schema that docs/json uses. It is stricter than JSON Schema
// in one thing: a property that the schema does not name is an error, since the page should name all of them.
func holdTo(docs string, schema map[string]any, value any, at string) error {
	var misses []error
	miss := func(format string, args ...any) { misses = append(misses, fmt.Errorf(at+": "+format, args...)) }
	below := func(schema, value any, at string) {
		s, ok := schema.(map[string]any)
		if !ok {
			miss("a schema is no object")
			return
		}
		if err := holdTo(docs, s, value, at); err != nil {
			misses = append(misses, err)
		}
	}
	object, _ := value.(map[string]any)
	list, _ := value.([]any)
	text, _ := value.(string)
	number, isNumber := value.(float64)
	for keyword, want := range schema {
		switch keyword {
		case "$schema", "title", "description":
		case "$ref":
			data, err := os.ReadFile(filepath.Join(docs, "json", want.(string)))
			if err != nil {
				return err
			}
			var other map[string]any
			if err := json.Unmarshal(data, &other); err != nil {
				return fmt.Errorf("%s: %w", want, err)
			}
			below(other, value, at)
		case "anyOf":
			matched := false
			for _, s := range want.([]any) {
				matched = matched || holdTo(docs, s.(map[string]any), value, at) == nil
			}
			if !matched {
				miss("none of several schemas")
			}
		case "const":
			if !reflect.DeepEqual(value, want) {
				miss("%v, not %v", value, want)
			}
		case "enum":
			if !slices.ContainsFunc(want.([]any), func(w any) bool { return reflect.DeepEqual(w, value) }) {
				miss("%v is none of %v", value, want)
			}
		case "type":
			is := map[string]bool{
				"object": object != nil, "array": list != nil, "number": isNumber, "integer": isNumber && number == math.Trunc(number),
				"string": reflect.TypeOf(value) == reflect.TypeFor[string](), "boolean": reflect.TypeOf(value) == reflect.TypeFor[bool](),
			}
			if !is[want.(string)] {
				miss("%v is no %v", value, want)
			}
		case "properties":
			for name, v := range object {
				if s, known := want.(map[string]any)[name]; known {
					below(s, v, at+"/"+name)
				} else {
					miss("the schema has no %q", name)
				}
			}
		case "required":
			for _, name := range want.([]any) {
				if _, there := object[name.(string)]; !there {
					miss("%q is not there", name)
				}
			}
		case "items":
			for i, v := range list {
				below(want, v, at+"/"+strconv.Itoa(i))
			}
		case "minItems":
			if float64(len(list)) < want.(float64) {
				miss("%d items", len(list))
			}
		case "maxItems":
			if float64(len(list)) > want.(float64) {
				miss("%d items", len(list))
			}
		case "minimum":
			if number < want.(float64) {
				miss("%v is below %v", value, want)
			}
		case "pattern":
			if !regexp.MustCompile(want.(string)).MatchString(text) {
				miss("%q does not match %v", text, want)
			}
		case "format":
			if _, err := time.Parse(time.RFC3339, text); want != "date-time" || err != nil {
				miss("%q is no %v", text, want)
			}
		default:
			miss("a keyword that the test does not know: %s", keyword)
		}
	}
	return errors.Join(misses...)
}

// The checker of schemas finds what it is there for.
func TestSchemasAreHeld(t *testing.T) {
	t.Parallel()
	docs := filepath.Join(root, "docs")
	const account = `{"id":"0123456789abcdef","issuer":"a","name":"b","label":"a:b","type":"totp"`
	for _, c := range []struct{ schema, text, want string }{
		{"accounts", `{"version":1,"accounts":[` + account + `}]}`, ""},
		{"accounts", `{"version":1,"accounts":[` + account + `,"remaining":0,"valid_until":"2026-01-02T03:04:05Z"}]}`, ""},
		{"accounts", `{"version":2,"accounts":[]}`, "2, not 1"},
		{"accounts", `{"version":1,"accounts":null}`, "is no array"},
		{"accounts", `{"version":1}`, `"accounts" is not there`},
		{"accounts", `{"version":1,"accounts":[],"more":1}`, `the schema has no "more"`},
		{"accounts", `{"version":1,"accounts":[` + account + `,"digits":6.5}]}`, "is no integer"},
		{"accounts", `{"version":1,"accounts":[` + account + `,"digits":0}]}`, "below 1"},
		{"accounts", `{"version":1,"accounts":[` + account + `,"valid_until":"soon"}]}`, "is no date-time"},
		{"accounts", `{"version":1,"accounts":[` + account + `,"result":"eaten"}]}`, "is none of"},
		{"accounts", `{"version":1,"accounts":[` + strings.Replace(account, "0123", "x", 1) + `}]}`, "does not match"},
		{"doctor", `{"version":1,"findings":[]}`, "0 items"},
		{"error", `{"version":1,"error":{"code":4,"message":"m","matches":[` + account + `}]}}`, ""},
		{"error", `{"version":1,"error":{"code":4,"message":"m","matches":[{"key":"k"}]}}`, ""},
		{"error", `{"version":1,"error":{"code":4,"message":"m","matches":[{"other":"k"}]}}`, "none of several"},
		{"error", `{"version":1,"error":{"code":0,"message":"m"}}`, "below 1"},
	} {
		err := holdAgainst(docs, []string{c.schema}, c.text)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
	// An output that is not JSON, one of another command, and errors that scripts could not read.
	for _, c := range []struct {
		command        string
		code           int
		stdout, stderr string
	}{
		{"auth list", 0, "", ""},
		{"auth list", 0, "github:alice\n", ""},
		{"auth list", 0, `{"version":1,"trash":[]}` + "\n" + `{"version":1,"trash":[]}` + "\n", ""},
		{"auth code", 0, `{"version":1,"trash":[]}` + "\n", ""},
		{"auth code", 3, "", "auth: error: no such account\n"},
		{"auth code", 3, "", `{"version":1,"error":{"code":4,"message":"m"}}` + "\n"},
		{"auth nonsense", 0, `{"version":1,"accounts":[]}` + "\n", ""},
	} {
		if holdJSON(docs, c.command, c.code, c.stdout, c.stderr) == nil {
			t.Errorf("not held: %+v", c)
		}
	}
	if err := holdJSON(docs, "auth list", 0, `{"version":1,"trash":[]}`+"\n", ""); err != nil {
		t.Error(err)
	}
}

// TestEveryCommandHasASchema checks that docs/json.md lists the commands of the program, all and no others.
func TestEveryCommandHasASchema(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"command": true} // the heading
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		want[c.CommandPath()] = true
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(cmd.NewRoot(cmd.System()))
	got := firstCells(t, "json.md")
	if !maps.Equal(got, want) {
		t.Errorf("docs/json.md lists\n%v, the program has\n%v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestSchemasNameTheFields checks that the schemas name the fields that the program can write, all and no others, and
// that docs/json.md leads to each schema.
func TestSchemasNameTheFields(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	sources, err := filepath.Glob(filepath.Join(root, "cmd", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	tag := regexp.MustCompile("`json:\"([a-z_0-9]+)")
	for _, source := range append(sources, filepath.Join(root, "internal", "backup", "sealed.go")) {
		for _, match := range tag.FindAllSubmatch(read(t, source), -1) {
			want[string(match[1])] = true
		}
	}
	got := map[string]bool{}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if fields, ok := v["properties"].(map[string]any); ok {
				for name := range fields {
					got[name] = true
				}
			}
			for _, below := range v {
				visit(below)
			}
		case []any:
			for _, below := range v {
				visit(below)
			}
		}
	}
	schemas, err := filepath.Glob(filepath.Join(root, "docs", "json", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(read(t, filepath.Join(root, "docs", "json.md")))
	for _, name := range schemas {
		var schema any
		if err := json.Unmarshal(read(t, name), &schema); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		visit(schema)
		if !strings.Contains(page, "](json/"+filepath.Base(name)+")") {
			t.Errorf("docs/json.md does not lead to %s", filepath.Base(name))
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the schemas name\n%v, the program writes\n%v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestEveryCommandIsAskedForJSON checks that a script asks each command for JSON.
func TestEveryCommandIsAskedForJSON(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	tree := cmd.NewRoot(cmd.System())
	ran, _ := commandsThatRun(t)
	for _, line := range ran {
		if words := strings.Fields(line); slices.Contains(words, "--json") {
			asked[commandOf(tree, words[1:])] = true
		}
	}
	for command := range firstCells(t, "json.md") {
		if command != "command" && !asked[command] { // not the heading
			t.Errorf("no script in testdata/script asks %s for JSON", command)
		}
	}
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// goFile is a Go file of this repository, what tests made is not among them.
type goFile struct {
	path string // from the top of the repository
	tree *ast.File
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

var goFiles = token.NewFileSet()

// source is every Go file, for the rules that are about the text of the program.
var source = sync.OnceValues(func() (files []goFile, err error) {
	top := os.DirFS("../..")
	err = fs.WalkDir(top, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := fs.ReadFile(top, path)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(goFiles, path, text, parser.SkipObjectResolution)
		files = append(files, goFile{path, tree})
		return err
	})
	return files, err
})

// A test that asserts nothing passes whatever the program does. Some leave the
// asserting to a function of their package, named or handed on.
func TestEveryTestAssertsSomething(t *testing.T) {
	files, err := source()
	if err != nil {
		t.Fatal(err)
	}
	type function struct {
		uses    map[string]bool
		asserts bool
	}
	packages, tests := map[string]map[string]*function{}, 0
	for _, file := range files {
		dir := filepath.Dir(file.path)
		if packages[dir] == nil {
			packages[dir] = map[string]*function{}
		}
		for _, d := range file.tree.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			f := packages[dir][decl.Name.Name] // methods of one name count as one
			if f == nil {
				f = &function{uses: map[string]bool{}}
				packages[dir][decl.Name.Name] = f
			}
			ast.Inspect(decl.Body, func(n ast.Node) bool {
				if name, ok := n.(*ast.Ident); ok {
					f.uses[name.Name] = true
				}
				f.asserts = f.asserts || fails(n)
				return true
			})
		}
	}
	for dir, functions := range packages {
		for changed := true; changed; {
			changed = false
			for _, f := range functions {
				for name := range f.uses {
					if used := functions[name]; !f.asserts && used != nil && used.asserts {
						f.asserts, changed = true, true
					}
				}
			}
		}
		for name, f := range functions {
			if name == "TestMain" || !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
				continue
			}
			if tests++; !f.asserts {
				t.Errorf("%s: %s asserts nothing", dir, name)
			}
		}
	}
	if tests < 500 {
		t.Errorf("only %d tests were found", tests)
	}
}

// fails tells whether n makes a test fail.
func fails(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch method.Sel.Name {
	case "Error": // without arguments it is the text of an error
		return len(call.Args) > 0
	case "Errorf", "Fatal", "Fatalf", "Fail", "FailNow":
		return true
	}
	return false
}

// A fact about a board or a release that stands outside of its table is missed by
// whoever adds one.
func TestOnlyTheTablesKnowBoardsAndReleases(t *testing.T) {
	files, err := source()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.isTest() || file.path == "nixgen/boards.go" || file.path == "nixgen/releases.go" || strings.HasPrefix(file.path, ".ci/") {
			continue
		}
		ast.Inspect(file.tree, func(n ast.Node) bool {
			name, text := "", ""
			switch n := n.(type) {
			case *ast.Ident:
				name = n.Name
			case *ast.BasicLit:
				text = n.Value
			}
			if name == "Zero2W" || name == "Pi3" || name == "Pi4" || strings.Contains(text, "nixos-2") || text == `"26.05"` {
				t.Errorf("%s: %s%s: ask nixgen.Boards or nixgen.Releases", goFiles.Position(n.Pos()), name, text)
			}
			return true
		})
	}
}

// The words of CONTRIBUTING that nobody says of a computer are in no text for
// people: in no string of the program, and in no comment of a shell script, which
// is the help that it gives. Operations of errors, which a cause follows, count.
func TestNoTextUsesTheOldWords(t *testing.T) {
	guide, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(guide), "| not | but |\n|---|---|\n")
	var words []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for w := range strings.SplitSeq(cells[1], ",") {
				words = append(words, regexp.QuoteMeta(strings.TrimSpace(w)))
			}
		}
	}
	if len(words) < 20 {
		t.Fatalf("the glossary has only %q", words)
	}
	old := regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)\b`)
	complain := func(where any, text string) {
		for line := range strings.SplitSeq(text, "\n") {
			if word := old.FindString(line); word != "" {
				t.Errorf("%v: %q in %q; see English in .github/CONTRIBUTING.md", where, word, line)
			}
		}
	}
	files, err := source()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.isTest() {
			continue
		}
		ast.Inspect(file.tree, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Error(err)
				}
				if strings.Contains(text, " ") { // one word is a name, or a key
					complain(goFiles.Position(l.Pos()), text)
				}
			}
			return true
		})
	}
	for _, pattern := range []string{"../../.ci/*", "../../nixgen/*.sh"} {
		scripts, err := filepath.Glob(pattern)
		if err != nil || len(scripts) == 0 {
			t.Errorf("%s: %v, %v", pattern, scripts, err)
		}
		for _, name := range scripts {
			if text, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, "/rig") {
				complain(name, string(text))
			}
		}
	}
}

// A recipe that names a file that was moved helps nobody.
func TestTheRecipesNameWhatIsThere(t *testing.T) {
	guide, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:cmd|tui|nixgen|flash|\\.ci|\\.github)/[^`: ]*)`").FindAllStringSubmatch(string(guide), -1)
	if len(named) < 10 {
		t.Errorf("only %q", named)
	}
	for _, m := range named {
		if strings.Contains(m[1], "NAME") {
			continue
		}
		if found, err := filepath.Glob("../../" + m[1]); err != nil || len(found) == 0 {
			t.Errorf("CONTRIBUTING names %s, which is not there (%v)", m[1], err)
		}
	}
}

package tui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nothing imports an empty package in place of each: what the files of this
// package use of each other can be seen without.
type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

func TestFilesBuildOnEachOtherInOneDirection(t *testing.T) {
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: nothing{}, Error: func(error) {}}
	pkg, _ := conf.Check("piwiz/tui", set, files, info) // of what is imported nothing is known: that is no error here
	uses := map[string]map[string]string{}              // file, file it uses, a name of that
	for id, o := range info.Uses {
		if v, ok := o.(*types.Var); o.Pkg() != pkg || ok && v.IsField() {
			continue
		}
		from, to := set.Position(id.Pos()).Filename, set.Position(o.Pos()).Filename
		if from == to {
			continue
		}
		if uses[from] == nil {
			uses[from] = map[string]string{}
		}
		uses[from][to] = o.Name()
	}
	if len(uses) < 20 || uses["wizard.go"]["read.go"] == "" {
		t.Fatalf("hardly anything is used: %v", uses)
	}
	var path []string
	over := map[string]bool{}
	var walk func(string)
	walk = func(file string) {
		if i := slices.Index(path, file); i >= 0 {
			var circle []string
			for j, f := range path[i:] {
				to := append(slices.Clone(path[i:]), file)[j+1]
				circle = append(circle, fmt.Sprintf("%s uses %s of %s", f, uses[f][to], to))
			}
			t.Errorf("a circle: %s. What both need belongs below them, or the lower one is handed what it needs", strings.Join(circle, ", "))
			return
		}
		if over[file] {
			return
		}
		path = append(path, file)
		for to := range uses[file] {
			walk(to)
		}
		path = path[:len(path)-1]
		over[file] = true
	}
	for file := range uses {
		walk(file)
	}
}

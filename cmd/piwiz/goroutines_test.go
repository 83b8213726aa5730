package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// unguarded are the places outside of flash/crash that start a goroutine, with
// the reason why no code of piwiz can panic in it. nixgen has none that runs code
// of its own: what it works on is started by tui and cmd.
var unguarded = map[string]string{
	"flash/crash/crash.go Go":                             "the guard itself",
	"flash/detect/watch.go listen":                        "context.AfterFunc: closes a file",
	"flash/firstboot/hostkey.go hostKey":                  "context.AfterFunc: closes a connection",
	"flash/udisks/udisks.go Connect":                      "context.AfterFunc: closes a connection",
	"nixgen/sshkey/agent.go fromAgent":                    "context.AfterFunc: closes a connection",
	"nixgen/builder/ownnix/fetch.go register":             "writes into a pipe",
	"nixgen/builder/ownnix/nixcache/cache.go parallel":    "hands a panic over to its caller, whom crash.Go has started",
	"nixgen/builder/ownnix/nixcache/web.go get":           "time.AfterFunc: ends a request",
	"nixgen/builder/ownnix/namespace/namespace.go inside": "in a process of its own, which has no terminal to leave in raw mode: waits for the end of a pipe",
	"nixgen/builder/ownnix/namespace/namespace.go start":  "likewise: repeats a signal until a child has ended",
	"nixgen/nix/run.go Run":                               "waits for a child; repeats a signal until it has ended",
	"tui/screen/session.go Start":                         "a tool of the tests",
	"tui/screen/session.go run":                           "a tool of the tests",
}

// starters are calls that run a function in another goroutine.
var starters = map[string]bool{"Go": true, "TryGo": true, "AfterFunc": true}

// A panic in a goroutine ends the process on the spot.
func TestNoGoroutineStartsWithoutItsGuard(t *testing.T) {
	root, found := "../..", map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		for _, place := range starts(file) {
			where := name + " " + place.in
			found[where] = true
			if unguarded[where] == "" {
				t.Errorf("%s:%d: %s starts a goroutine without crash.Go: a panic in it ends piwiz with the terminal in raw mode", name, set.Position(place.at).Line, place.in)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for where := range unguarded {
		if !found[where] {
			t.Errorf("%s starts no goroutine any more; take it out of the list", where)
		}
	}
}

type place struct {
	in string // function
	at token.Pos
}

// starts finds what starts a goroutine in a file.
func starts(file *ast.File) (found []place) {
	for _, d := range file.Decls {
		in := "init"
		if f, ok := d.(*ast.FuncDecl); ok {
			in = f.Name.Name
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				found = append(found, place{in, n.Pos()})
			case *ast.CallExpr:
				s, ok := n.Fun.(*ast.SelectorExpr)
				if ok && starters[s.Sel.Name] && fmt.Sprint(s.X) != "crash" {
					found = append(found, place{in, n.Pos()})
				}
			}
			return true
		})
	}
	return found
}

func TestEveryKindOfStartIsFound(t *testing.T) {
	const text = `package x
func a() { go f() }
func b() { wg.Go(f) }
func c() { x.y.Go(f) }
func d() { time.AfterFunc(1, f) }
func e() { context.AfterFunc(ctx, f) }
func g() { func() { defer func() { go f() }() }() }
func h() { crash.Go(f, nil) }
var v = func() { go f() }
`
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var in []string
	for _, p := range starts(file) {
		in = append(in, p.in)
	}
	if got := strings.Join(in, " "); got != "a b c d e g init" {
		t.Error(got)
	}
}

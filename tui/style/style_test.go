package style

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/sfnt"
)

func TestSignsAreOneCellWideAndInGoMono(t *testing.T) {
	font, err := sfnt.Parse(gomono.TTF)
	if err != nil {
		t.Fatal(err)
	}
	for _, sign := range []string{Done, Failed, Pointer, Up, Down, Left, Right, Dash, Bar, Full, Empty, Dots, Here, Passed, Waiting, Times, Attention} {
		if lipgloss.Width(sign) != 1 {
			t.Errorf("%s is %d cells wide", sign, lipgloss.Width(sign))
		}
		if i, err := font.GlyphIndex(nil, []rune(sign)[0]); i == 0 || err != nil {
			t.Errorf("%s is not in Go Mono", sign)
		}
	}
}

// A sign is written down here and nowhere else in tui. The three dots also end
// sentences. Package screen reads what others have drawn.
func TestSignsAreOnlyFromHere(t *testing.T) {
	const signs = Done + Failed + Pointer + Up + Down + Left + Right + Dash + Bar + Full + Empty + Here + Passed + Waiting
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "style" || d.Name() == "screen" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		seen++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && strings.ContainsAny(text.Value, signs) {
				t.Errorf("%s: %s has a sign in it: take it from package style", set.Position(text.Pos()), text.Value)
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 20 {
		t.Errorf("%d files, %v", seen, err)
	}
}

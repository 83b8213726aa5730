package style

import (
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
	for _, sign := range []string{Done, Failed, Pointer, Up, Down, Left, Right, Dash, Bar, Full, Empty, Dots} {
		if lipgloss.Width(sign) != 1 {
			t.Errorf("%s is %d cells wide", sign, lipgloss.Width(sign))
		}
		if i, err := font.GlyphIndex(nil, []rune(sign)[0]); i == 0 || err != nil {
			t.Errorf("%s is not in Go Mono", sign)
		}
	}
}

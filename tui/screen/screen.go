// Package screen sees the program the way a person does: as a terminal
// full of characters. It is for tests only; nothing that is shipped may
// import it.
//
// Draw shows the text of a View; Start runs a whole program on a
// pseudo-terminal and types into it. Both can be compared as text and saved
// as a picture, drawn with the Go Mono font, which has the WGL4 characters.
// The emulator is vt10x, which knows no dim text and takes every
// character for one cell wide.
package screen

import (
	"strings"

	"github.com/hinshun/vt10x"
)

// Term is a terminal with something on it.
type Term struct {
	vt vt10x.Terminal
}

// Draw puts text with its escape sequences on an empty terminal of w columns
// and h lines. As on a real one, a text that is too tall loses its top.
func Draw(text string, w, h int) *Term {
	t := &Term{vt10x.New(vt10x.WithSize(w, h))}
	t.vt.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	return t
}

// Text returns the screen without colours, without blanks at the ends of
// lines and without empty lines at the end.
func (t *Term) Text() string {
	lines := strings.Split(t.vt.String(), "\n") // takes the emulator's lock itself
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \x00")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

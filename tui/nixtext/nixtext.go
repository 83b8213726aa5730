// Package nixtext colours Nix source for the preview.
//
// It is a lexer, not a parser: it only tells comments, strings, keywords,
// names, numbers and paths apart. Rule: whatever comes in comes out again;
// with the colours taken away the result is the input, byte for byte.
// Source: https://nix.dev/manual/nix/latest/language/ (string literals,
// identifiers, path literals, comments).
package nixtext

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/style"
)

// Kind is what a piece of source is.
type Kind int

// The kinds that are told apart.
const (
	Plain Kind = iota
	Comment
	String
	Insert // ${ and its }
	Keyword
	Number
	Path
	Name // an attribute name: before = or .
)

// Token is a piece of source. The texts of all tokens, joined, are the source.
type Token struct {
	Kind Kind
	Text string
}

var styles = map[Kind]lipgloss.Style{
	Comment: style.CodeComment,
	String:  style.CodeString,
	Insert:  style.CodeInsert,
	Keyword: style.CodeKeyword,
	Number:  style.CodeNumber,
	Path:    style.CodePath,
	Name:    style.CodeName,
}

// Colour returns src with terminal colours, in the terminal's colour profile.
// No escape sequence spans a line end, so the result may be cut into lines.
func Colour(src string) string {
	var b strings.Builder
	for _, t := range Lex(src) {
		st, ok := styles[t.Kind]
		if !ok {
			b.WriteString(t.Text)
			continue
		}
		// Render would pad all lines to the same width and turn tabs into
		// blanks: one line at a time, and tabs left as they are.
		st = st.TabWidth(lipgloss.NoTabConversion).Inline(true)
		for i, line := range strings.Split(t.Text, "\n") {
			if i > 0 {
				b.WriteByte('\n')
			}
			if line != "" {
				b.WriteString(st.Render(line))
			}
		}
	}
	return b.String()
}

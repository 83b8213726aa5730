package form

import (
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// OneLine is what a key may bring into a text of one line. The newlines at the
// end of a paste are dropped: they come along when a whole line is copied. Any
// other character that one line cannot hold would be changed or lost on its
// way, and with it a password; then nothing is taken, and refused says why.
//
// Blanks are kept wherever they are, as are characters that cannot be seen:
// whoever asks decides whether to ask about them.
func OneLine(k tea.KeyMsg) (out tea.KeyMsg, refused string) {
	if k.String() == "ctrl+v" {
		// The text field would fetch the clipboard itself and change it.
		return k, "Paste with your terminal's own keys, often ctrl+shift+v."
	}
	if k.Type != tea.KeyRunes {
		return k, ""
	}
	text := strings.TrimRight(string(k.Runes), "\r\n")
	switch {
	case strings.ContainsAny(text, "\r\n\u0085\u2028\u2029"):
		return k, "Not pasted: it is more than one line. Copy one line and paste again."
	case strings.Contains(text, "\t"):
		return k, "Not pasted: it has a tab in it. Copy it without the tab and paste again."
	case strings.ContainsFunc(text, unicode.IsControl), strings.ContainsRune(text, unicode.ReplacementChar):
		return k, "Not pasted: it has a character in it that is not text. Copy it again without that."
	}
	k.Runes = []rune(text)
	return k, ""
}

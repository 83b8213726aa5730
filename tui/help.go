package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/style"
)

// footer is the help line. In a narrow window keys of the page give way; those
// that lead on and out stay, and ? lists them all.
func (w *wizard) footer(width int) string {
	if w.closing {
		return ""
	}
	keys := w.pageKeys()
	for {
		var parts []string
		for _, k := range append(keys[:len(keys):len(keys)], bind("?", "keys"), bind("ctrl+c", "leave")) {
			parts = append(parts, style.Key.Render(k.Help().Key)+" "+style.Dim.Render(k.Help().Desc))
		}
		line := strings.Join(parts, style.Dim.Render(" · "))
		if lipgloss.Width(line) <= width || len(keys) == 0 {
			return line
		}
		keys = shorter(keys)
	}
}

func (w *wizard) pageKeys() []key.Binding {
	if w.crash != nil {
		return w.crashHelp()
	}
	return w.page().help(w.state)
}

// shorter leaves out the key that is missed least: never enter, and the last,
// which is the way back, only at the end.
func shorter(keys []key.Binding) []key.Binding {
	for i := len(keys) - 2; i >= 0; i-- {
		if keys[i].Help().Key != "enter" {
			return slices.Delete(slices.Clone(keys), i, i+1)
		}
	}
	return keys[:len(keys)-1]
}

func (w *wizard) allKeys() string {
	common := []key.Binding{bind("?", "show or hide this list"), bind("ctrl+c", "leave piwiz; asks first while work is running")}
	var b strings.Builder
	b.WriteString("Keys on this page\n\n")
	for _, k := range append(w.pageKeys(), common...) {
		fmt.Fprintf(&b, "  %s %s\n", style.Key.Width(14).Render(k.Help().Key), k.Help().Desc)
	}
	return b.String() + "\n" + style.Dim.Render("Any key closes this list.")
}

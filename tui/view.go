package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// Smallest window a page is drawn in, in cells.
const minWidth, minHeight = 60, 20

func (w *wizard) View() (picture string) {
	w.safely(func() { picture = w.draw() })
	if picture == "" { // drawing the page panicked
		picture = w.draw()
	}
	return picture
}

func (w *wizard) draw() string {
	if w.width < minWidth || w.height < minHeight {
		text := fmt.Sprintf("This window is %d"+style.Times+"%d. Make it at least %d"+style.Times+"%d; everything is kept.", w.width, w.height, minWidth, minHeight)
		return lipgloss.NewStyle().Width(w.width).MaxHeight(w.height).MaxWidth(w.width).Render(text)
	}
	w.tall = false
	head := style.Title.Render(w.steps[w.at].title) + "  " + style.Dim.Render(w.trail())
	width, height := w.width-4, w.height-4
	var body string
	switch {
	case w.closing:
		body = w.closingView(width)
	case w.leaving:
		body = style.Danger.Render("Leave now?") + "\n\n" + wrap(w.busy(), width) + "\n\n" + style.Key.Render("y") + " leave    any other key: stay"
	case w.crash != nil:
		body = w.crashView(width)
	case w.keys:
		body = w.allKeys()
	default:
		body = w.page().view(w.state, width, height)
	}
	body = lipgloss.NewStyle().MaxWidth(width).MaxHeight(height).Render(w.fit(body, "", height))
	page := lipgloss.NewStyle().Height(height + 1).PaddingLeft(2).Render("\n" + body)
	return clean.Drawn("  " + head + "\n" + page + "\n  " + w.footer(width))
}

// trail shows how far the story has come.
func (w *wizard) trail() string {
	var b strings.Builder
	for i := range w.steps {
		switch {
		case i == w.at:
			b.WriteString(style.Here)
		case i < w.at:
			b.WriteString(style.Passed)
		default:
			b.WriteString(style.Waiting)
		}
	}
	return b.String()
}

// closingView is the one picture while piwiz ends.
func (w *wizard) closingView(width int) string {
	text := style.Title.Render("Stopping …")
	if w.consequence != "" {
		text += "\n\n" + wrap(w.consequence, width)
	}
	return text
}

// crashView says what happened, and what leaving would mean while work goes on.
func (w *wizard) crashView(width int) string {
	text := failure(w.crash, width)
	if busy := w.busy(); busy != "" {
		text += "\n\n" + wrap("If you leave now: "+busy, width)
	}
	return text + "\n\n" + wrap("Press enter to restart this page. Every answer is kept.", width)
}

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
		line := strings.Join(parts, style.Dim.Render(style.Between))
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

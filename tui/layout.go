package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/form"
	"piwiz/tui/style"
)

// newForm makes a form for the page, less the lines that the page draws
// around it.
func newForm(s *state, less int, fields ...form.Field) *form.Form {
	return form.New(max(s.width-4, 20), max(s.height-5-less, 6), fields...)
}

func resize(f *form.Form, s *state, less int) {
	if f != nil {
		f.Resize(max(s.width-4, 20), max(s.height-5-less, 6))
	}
}

// around draws as many rows as fit into height lines, the chosen one among
// them, and says where there are more.
func around(rows []string, chosen, height int) string {
	height = max(height, 3)
	if len(rows) <= height {
		return strings.Join(rows, "\n") + "\n"
	}
	height-- // for the last line
	from := min(max(chosen-height/2, 0), len(rows)-height)
	more := style.More(from > 0, from+height < len(rows))
	return strings.Join(rows[from:from+height], "\n") + "\n" + style.Dim.Render(more) + "\n"
}

// bar draws a share from 0 to 1. It is static: the tick of the page is the
// only clock.
func bar(share float64, width int) string {
	width = min(width, 60)
	full := min(max(int(share*float64(width)), 0), width)
	return style.OK.Render(strings.Repeat("█", full)) + style.Dim.Render(strings.Repeat("░", width-full))
}

// clock writes a duration as people read it: 42 s, 3 min 05 s, 1 h 02 min.
func clock(d time.Duration) string {
	switch s := int(d.Round(time.Second).Seconds()); {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	default:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	}
}

func wrap(text string, width int) string {
	return lipgloss.NewStyle().Width(width).Render(text)
}

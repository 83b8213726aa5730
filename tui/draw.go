package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/tui/clean"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// window is the room that pages are drawn in.
type window struct {
	width, height int
	scroll        int  // how far the part of a page is scrolled that is too tall
	tall          bool // there is one: set by drawing
}

// newForm makes a form for the page; above gives it its room.
func (w *window) newForm(fields ...form.Field) *form.Form {
	return form.New(max(w.width-4, 20), max(w.height-4, 6), fields...)
}

// fit draws rest, and top above it. Where both are too tall rest is whole, and
// of top there is a part, its beginning at first, which pgdn and pgup move.
func (w *window) fit(top, rest string, height int) string {
	if top == "" {
		return rest
	}
	lines := strings.Split(strings.TrimRight(top, "\n"), "\n")
	room := height
	if rest != "" {
		room -= lipgloss.Height(rest)
	}
	if len(lines) > room {
		room = max(room-1, 1) // for the line that says so
		w.tall, w.scroll = true, max(min(w.scroll, len(lines)-room), 0)
		more := style.More(w.scroll > 0, w.scroll+room < len(lines)) + ": pgdn and pgup"
		lines = append(slices.Clone(lines[w.scroll:w.scroll+room]), style.Dim.Render(more))
	}
	if rest != "" {
		lines = append(lines, rest)
	}
	return strings.Join(lines, "\n")
}

// above draws a form, a hint that is always in sight above it, and over that
// something of which a few lines are, however small the window is.
func (w *window) above(top, hint string, f *form.Form, height int) string {
	f.Resize(max(w.width-4, 20), height-spare(top)-strings.Count(hint, "\n"))
	return w.fit(top, hint+f.View(), height)
}

// spare is how many lines a text gets that may be scrolled, where there is
// something more important below.
func spare(text string) int { return min(strings.Count(text, "\n"), 5) }

// around draws as many rows as fit into height lines, the chosen one among
// them, and says where there are more. A row may have several lines.
func around(rows []string, chosen, height int) string {
	all := strings.Join(rows, "\n")
	if strings.Count(all, "\n") < height {
		return all + "\n"
	}
	height = max(height-1, 2) // one is for the last line
	from, to := chosen, min(chosen+1, len(rows))
	used := strings.Count(strings.Join(rows[from:to], ""), "\n") + to - from
	for grown := true; grown; {
		grown = false
		if from > 0 && used+lines(rows[from-1]) <= height {
			from--
			used, grown = used+lines(rows[from]), true
		}
		if to < len(rows) && used+lines(rows[to]) <= height {
			used, grown = used+lines(rows[to]), true
			to++
		}
	}
	shown := strings.Split(strings.Join(rows[from:to], "\n"), "\n")
	cut := len(shown) > height // one row alone that is too tall
	more := style.More(from > 0, to < len(rows) || cut)
	return strings.Join(shown[:min(len(shown), height)], "\n") + "\n" + style.Dim.Render(more) + "\n"
}

func lines(row string) int { return strings.Count(row, "\n") + 1 }

// bar draws a share from 0 to 1. It is static: the tick of the page is the
// only clock.
func bar(share float64, width int) string {
	width = min(width, 60)
	full := min(max(int(share*float64(width)), 0), width)
	return style.OK.Render(strings.Repeat(style.Full, full)) + style.Dim.Render(strings.Repeat(style.Empty, width-full))
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

// wrap lays out a text without colours, as far as a page can hold it. There
// may be words from outside in it.
func wrap(text string, width int) string {
	const most = 16 << 10
	if len(text) > most {
		text = text[:most]
	}
	return lipgloss.NewStyle().Width(width).Render(clean.Text(text))
}

// Explain splits an error into its sentence and what the user can do. Errors
// made for people carry hints, those of the system have theirs in a table; any
// other error stands for itself. Of several errors in one the hints of each are
// told.
func Explain(err error) (headline string, hints []string) {
	if err == nil {
		return "", nil
	}
	return err.Error(), hintsOf(err)
}

func hintsOf(err error) (hints []string) {
	if h, ok := err.(fault.Told); ok {
		return h.Hints()
	}
	if todo := durable.Hints(err); todo != nil {
		return todo
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return hintsOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			for _, h := range hintsOf(one) {
				if !slices.Contains(hints, h) {
					hints = append(hints, h)
				}
			}
		}
	}
	return hints
}

// failure draws an error: the sentence, then what to do.
func failure(err error, width int) string {
	headline, hints := Explain(err)
	var b strings.Builder
	b.WriteString(style.Danger.Render(wrap(headline, width)))
	for _, h := range hints {
		b.WriteString("\n" + wrap(style.Pointer+" "+h, width))
	}
	return b.String()
}

// notes draws problems that stop nothing: named, then skipped.
func notes(problems []error, width int) string {
	var b strings.Builder
	for _, p := range problems {
		headline, _ := Explain(p)
		b.WriteString(style.Warn.Render(wrap("Skipped: "+headline, width)) + "\n")
	}
	return b.String()
}

// sentence makes one of an error that begins small, for a field's complaint.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// failures draws problems with what to do about each.
func failures(problems []error, width int) string {
	var out []string
	for _, x := range problems {
		out = append(out, failure(x, width))
	}
	return strings.Join(out, "\n\n")
}

// row is one line of a list to choose from.
func row(text string, selected bool) string {
	if selected {
		return style.Focus.Render(style.Pointer+" ") + text
	}
	return "  " + text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func spin(d time.Duration) string {
	return string([]rune(style.Bar + "/" + style.Dash + "\\")[int(d/(250*time.Millisecond))%4])
}

func diskLabel(d disk.Device) string {
	return clean.Name(strings.Join(strings.Fields(disk.Human(d.Size)+" "+d.Vendor+" "+d.Model), " "))
}

// hang wraps text for a line that has a sign in front.
func hang(text string, width int) string {
	wrapped := strings.Split(wrap(text, max(width-4, 1)), "\n")
	for i, l := range wrapped {
		wrapped[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(wrapped, "\n")
}

// complaint turns a rule about an answer into a check of a text field.
func complaint(rule func(string) (string, string)) func(string) string {
	return func(v string) string {
		_, c := rule(v)
		return c
	}
}

// drawDoubts asks about the answers, all at once.
func drawDoubts(doubts []nixgen.Doubt, width int) string {
	text := []string{style.Warn.Render(wrap("Is this what you want?", width))}
	for _, d := range doubts {
		text = append(text, wrap(clean.Line(d.Text), width))
	}
	return strings.Join(text, "\n\n")
}

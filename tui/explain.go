package tui

import (
	"errors"
	"strings"

	"piwiz/tui/style"
)

// Explain splits an error into its sentence and what the user can do. Errors
// made for people carry hints; any other error stands for itself.
func Explain(err error) (headline string, hints []string) {
	if err == nil {
		return "", nil
	}
	var h interface{ Hints() []string }
	if errors.As(err, &h) {
		hints = h.Hints()
	}
	return err.Error(), hints
}

// failure draws an error: the sentence, then what to do.
func failure(err error, width int) string {
	headline, hints := Explain(err)
	var b strings.Builder
	b.WriteString(style.Danger.Render(wrap(headline, width)))
	for _, h := range hints {
		b.WriteString("\n" + wrap("► "+h, width))
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

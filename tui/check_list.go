package tui

import (
	"slices"
	"strings"

	"piwiz/nixgen/preflight"
	"piwiz/tui/style"
)

// checklist is what was found out so far, and the finding under the cursor.
type checklist struct {
	results []*checked
	cursor  int
	tried   int   // the check whose command was run last, -1 when none was
	err     error // of that command
}

type checked struct {
	preflight.Finding
	done       bool
	first, end int // its lines in the pane
}

// hidden says that there is nothing to show.
func (r *checked) hidden() bool { return r.done && r.State == preflight.Unneeded }

// beside is the next finding in one direction, the one under the cursor where
// there is none.
func (c *checklist) beside(by int) int {
	for i := c.cursor + by; i >= 0 && i < len(c.results); i += by {
		if !c.results[i].hidden() {
			return i
		}
	}
	return c.cursor
}

// begins is what going on begins, "" for nothing.
func (c *checklist) begins() string {
	for _, r := range c.results {
		if r.Begins != "" {
			return r.Begins
		}
	}
	return ""
}

// count says how many checks have no answer yet, and how many ended in each
// state.
func (c *checklist) count() (pending int, states map[preflight.State]int) {
	states = map[preflight.State]int{}
	for _, r := range c.results {
		if r.done {
			states[r.State]++
		} else {
			pending++
		}
	}
	return pending, states
}

// stillWrong tells whether a command was run for this check, and in vain.
func (c *checklist) stillWrong(i int) bool {
	r := c.results[i]
	return i == c.tried && r.done && r.State != preflight.OK && r.State != preflight.Skipped
}

// worst is the check whose command was run in vain, else the first that failed,
// says what going on begins, or warns; -1 when all is well.
func (c *checklist) worst() int {
	if c.tried >= 0 && c.tried < len(c.results) && c.stillWrong(c.tried) {
		return c.tried
	}
	for _, is := range []func(*checked) bool{
		func(r *checked) bool { return r.State == preflight.Failure },
		func(r *checked) bool { return r.Begins != "" },
		func(r *checked) bool { return r.State == preflight.Warning },
	} {
		if i := slices.IndexFunc(c.results, is); i >= 0 {
			return i
		}
	}
	return -1
}

// fixable is the finding under the cursor if it has a command, else the first
// that has one; -1 when none does.
func (c *checklist) fixable() int {
	if c.cursor < len(c.results) && c.results[c.cursor].Command != "" {
		return c.cursor
	}
	return slices.IndexFunc(c.results, func(r *checked) bool { return r.Command != "" })
}

// repair is the command of that finding.
func (c *checklist) repair() string {
	if i := c.fixable(); i >= 0 {
		return c.results[i].Command
	}
	return ""
}

// finding draws one line, and below it why it matters and what to do.
func (c *checklist) finding(name string, i, width int) []string {
	r := c.results[i]
	if r.hidden() {
		return nil
	}
	pointer := "  "
	if i == c.cursor && c.worst() >= 0 {
		pointer = style.Focus.Render(style.Pointer) + " "
	}
	sign, text := style.Dim.Render(style.Waiting), style.Dim.Render(hang(name+" …", width))
	switch {
	case !r.done:
	case r.State == preflight.OK:
		sign, text = style.OK.Render(style.Done), hang(r.What, width)
	case r.State == preflight.Skipped:
		text = style.Dim.Render(hang(r.What, width))
	case r.State == preflight.Warning:
		sign, text = style.Warn.Render(style.Attention), style.Warn.Render(hang(r.What, width))
	default:
		sign, text = style.Danger.Render(style.Failed), style.Danger.Render(hang(r.What, width))
	}
	if c.stillWrong(i) {
		text += "\n" + style.Danger.Render(hang(c.vain(), width))
	}
	if r.Why != "" {
		text += "\n" + style.Dim.Render(hang(r.Why, width))
	}
	if r.Command != "" {
		text += "\n" + style.Command.Render(hang(r.Command, width))
	}
	for _, do := range r.Todo {
		text += "\n" + hang(do, width)
	}
	return strings.Split(pointer+sign+" "+strings.ReplaceAll(text, "\n", "\n    "), "\n")
}

// vain says how the command ended that did not help.
func (c *checklist) vain() string {
	if c.err == nil {
		return "The command ended without an error, but this is still wrong."
	}
	headline, _ := Explain(c.err)
	return "This is still wrong. " + headline
}

// lastEnd is the last command's end when that was bad.
func (c *checklist) lastEnd(width int) string {
	if c.err == nil || c.tried >= 0 && c.stillWrong(c.tried) { // the finding itself says it
		return ""
	}
	headline, _ := Explain(c.err)
	return style.Danger.Render(wrap(headline, width)) + "\n"
}

// advice is the last lines of the page: what can be done now.
func (c *checklist) advice(width int) string {
	var b strings.Builder
	pending, states := c.count()
	switch {
	case states[preflight.Failure] > 0 && c.repair() != "":
		b.WriteString(wrap("Press f to fix what the arrow points to: the command is shown first. a goes on anyway, but the build will not work yet.", width))
	case states[preflight.Failure] > 0:
		b.WriteString(wrap("Fix what is marked, then press r to check again. a goes on anyway, but the build will not work yet.", width))
	case pending > 0:
		b.WriteString(style.Dim.Render("Looking …"))
	default:
		well := "All is well."
		if states[preflight.Warning] > 0 {
			well = "What is marked with ! need not stop you."
		}
		on := " Press enter to go on."
		if begins := c.begins(); begins != "" {
			on = " Press enter to " + begins + ". The questions are asked meanwhile."
		}
		b.WriteString(wrap(well+on, width))
	}
	return b.String()
}

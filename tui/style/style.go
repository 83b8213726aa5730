// Package style names every colour, border and sign of the screen by what it
// means. Pages never build a colour themselves.
//
// Rules: colours come in pairs for light and dark terminals; nothing is told
// by colour alone (a sign or a word says it as well), because of NO_COLOR and
// of eyes that do not see the difference; signs stay within WGL4, the set of
// characters that the Linux console and the Go Mono font both have.
package style

import "github.com/charmbracelet/lipgloss"

// Signs, all in WGL4, and but for the last two one cell wide.
const (
	Done    = "√" // a step that is finished
	Failed  = "×" // a step that failed, a thing that is refused
	Pointer = "►" // the line the cursor is on
	Up      = "↑"
	Down    = "↓"
	Left    = "←"
	Right   = "→"
	Dash    = "─"
	Bar     = "│"
	Full    = "█" // the finished part of a progress bar
	Empty   = "░" // the rest of it
	Dots    = "…" // text was cut here
	Here    = "●" // the step that is shown
	Passed  = "▪" // a step before it
	Waiting = "·" // a step after it, a thing that is not known yet
	Times   = "×" // between two measures

	Attention = "!"       // a thing to know that stops nothing
	UpDown    = Up + Down // the keys
	Between   = " · "     // what stands side by side on a line
)

// The palette: 256-colour numbers, dark enough for paper white and light
// enough for black.
var (
	accent = lipgloss.AdaptiveColor{Light: "161", Dark: "205"}
	blue   = lipgloss.AdaptiveColor{Light: "25", Dark: "75"}
	green  = lipgloss.AdaptiveColor{Light: "28", Dark: "78"}
	yellow = lipgloss.AdaptiveColor{Light: "130", Dark: "221"}
	red    = lipgloss.AdaptiveColor{Light: "160", Dark: "203"}
	grey   = lipgloss.AdaptiveColor{Light: "243", Dark: "245"}
	purple = lipgloss.AdaptiveColor{Light: "55", Dark: "141"}
)

// Text by meaning.
var (
	Title    = lipgloss.NewStyle().Bold(true).Foreground(accent)
	Heading  = lipgloss.NewStyle().Bold(true)
	Text     = lipgloss.NewStyle()
	Dim      = lipgloss.NewStyle().Foreground(grey)
	OK       = lipgloss.NewStyle().Foreground(green)
	Warn     = lipgloss.NewStyle().Foreground(yellow)
	Danger   = lipgloss.NewStyle().Bold(true).Foreground(red)
	Key      = lipgloss.NewStyle().Foreground(blue) // the name of a key in the help line
	Selected = lipgloss.NewStyle().Bold(true).Foreground(green)
	Focus    = lipgloss.NewStyle().Foreground(accent) // the cursor, the focused field's mark
	Command  = lipgloss.NewStyle().Foreground(blue)   // a command line to type or to be run
	Match    = lipgloss.NewStyle().Reverse(true)      // a search hit
)

// Source text in the preview.
var (
	CodeComment = lipgloss.NewStyle().Foreground(grey)
	CodeString  = lipgloss.NewStyle().Foreground(green)
	CodeInsert  = lipgloss.NewStyle().Foreground(accent) // the ${ and } of an interpolation
	CodeKeyword = lipgloss.NewStyle().Foreground(purple)
	CodeNumber  = lipgloss.NewStyle().Foreground(yellow)
	CodePath    = lipgloss.NewStyle().Foreground(yellow)
	CodeName    = lipgloss.NewStyle().Foreground(blue) // an attribute name
)

// More says on which sides a list goes on out of sight; "" when on none.
func More(above, below bool) string {
	switch {
	case above && below:
		return "  " + Up + Down + " more"
	case above:
		return "  " + Up + " more"
	case below:
		return "  " + Down + " more"
	}
	return ""
}

// Mark is the sign of an option that is chosen, or not, where any number may
// be. It is no mark of the cursor's, and differs without colour too.
func Mark(chosen bool) string {
	if chosen {
		return OK.Render("[x]")
	}
	return "[ ]"
}

package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// page is one page of the wizard. enter runs each time the page is shown,
// update gets every key that the wizard does not keep for itself and the
// results of the page's own commands, view draws into exactly that room.
type page interface {
	enter(*state) tea.Cmd
	update(*state, tea.Msg) (move, tea.Cmd)
	view(s *state, width, height int) string
	help(*state) []key.Binding
}

// worker is a page with work running. busy is empty when there is none, else
// the consequence of leaving now; stop cancels the work and waits for it.
type worker interface {
	busy() string
	stop()
}

// typer is a page where letters may be text; then ? is a character.
type typer interface{ typing() bool }

// failer is a page that can show a failure: leaving it there is no success.
type failer interface{ failed() error }

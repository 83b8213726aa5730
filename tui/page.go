package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// move is where a page wants to go: one of the constants, or a page's name.
type move string

const (
	stay move = ""
	next move = "next"
	back move = "back"
	quit move = "quit"
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

// onTerminal is a page's wish to leave the terminal to a command for a while;
// then makes the message that tells the page how it ended.
type onTerminal struct {
	command tea.ExecCommand
	then    func(error) tea.Msg
}

// exec leaves the terminal to a command. Pages use it in place of tea.Exec.
func exec(command tea.ExecCommand, then func(error) tea.Msg) tea.Cmd {
	return func() tea.Msg { return onTerminal{command, then} }
}

// reply is what a command of a page brought, and the visit that asked for it.
type reply struct {
	visit int
	msg   tea.Msg
}

// late is a message that holds something which must be given up when nobody
// waits for it any more.
type late interface{ drop() }

func bind(keys, what string) key.Binding {
	return key.NewBinding(key.WithKeys(keys), key.WithHelp(keys, what))
}

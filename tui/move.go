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

package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/crash"
	"piwiz/tui/clean"
)

// ErrLeft says that the user left before the Raspberry Pi answered, and that
// nothing had failed.
var ErrLeft = errors.New("piwiz was quit")

// Run shows the wizard until the user leaves it. The error is nil when the
// Raspberry Pi answered. It is the failure that was shown when the user left,
// else ErrLeft; context.Canceled when ctx ended first or the terminal was closed.
func Run(ctx context.Context, e Engine, in io.Reader, out io.Writer) error {
	ctx, vanish := context.WithCancelCause(ctx)
	defer vanish(nil)
	gone := func() { vanish(errVanished) }
	w := newWizard(ctx, e)
	w.in, w.out = in, out
	p := tea.NewProgram(w, tea.WithAltScreen(),
		tea.WithInput(watch(in, gone).(io.Reader)), tea.WithOutput(watch(out, gone).(io.Writer)),
		// During a password prompt ^C is a real signal; Bubble Tea's own
		// handler would then sometimes end the program.
		tea.WithoutSignalHandler())
	// Not tea.WithContext: ended by that, Bubble Tea closes its input while it
	// still reads from it.
	over := make(chan struct{})
	crash.Go(func() error {
		select {
		case <-ctx.Done():
			p.Quit()
		case <-over:
		}
		return nil
	}, nil)
	_, err := p.Run()
	close(over)
	w.stopAll()
	outcome := w.outcome()
	switch {
	case ctx.Err() != nil && errors.Is(outcome, context.Canceled): // it says what the card is
		return outcome
	case ctx.Err() != nil:
		return context.Canceled
	case err != nil:
		return err
	}
	_, _ = io.WriteString(out, clean.Text(w.farewell())) // a closed terminal needs none
	return outcome
}

// outcome is how the story ended: nil when the Raspberry Pi answered, the failure
// that the last page showed, or ErrLeft. A write that was cancelled is a failure
// which says what the card is now.
func (w *wizard) outcome() error {
	if w.crash != nil {
		return w.crash
	}
	if f, ok := w.page().(failer); ok {
		if err := f.failed(); err != nil {
			return err
		}
	}
	if w.steps[w.at].name == "done" {
		return nil
	}
	return ErrLeft
}

// farewell is what stays on the terminal when the pages are gone: how to log
// in, or how to go on.
func (w *wizard) farewell() string {
	h := w.saved.Host
	switch w.steps[w.at].name {
	case "card":
		return "No card was written.\n"
	case "wait":
		return fmt.Sprintf("The card for %s is written and verified. When the Raspberry Pi is on: piwiz wait %s\n", h.Name, h.Name)
	case "done":
		answers := w.found.Name + " answers, with the host key that was made for it.\n"
		if w.way.Command == "" {
			return answers + "Logging in has not been tried yet: piwiz wait " + h.Name + "\n"
		}
		return answers + strings.Join(w.way.Text(), "\n") + "\n"
	}
	return ""
}

func (w *wizard) Init() (cmd tea.Cmd) {
	w.safely(func() { cmd = w.show() })
	return cmd
}

func (w *wizard) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	if w.closing {
		w.ending(msg)
		return w, nil
	}
	w.safely(func() { _, cmd = w.take(msg) })
	return w, cmd
}

func (w *wizard) take(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width <= 0 {
			msg.Width = usualWidth
		}
		if msg.Height <= 0 {
			msg.Height = usualHeight
		}
		w.width, w.height = msg.Width, msg.Height
		_, cmd := w.page().update(w.state, msg)
		return w, w.ours(cmd)
	case tea.KeyMsg:
		return w.read(msg)
	case reply:
		return w.answered(msg)
	}
	return w.pass(msg)
}

package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"

	"piwiz/flash/crash"
	"piwiz/tui/clean"
)

// watched is a terminal that tells when it is gone: a window that was closed, a
// connection that was cut. Bubble Tea takes the end of its input for a user who
// types nothing.
type watched struct {
	ttyFile
	gone func()
}

// ttyFile is what Bubble Tea wants of a terminal.
type ttyFile interface {
	term.File
	Name() string
}

// watch has gone called when a read or a write fails. What is no terminal stays
// as it is.
func watch[T any](stream T, gone func()) any {
	if f, ok := any(stream).(ttyFile); ok {
		return watched{f, gone}
	}
	return stream
}

// Read reads; the end of a terminal is an error.
func (t watched) Read(b []byte) (int, error) {
	n, err := t.ttyFile.Read(b)
	if err != nil {
		t.gone()
	}
	return n, err
}

func (t watched) Write(b []byte) (int, error) {
	n, err := t.ttyFile.Write(b)
	if err != nil {
		t.gone()
	}
	return n, err
}

// borrower is a command that has the terminal for a while. What it said stays
// there until a key is pressed when it failed: the pages would cover it.
type borrower struct {
	tea.ExecCommand
	ctx context.Context
	in  io.Reader
	out io.Writer
}

// lend runs a command on the terminal.
func (w *wizard) lend(run onTerminal, then func(error) tea.Msg) tea.Cmd {
	return tea.Exec(&borrower{ExecCommand: run.command, ctx: w.all, in: w.in, out: w.out}, then)
}

// SetStdin gives the command the terminal itself, not one that is watched: a
// program wants a real file.
func (b *borrower) SetStdin(in io.Reader) {
	if b.in == nil {
		b.in = in
	}
	b.ExecCommand.SetStdin(b.in)
}

// SetStdout is as SetStdin.
func (b *borrower) SetStdout(out io.Writer) {
	if b.out == nil {
		b.out = out
	}
	b.ExecCommand.SetStdout(b.out)
}

// Run returns at once when the wizard ends. What does not end with it by itself,
// as a sudo that asks, does so when the terminal is given back to the shell.
func (b *borrower) Run() error {
	ended := make(chan error, 1)
	crash.Go(b.ExecCommand.Run, func(err error) { ended <- err })
	select {
	case err := <-ended:
		if err != nil && b.out != nil && !quiet(b.ExecCommand) {
			b.hold(err)
		}
		return err
	case <-b.ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Second):
		return b.ctx.Err()
	}
}

// quiet is a command with a screen of its own, as an editor: nothing that it
// said is left when it ends.
func quiet(c tea.ExecCommand) bool {
	q, ok := c.(interface{ Quiet() bool })
	return ok && q.Quiet()
}

// hold keeps what a failed command said in sight.
func (b *borrower) hold(err error) {
	headline, _ := Explain(err)
	_, _ = fmt.Fprintf(b.out, "\n%s\nPress enter to go back to piwiz. ", clean.Text(headline)) // a closed terminal goes back as well
	tty, ok := b.in.(term.File)
	if !ok {
		return
	}
	was, err := term.MakeRaw(tty.Fd()) // ^C is a key then
	if err != nil {
		return
	}
	defer func() {
		_ = term.Restore(tty.Fd(), was)
		_, _ = io.WriteString(b.out, "\n")
	}()
	pressed := make(chan struct{})
	crash.Go(func() error { return untilKey(b.in) }, func(error) { close(pressed) })
	select {
	case <-pressed:
	case <-b.ctx.Done():
	}
}

// untilKey reads until enter, esc, q or ^C.
func untilKey(in io.Reader) error {
	for key := make([]byte, 1); ; {
		if _, err := in.Read(key); err != nil {
			return err
		}
		switch key[0] {
		case '\r', '\n', 0x1b, 'q', 0x03:
			return nil
		}
	}
}

// errVanished is why a wizard ends whose terminal is gone.
var errVanished = errors.New("the terminal is gone")

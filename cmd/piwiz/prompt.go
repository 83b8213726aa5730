package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/tui/clean"
)

// prompt asks on the terminal. Every question of a verb is asked by it, because
// ^C must answer at each: the read that it leaves behind ends with the program.
type prompt struct {
	in    *os.File
	lines *bufio.Reader
	out   io.Writer
}

// onTerminal asks on standard error, so that standard output stays what was asked
// for.
func onTerminal() *prompt { return &prompt{os.Stdin, bufio.NewReader(os.Stdin), os.Stderr} }

// here says whether somebody can answer.
func (p *prompt) here() bool { return term.IsTerminal(p.in.Fd()) }

// line asks and returns what was typed, without blanks around it. The error is
// context.Canceled after ^C, the end of ctx, and the end of the input: then nobody
// is there any more.
func (p *prompt) line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(p.out, clean.Text(question)+" ")
	text, err := p.read(ctx)
	if err != nil {
		fmt.Fprintln(p.out) // the line of the question stays as it was
	}
	return strings.TrimSpace(text), err
}

// secret asks as line does, and shows nothing of what is typed. Blanks belong to
// it.
func (p *prompt) secret(ctx context.Context, question string) (string, error) {
	was, err := term.GetState(p.in.Fd())
	if err != nil {
		return "", fmt.Errorf("ask on the terminal: %w", err)
	}
	fmt.Fprint(p.out, clean.Text(question)+" ")
	if err := unseen(p.in, was); err != nil {
		return "", fmt.Errorf("ask on the terminal: %w", err)
	}
	defer fmt.Fprintln(p.out)
	defer func() { _ = term.Restore(p.in.Fd(), was) }() // it took the other setting
	return p.read(ctx)
}

// unseen switches the echo off, and leaves ^C a signal and enter the end.
func unseen(tty *os.File, was *term.State) error {
	now := *was
	now.Lflag &^= unix.ECHO
	return term.SetState(tty.Fd(), &now)
}

// read reads a line without its end.
func (p *prompt) read(ctx context.Context) (string, error) {
	var text string
	ended := make(chan error, 1)
	crash.Go(func() (err error) {
		text, err = p.lines.ReadString('\n')
		return err
	}, func(err error) { ended <- err })
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case err := <-ended:
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case crash.Is(err):
			return "", err
		case err != nil: // ^D, or a terminal that is gone
			return "", context.Canceled
		}
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// terminal asks on the terminal itself, so that no passphrase comes out of a
// file or a pipe.
func terminal() (*prompt, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, &exit{usage, errors.New("a passphrase must be typed in a terminal, and there is none; use a key instead: --recipient KEY to export, --identity FILE to import")}
	}
	return &prompt{tty, bufio.NewReader(tty), tty}, nil
}

package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/nix/clean"
)

// OnTerminal is a program that is run on the user's terminal, lent as long as
// that takes.
type OnTerminal interface {
	Run() error
	SetStdin(io.Reader)
	SetStdout(io.Writer)
	SetStderr(io.Writer)
}

// Repair prepares the command of a finding; the one that registers the emulator
// lasts until Close.
func (e *Engine) Repair(command string) OnTerminal {
	if command == e.emulator.Command() {
		return &e.emulator
	}
	return &repair{command: command}
}

// repair runs the command of a finding on the terminal, as it was shown.
type repair struct {
	command  string
	in       io.Reader
	out, err io.Writer
}

func (r *repair) SetStdin(in io.Reader)   { r.in = in }
func (r *repair) SetStdout(out io.Writer) { r.out = out }
func (r *repair) SetStderr(err io.Writer) { r.err = err }

// Run says in its error how the command ended, and the last line of what it
// complained about.
func (r *repair) Run() error {
	fmt.Fprintf(r.out, "\n$ %s\n\n", clean.Text(r.command))
	said := &lastLine{Writer: r.err}
	cmd := exec.Command("sh", "-c", r.command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.in, r.out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.WaitDelay = time.Second // a service that it started may hold standard error
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &ended) && ended.Exited():
		return said.with(fmt.Sprintf("The command failed with exit code %d", ended.ExitCode()))
	}
	return said.with("The command did not finish (" + err.Error() + ")")
}

// lastLine passes on what is written, and keeps the end of it.
type lastLine struct {
	io.Writer
	end []byte
}

// longest is how much of a line is kept, in bytes.
const longest = 400

func (l *lastLine) Write(b []byte) (int, error) {
	l.end = append(l.end, b...)
	l.end = l.end[max(len(l.end)-longest, 0):]
	return l.Writer.Write(b)
}

// with adds the last line to a sentence.
func (l *lastLine) with(what string) error {
	text := strings.TrimSpace(clean.Text(string(l.end)))
	if text = text[strings.LastIndexByte(text, '\n')+1:]; text == "" {
		return errors.New(what + ".")
	}
	return errors.New(what + ": " + strings.ToValidUTF8(text, ""))
}

// Edit opens the user's own file of a host in an editor. Of a host that is not saved
// yet it is a draft.
func (e *Engine) Edit(s hostfile.Saved) OnTerminal { return &ownEditor{store: e.Store, host: s.Host} }

// ownEditor runs the user's editor on the user's own file of a host, which is
// made if there is none.
type ownEditor struct {
	store    hostfile.Store
	host     nixgen.Host
	in       io.Reader
	out, err io.Writer
}

func (e *ownEditor) SetStdin(r io.Reader)  { e.in = r }
func (e *ownEditor) SetStdout(w io.Writer) { e.out = w }
func (e *ownEditor) SetStderr(w io.Writer) { e.err = w }

// Quiet says that it has a screen of its own.
func (e *ownEditor) Quiet() bool { return true }

// Run waits until the editor is closed.
func (e *ownEditor) Run() error {
	files, err := nixgen.Files(e.host)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Once {
			continue
		}
		path, err := e.store.EditConfiguration(e.host.Name, f.Text)
		if err != nil {
			return err
		}
		cmd := editorOf(path)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = e.in, e.out, e.err
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGHUP}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("run the editor %s: %w", cmd.Args[0], err)
		}
	}
	return nil
}

func editorOf(file string) *exec.Cmd {
	command := "nano"
	for _, v := range []string{"VISUAL", "EDITOR"} {
		if os.Getenv(v) != "" {
			command = os.Getenv(v)
			break
		}
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		words = []string{"nano"}
	}
	return exec.Command(words[0], append(words[1:], file)...)
}

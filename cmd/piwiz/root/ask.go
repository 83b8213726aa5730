package root

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/fault"
	"piwiz/flash/shell"
)

// Denied is the error that administrator rights could not be had, and why.
func Denied(why, todo string) error {
	return &fault.Error{Headline: why + "; nothing was changed", Todo: fault.Todo{todo}}
}

// Asker asks for one operation, and keeps the privileged half as long as what
// it did is needed.
type Asker struct {
	Self     string   // path of the piwiz program
	Words    []string // the operation
	out, err io.Writer
	socket   *os.File
	ended    chan int // the exit code, once
}

// SetStdin is not used: the password comes from the terminal itself.
func (a *Asker) SetStdin(io.Reader)    {}
func (a *Asker) SetStdout(w io.Writer) { a.out = w }
func (a *Asker) SetStderr(w io.Writer) { a.err = w }

// command is the elevator and what it is to run. Root needs nobody's leave: then
// the elevator is "".
func (a *Asker) command() (elevatedBy string, words []string, err error) {
	words = append([]string{a.Self, "grant"}, a.Words...)
	if os.Geteuid() == 0 {
		return "", words, nil
	}
	elevatedBy, err = elevator()
	return elevatedBy, words, err
}

// Able is an error, made by Denied, where nothing here can give the rights.
func (a *Asker) Able() error {
	_, _, err := a.command()
	return err
}

// Command is the command line as a shell would take it; it is shown before it
// is run.
func (a *Asker) Command() string {
	by, words, err := a.command()
	if err != nil {
		by = "sudo" // Ask says why it cannot
	}
	if by != "" {
		words = append([]string{by}, words...)
	}
	return shell.Line(words...)
}

// Ask asks for an operation with this result, nil for none, and returns when it
// is done; the privileged half lives on until End. *Failure is the
// error of the operation itself.
func (a *Asker) Ask(result Result) error {
	f, err := a.run(result)
	if f != nil {
		_ = f.Close() // nobody asked for one
		err = errNonsense
	}
	if err != nil {
		a.End()
	}
	return err
}

// AskFile is Ask for an operation that hands over an open file.
func (a *Asker) AskFile() (*os.File, error) {
	f, err := a.run(nil)
	if f == nil && err == nil {
		err = errNonsense
	}
	if err != nil {
		a.End()
	}
	return f, err
}

func (a *Asker) run(result Result) (*os.File, error) {
	by, words, err := a.command()
	if err != nil {
		return nil, err
	}
	return a.ask(by, words, result)
}

// ask starts the privileged half and waits for its reply. sudo closes all
// descriptors above 2, so the socket is its standard input; the password comes
// from the terminal.
func (a *Asker) ask(by string, words []string, result Result) (*os.File, error) {
	if by != "" {
		words = append([]string{by}, words...)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("ask for administrator rights: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, a.out, a.err
	cmd.Env = environment(by)
	if isPkexec(by) {
		defer agent()()
	}
	err = cmd.Start()
	_ = theirs.Close() // the child has its own
	if err != nil {
		_ = unix.Close(pair[0])
		return nil, fmt.Errorf("ask for administrator rights: %w", err)
	}
	a.socket, a.ended = os.NewFile(uintptr(pair[0]), "socket"), make(chan int, 1)
	ended := a.ended
	crash.Go(cmd.Wait, func(error) { ended <- cmd.ProcessState.ExitCode() })
	f, err := receive(pair[0], result)
	if errors.Is(err, errSilent) {
		err = denied(by, a.End())
	}
	return f, err
}

// denied explains why nothing was answered, by the exit code of the elevator or
// of the privileged half that it ran.
func denied(by string, code int) error {
	const dismissed = 126 // pkexec(1)
	switch {
	case by == "":
		return Denied("the privileged half of piwiz ended without an answer", "Start piwiz again; it may have been updated meanwhile.")
	case code == usage && isPkexec(by):
		return Denied(by+" does not connect the program it starts to piwiz", "Run piwiz as root.")
	case code == usage:
		return Denied(
			by+" does not connect the program it starts to piwiz",
			"If it is set to record input (log_input or log_stdin), switch that off for piwiz, or run piwiz as root.",
		)
	case code == dismissed && isPkexec(by):
		return Denied("the password was not given", "Try again, and type the password when you are asked for it.")
	case isPkexec(by):
		return Denied(
			"administrator rights were not given",
			"Try again with the password of an administrator, at a terminal or in the window that asks for it; or run piwiz as root.",
		)
	}
	return Denied(
		"administrator rights were not given",
		"Try again with the password of your user. If "+by+" refuses your user, run piwiz as root, or ask the administrator of this computer.",
	)
}

// End closes the socket and waits for the privileged half, but not for a disk
// that hangs in the kernel. It returns the exit code: 0 too where there is none
// to end, -1 when it is not known.
func (a *Asker) End() int {
	if a.socket == nil {
		return 0
	}
	_ = a.socket.Close()
	a.socket = nil
	select {
	case code := <-a.ended:
		return code
	case <-time.After(5 * time.Second):
		return -1
	}
}

package root

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/shell"
)

// Denied says that administrator rights could not be had, and why.
type Denied struct{ Why, Todo string }

func (d *Denied) Error() string { return d.Why + "; nothing was changed" }

// Hints says what to do.
func (d *Denied) Hints() []string { return []string{d.Todo} }

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

// program is what gives administrator rights here.
func program() (string, error) {
	for _, p := range []string{"sudo", "pkexec"} {
		if _, err := exec.LookPath(p); err == nil {
			return p, nil
		}
	}
	return "", &Denied{"administrator rights are needed, and there is no sudo or pkexec here", "Install sudo, or run piwiz as root."}
}

// command is the command line. Root needs nobody's leave.
func (a *Asker) command() ([]string, error) {
	words := append([]string{a.Self, "grant"}, a.Words...)
	if os.Geteuid() == 0 {
		return words, nil
	}
	p, err := program()
	return append([]string{p}, words...), err
}

// Command is the command line as a shell would take it; it is shown before it
// is run.
func (a *Asker) Command() string {
	words, err := a.command()
	if err != nil {
		words[0] = "sudo"
	}
	return shell.Line(words...)
}

// Ask asks for an operation with this result, nil for none, and returns when it
// is done; the privileged half lives on until End. *Denied means that there were
// no rights, *Failure that the operation failed.
func (a *Asker) Ask(result Result) error {
	f, err := a.ask(a.command, result)
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
	f, err := a.ask(a.command, nil)
	if f == nil && err == nil {
		err = errNonsense
	}
	if err != nil {
		a.End()
	}
	return f, err
}

// ask starts the privileged half and waits for its reply. sudo closes all
// descriptors above 2, so the socket is its standard input; the password comes
// from the terminal.
func (a *Asker) ask(command func() ([]string, error), result Result) (*os.File, error) {
	words, err := command()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("ask for administrator rights: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, a.out, a.err
	if os.Geteuid() == 0 {
		// A shell of sudo names the user it was made for, who did not make the socket.
		cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
			name, _, _ := strings.Cut(s, "=")
			return slices.Contains(invokers, name)
		})
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
		err = denied(words[0], a.End())
	}
	return f, err
}

// denied explains why nothing was answered, by the exit code of sudo or of
// the privileged half that it ran.
func denied(program string, code int) error {
	if code == usage {
		return &Denied{
			program + " does not connect what it runs with piwiz",
			"If it is set to record what is typed (log_input or log_stdin), switch that off for piwiz, or run piwiz as root.",
		}
	}
	return &Denied{
		"administrator rights were not given",
		"Try again with the password of your user. If " + program + " refuses your user, run piwiz as root, or ask who looks after this computer.",
	}
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

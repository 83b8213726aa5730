package grant

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/flash/shell"
)

// Denied says that administrator rights could not be had, and why.
type Denied struct{ Why, Todo string }

func (d *Denied) Error() string { return d.Why + "; nothing was changed" }

// Hints says what to do.
func (d *Denied) Hints() []string { return []string{d.Todo} }

// program is what gives administrator rights here.
func program() (string, error) {
	for _, p := range []string{"sudo", "pkexec"} {
		if _, err := exec.LookPath(p); err == nil {
			return p, nil
		}
	}
	return "", &Denied{"administrator rights are needed, and there is no sudo or pkexec here", "Install sudo, or run piwiz as root."}
}

// commandLine is what a shell would take; it is shown before it is run.
func commandLine(self string, args []string) string {
	p, err := program()
	if err != nil {
		p = "sudo"
	}
	return shell.Line(append([]string{p, self, "grant"}, args...)...)
}

// asker runs the privileged half. sudo closes all descriptors above 2, so the
// socket is its standard input; the password comes from the terminal.
type asker struct {
	out, err io.Writer
	socket   *os.File
	cmd      *exec.Cmd
	ended    chan int // the exit code, once
}

// SetStdin is not used: the password comes from the terminal itself.
func (a *asker) SetStdin(io.Reader)    {}
func (a *asker) SetStdout(w io.Writer) { a.out = w }
func (a *asker) SetStderr(w io.Writer) { a.err = w }

// ask starts the privileged half and waits for its reply. It lives on until
// the socket is closed.
func (a *asker) ask(self string, args []string) (reply, *os.File, error) {
	p, err := program()
	if err != nil {
		return reply{}, nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return reply{}, nil, fmt.Errorf("ask for administrator rights: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	a.cmd = exec.Command(p, append([]string{self, "grant"}, args...)...)
	a.cmd.Stdin, a.cmd.Stdout, a.cmd.Stderr = theirs, a.out, a.err
	err = a.cmd.Start()
	_ = theirs.Close() // the child has its own
	if err != nil {
		_ = unix.Close(pair[0])
		return reply{}, nil, fmt.Errorf("ask for administrator rights: %w", err)
	}
	a.socket, a.ended = os.NewFile(uintptr(pair[0]), "socket"), make(chan int, 1)
	crash.Go(a.cmd.Wait, func(error) { a.ended <- a.cmd.ProcessState.ExitCode() })
	r, f, err := receive(pair[0])
	if err == nil {
		return r, f, nil
	}
	code := a.end()
	if errors.Is(err, errSilent) {
		err = denied(p, code)
	}
	return reply{}, nil, err
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

// Close ends the privileged half.
func (a *asker) Close() error {
	a.end()
	return nil
}

// end closes the socket and waits for the privileged half, but not for a disk
// that hangs in the kernel. It returns the exit code, -1 when none is known.
func (a *asker) end() int {
	if a.socket == nil {
		return -1
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

// Opener opens a card with administrator rights. Run returns when the card is
// open; the privileged half ends with Close.
type Opener struct {
	asker
	Device disk.Device
	Self   string // path of the piwiz program
	file   *os.File
}

func (o *Opener) args() []string {
	args := []string{"open", o.Device.Path, o.Device.Identity().String()}
	if word := also(o.Device); word != "" {
		args = append(args, word)
	}
	return args
}

// Command is the command line that Run runs.
func (o *Opener) Command() string { return commandLine(o.Self, o.args()) }

// Run asks for the rights and opens the card. *Refused is a card that must
// not be written, *Denied means that there were no rights.
func (o *Opener) Run() error {
	_, f, err := o.ask(o.Self, o.args())
	if err != nil {
		return err
	}
	if f == nil {
		o.end()
		return errNonsense
	}
	if why := opened(int(f.Fd()), o.Device.Identity()); why != "" {
		_ = f.Close() // nothing was written
		o.end()
		return &Refused{Path: o.Device.Path, Why: why}
	}
	o.file = f
	return nil
}

// File is the open card.
func (o *Opener) File() *os.File { return o.file }

// Close closes the card and ends the privileged half.
func (o *Opener) Close() error {
	if o.file != nil {
		_ = o.file.Close() // what matters was synced and read back before
	}
	return o.asker.Close()
}

// WifiReader reads the Wi-Fi files with administrator rights.
type WifiReader struct {
	asker
	Self  string
	reply reply
}

// Command is the command line that Run runs.
func (w *WifiReader) Command() string { return commandLine(w.Self, []string{"wifi"}) }

// Run asks for the rights and reads the files.
func (w *WifiReader) Run() error {
	r, f, err := w.ask(w.Self, []string{"wifi"})
	if f != nil {
		_ = f.Close() // nobody asked for one
	}
	w.reply = r
	w.end()
	return err
}

// Forget zeroes the files.
func (w *WifiReader) Forget() {
	w.reply.wipe()
	w.reply.Files = nil
}

// Files are the files by path; they hold secrets.
func (w *WifiReader) Files() map[string][]byte { return w.reply.Files }

// LeftOut says why a file or a folder, by path, was not read.
func (w *WifiReader) LeftOut() map[string]string { return w.reply.LeftOut }

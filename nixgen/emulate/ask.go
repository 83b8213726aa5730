package emulate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/shell"
)

// Registrar registers the emulator with administrator rights. Run returns when
// programs for aarch64 run; the emulator stays registered until Close, or until
// this process ends in any way.
type Registrar struct {
	Self     string // path of the piwiz program
	out, err io.Writer
	socket   *os.File
	ended    chan int // the exit code, once
}

// SetStdin is not used: the password comes from the terminal itself.
func (r *Registrar) SetStdin(io.Reader)    {}
func (r *Registrar) SetStdout(w io.Writer) { r.out = w }
func (r *Registrar) SetStderr(w io.Writer) { r.err = w }

// words are the command. Root needs nobody's leave.
func (r *Registrar) words() []string {
	words := []string{r.Self, "grant", "emulation"}
	if os.Geteuid() == 0 {
		return words
	}
	for _, p := range []string{"sudo", "pkexec"} {
		if _, err := exec.LookPath(p); err == nil {
			return append([]string{p}, words...)
		}
	}
	return append([]string{"sudo"}, words...)
}

// Command is the command line that Run runs.
func (r *Registrar) Command() string {
	return shell.Line(r.words()...)
}

// Run asks for the rights, has the emulator registered, and proves that it
// works. *register.Denied and *Error say why not; then nothing stays registered.
func (r *Registrar) Run() error {
	if err := r.start(); err != nil {
		return err
	}
	err := r.reply()
	if err == nil {
		err = Check(context.Background())
	}
	if err != nil {
		_ = r.Close() // the first error is the cause
	}
	return err
}

// start runs the privileged half. sudo closes all descriptors above 2, so the
// socket is its standard input; the password comes from the terminal.
func (r *Registrar) start() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("ask for administrator rights: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	words := r.words()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, r.out, r.err
	err = cmd.Start()
	_ = theirs.Close() // the child has its own
	if err != nil {
		_ = unix.Close(pair[0])
		if errors.Is(err, exec.ErrNotFound) {
			return &register.Denied{Why: "administrator rights are needed, and there is no sudo or pkexec here", Todo: "Install sudo, or run piwiz as root."}
		}
		return fmt.Errorf("ask for administrator rights: %w", err)
	}
	r.socket, r.ended = os.NewFile(uintptr(pair[0]), "socket"), make(chan int, 1)
	go func() {
		_ = cmd.Wait() // the exit code says it
		r.ended <- cmd.ProcessState.ExitCode()
	}()
	return nil
}

// reply waits for the privileged half's one line.
func (r *Registrar) reply() error {
	line, err := bufio.NewReader(io.LimitReader(r.socket, 1<<16)).ReadBytes('\n')
	var said reply
	switch {
	case err != nil && len(line) == 0:
		return r.silent()
	case err != nil || json.Unmarshal(line, &said) != nil:
		return errors.New("the privileged half of piwiz gave no sensible answer; start piwiz again, it may have been updated meanwhile")
	case said.Denied != nil:
		return said.Denied
	case said.Error != "":
		return errors.New(said.Error)
	}
	return nil
}

// silent explains why nothing was answered, by the exit code of sudo or of
// the privileged half that it ran.
func (r *Registrar) silent() error {
	program := r.words()[0]
	if r.end() == usage {
		return &register.Denied{
			Why:  program + " does not connect what it runs with piwiz",
			Todo: "If it is set to record what is typed (log_input or log_stdin), switch that off for piwiz, or run piwiz as root.",
		}
	}
	return &register.Denied{
		Why:  "administrator rights were not given",
		Todo: "Try again with the password of your user. If " + program + " refuses your user, run piwiz as root, or ask who looks after this computer.",
	}
}

// Close ends the privileged half, which removes the emulator. It returns an
// *Error when the emulator is still there.
func (r *Registrar) Close() error {
	if r.socket == nil || r.end() == 0 {
		return nil
	}
	// Where sudo was killed, what it had started ends a little later.
	for range 20 {
		if t, err := readTable(binfmt.Dir); err != nil || !hasOwn(t) {
			return err
		}
		if !register.Held(binfmt.Dir) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return &Error{Reason: LeftOver, entry: binfmt.Entry{Name: register.Name}}
}

// end closes the socket and waits for the privileged half. It returns the exit
// code, -1 when none is known.
func (r *Registrar) end() int {
	_ = r.socket.Close()
	r.socket = nil
	select {
	case code := <-r.ended:
		return code
	case <-time.After(5 * time.Second):
		return -1
	}
}

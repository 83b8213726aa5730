package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

// asker runs the privileged half through sudo or its like. sudo closes all
// descriptors above 2, so the socket is its standard input.
type asker struct {
	out, err io.Writer
	socket   *os.File
	cmd      *exec.Cmd
}

// SetStdin is not used: the password comes from the terminal itself.
func (a *asker) SetStdin(io.Reader)    {}
func (a *asker) SetStdout(w io.Writer) { a.out = w }
func (a *asker) SetStderr(w io.Writer) { a.err = w }

// program is what gives administrator rights here.
func program() (string, error) {
	for _, p := range []string{"sudo", "doas", "run0", "pkexec"} {
		if _, err := exec.LookPath(p); err == nil {
			return p, nil
		}
	}
	return "", errors.New("there is no sudo, doas, run0 or pkexec here; install sudo, or run piwiz as root")
}

func commandLine(self string, args []string) string {
	p, err := program()
	if err != nil {
		p = "sudo"
	}
	words := append([]string{p, self, "grant"}, args...)
	for i, w := range words {
		if strings.ContainsAny(w, " \"{}'$") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

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
	a.socket = os.NewFile(uintptr(pair[0]), "socket")
	a.cmd = exec.Command(p, append([]string{self, "grant"}, args...)...)
	a.cmd.Stdin, a.cmd.Stdout, a.cmd.Stderr = theirs, a.out, a.err
	err = a.cmd.Start()
	_ = theirs.Close() // the child has its own
	if err != nil {
		_ = a.socket.Close()
		return reply{}, nil, fmt.Errorf("ask for administrator rights: %w", err)
	}
	r, f, err := a.receive()
	if err != nil {
		_ = a.Close()
		return r, nil, err
	}
	return r, f, nil
}

func (a *asker) receive() (reply, *os.File, error) {
	head, rights := make([]byte, 11), make([]byte, unix.CmsgSpace(4))
	n, rn, _, _, err := unix.Recvmsg(int(a.socket.Fd()), head, rights, unix.MSG_WAITALL|unix.MSG_CMSG_CLOEXEC)
	if err != nil || n != len(head) {
		return reply{}, nil, errors.New("administrator rights were not given; nothing was changed")
	}
	var f *os.File
	if messages, err := unix.ParseSocketControlMessage(rights[:rn]); err == nil && len(messages) == 1 {
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			f = os.NewFile(uintptr(fds[0]), "card")
		}
	}
	size, err := strconv.Atoi(strings.TrimSpace(string(head)))
	if err != nil || size < 0 || size > maxReply {
		return reply{}, f, errors.New("the privileged half of piwiz gave no sensible answer")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(a.socket, body); err != nil {
		return reply{}, f, fmt.Errorf("read the answer of the privileged half: %w", err)
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return reply{}, f, errors.New("the privileged half of piwiz gave no sensible answer")
	}
	if r.Error != "" {
		return r, f, errors.New(r.Error)
	}
	return r, f, nil
}

// Close ends the privileged half and waits for it.
func (a *asker) Close() error {
	if a.socket == nil {
		return nil
	}
	_ = a.socket.Close()
	a.socket = nil
	_ = a.cmd.Wait() // its exit code repeats the reply
	return nil
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
	return []string{"open", o.Device.Path, o.Device.Identity().String()}
}

// Command is the command line that Run runs.
func (o *Opener) Command() string { return commandLine(o.Self, o.args()) }

// Run asks for the rights and opens the card.
func (o *Opener) Run() error {
	_, f, err := o.ask(o.Self, o.args())
	if err != nil {
		return err
	}
	if f == nil {
		_ = o.asker.Close()
		return errors.New("the privileged half of piwiz sent no card")
	}
	if why := opened(int(f.Fd()), o.Device.Identity()); why != "" {
		_ = f.Close()
		_ = o.asker.Close()
		return &Refused{o.Device.Path, why}
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
		o.file = nil
	}
	return o.asker.Close()
}

// WifiReader reads the Wi-Fi files with administrator rights.
type WifiReader struct {
	asker
	Self  string
	files map[string][]byte
}

// Command is the command line that Run runs.
func (w *WifiReader) Command() string { return commandLine(w.Self, []string{"wifi"}) }

// Run asks for the rights and reads the files.
func (w *WifiReader) Run() error {
	r, _, err := w.ask(w.Self, []string{"wifi"})
	w.files = r.Files
	_ = w.Close()
	return err
}

// Files are the files by name; they hold secrets.
func (w *WifiReader) Files() map[string][]byte { return w.files }

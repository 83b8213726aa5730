package screen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/sys/unix"
)

// Session is a program running on a terminal.
type Session struct {
	Term
	cmd  *exec.Cmd
	tty  *os.File
	done chan struct{} // closed when the program has ended and all it wrote is on the screen
	err  error         // of the program; valid after done

	mu  sync.Mutex
	raw bytes.Buffer
}

// Start runs cmd on a new terminal of w columns and h lines, which becomes
// its controlling terminal. TERM and COLORTERM are set to those of a modern
// terminal unless cmd.Env sets them. Call Close at the end.
func Start(cmd *exec.Cmd, w, h int) (*Session, error) {
	modern := []string{"TERM=xterm-256color", "COLORTERM=truecolor"}
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), modern...)
	} else {
		cmd.Env = append(modern, cmd.Env...) // the last of two counts
	}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(w), Rows: uint16(h)})
	if err != nil {
		return nil, fmt.Errorf("start %s on a terminal: %w", cmd.Path, err)
	}
	if tty, err = interruptible(tty); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("start %s on a terminal: %w", cmd.Path, err)
	}
	// The emulator answers questions (where is the cursor, what colour is
	// the background): without an answer some programs wait for seconds.
	s := &Session{Term: Term{vt10x.New(vt10x.WithWriter(tty), vt10x.WithSize(w, h))}, cmd: cmd, tty: tty, done: make(chan struct{})}
	go s.run()
	return s, nil
}

// interruptible is the same terminal as a file whose Close does not wait for
// a Read; the one of package pty is in blocking mode.
func interruptible(tty *os.File) (*os.File, error) {
	defer tty.Close()
	fd, err := unix.FcntlInt(tty.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), tty.Name()), nil
}

// run reads until the program and all its children have closed the terminal.
func (s *Session) run() {
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.read()
	}()
	s.err = s.cmd.Wait()
	select {
	case <-read:
	case <-time.After(time.Second): // a child of the program still has the terminal
	}
	close(s.done)
}

// read feeds the emulator, with whole characters: a read may cut one in the
// middle, which the emulator would take for a broken one.
func (s *Session) read() {
	buf := make([]byte, 32<<10)
	held := 0
	for {
		n, err := s.tty.Read(buf[held:])
		s.mu.Lock()
		s.raw.Write(buf[held : held+n])
		s.mu.Unlock()
		n += held
		used := whole(buf[:n])
		s.vt.Write(buf[:used])
		held = copy(buf, buf[used:n])
		if err != nil {
			return
		}
	}
}

// whole returns the length of b without a character that is cut at its end.
func whole(b []byte) int {
	for back := 1; back <= min(len(b), utf8.UTFMax-1); back++ {
		if at := len(b) - back; utf8.RuneStart(b[at]) {
			if !utf8.FullRune(b[at:]) {
				return at
			}
			break
		}
	}
	return len(b)
}

var keys = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f", "delete": "\x1b[3~",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdown": "\x1b[6~",
}

// Type types text as it is.
func (s *Session) Type(text string) error {
	_, err := io.WriteString(s.tty, text)
	return err
}

// Key presses keys by name: enter, esc, tab, shift+tab, space, backspace,
// delete, up, down, left, right, home, end, pgup, pgdown, and ctrl+a to
// ctrl+z.
func (s *Session) Key(names ...string) error {
	for _, name := range names {
		k, ok := keys[name]
		if c, found := strings.CutPrefix(name, "ctrl+"); found && len(c) == 1 && c[0] >= 'a' && c[0] <= 'z' {
			k, ok = string(c[0]&0x1f), true
		}
		if !ok {
			return fmt.Errorf("no key is called %q", name)
		}
		if err := s.Type(k); err != nil {
			return err
		}
		// Two keys in one read could be taken for one escape sequence.
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// WaitFor waits until text is on the screen. The error shows the screen.
func (s *Session) WaitFor(text string, timeout time.Duration) error {
	return s.wait(fmt.Sprintf("%q", text), timeout, func(screen string) bool { return strings.Contains(screen, text) })
}

// WaitGone waits until text is no longer on the screen.
func (s *Session) WaitGone(text string, timeout time.Duration) error {
	return s.wait(fmt.Sprintf("an end of %q", text), timeout, func(screen string) bool { return !strings.Contains(screen, text) })
}

// WaitUnseen waits until what is typed is not shown, as a password is not. Who
// asks for one may throw away what was typed before.
func (s *Session) WaitUnseen(timeout time.Duration) error {
	return s.wait("end of what is typed being shown", timeout, func(string) bool {
		modes, err := s.Modes()
		return err == nil && modes.Lflag&unix.ECHO == 0
	})
}

func (s *Session) wait(what string, timeout time.Duration, seen func(string) bool) error {
	end := time.Now().Add(timeout)
	for {
		ended := s.ended()
		screen := s.Text()
		switch {
		case seen(screen):
			return nil
		case ended:
			return fmt.Errorf("the program ended (%v) without %s; the screen:\n%s", s.cmd.ProcessState, what, screen)
		case time.Now().After(end):
			return fmt.Errorf("no %s within %v; the screen:\n%s", what, timeout, screen)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *Session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Raw returns every byte the program has written so far.
func (s *Session) Raw() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.raw.Bytes())
}

// Resize changes the size of the terminal and tells the program.
func (s *Session) Resize(w, h int) error {
	s.vt.Resize(w, h)
	c, err := s.tty.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(w), Row: uint16(h)})
	})
	return errors.Join(err, failed)
}

// Modes are the settings of the terminal (termios(3)), which the program must
// leave as it found them.
func (s *Session) Modes() (unix.Termios, error) {
	c, err := s.tty.SyscallConn()
	if err != nil {
		return unix.Termios{}, err
	}
	var modes *unix.Termios
	var failed error
	err = c.Control(func(fd uintptr) { modes, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
	if err = errors.Join(err, failed); err != nil {
		return unix.Termios{}, err
	}
	return *modes, nil
}

// Pid is the number of the program.
func (s *Session) Pid() int { return s.cmd.Process.Pid }

// Wait waits for the end of the program and returns its exit code, -1 if a
// signal ended it. The error tells that it did not end in time.
func (s *Session) Wait(timeout time.Duration) (code int, err error) {
	select {
	case <-s.done:
	case <-time.After(timeout):
		return 0, fmt.Errorf("still running after %v; the screen:\n%s", timeout, s.Text())
	}
	var exit *exec.ExitError
	if s.err != nil && !errors.As(s.err, &exit) {
		return 0, s.err
	}
	return s.cmd.ProcessState.ExitCode(), nil
}

// Hangup closes the terminal as a closed window does: the program gets
// SIGHUP, and nobody reads what it writes.
func (s *Session) Hangup() error { return s.tty.Close() }

// Signal sends sig to the program alone.
func (s *Session) Signal(sig os.Signal) error { return s.cmd.Process.Signal(sig) }

// Close ends the program if it still runs, and the terminal.
func (s *Session) Close() {
	if !s.ended() {
		s.cmd.Process.Kill()
		<-s.done
	}
	s.tty.Close()
}

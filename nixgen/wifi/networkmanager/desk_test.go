package networkmanager

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// desk is a user of the lab at a terminal, where a shell line runs. The line
// hands what was told to descriptor 3, writes to 4 or closes it when its agent
// is there, and reads a line from 5 before it goes on.
type desk struct {
	t        *testing.T
	terminal *os.File
	said     *json.Decoder
	agent    *os.File
	next     *os.File
	more     chan []byte // of what the terminal shows; closed at its end
	shown    strings.Builder
}

func (l *lab) desk(argv ...string) *desk {
	l.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			l.t.Fatal(err)
		}
		return r, w
	}
	said, give := pipe()
	agent, there := pipe()
	wait, next := pipe()
	cmd.ExtraFiles = []*os.File{give, there, wait}
	terminal, err := pty.Start(cmd)
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	d := &desk{t: l.t, terminal: terminal, said: json.NewDecoder(said), agent: agent, next: next, more: make(chan []byte, 1000)}
	go func() {
		defer close(d.more)
		for {
			b := make([]byte, 1024)
			n, err := terminal.Read(b)
			if err != nil {
				return
			}
			d.more <- b[:n]
		}
	}()
	l.t.Cleanup(func() {
		_ = cmd.Cancel() // an agent outlives whom it was for
		_ = cmd.Wait()
		for range d.more { // until nobody has the terminal any more
		}
		stop()
		for _, f := range []*os.File{terminal, said, agent, next} {
			f.Close()
		}
	})
	return d
}

// until waits for what the terminal must show.
func (d *desk) until(text string) {
	d.t.Helper()
	for !strings.Contains(d.shown.String(), text) {
		b, ok := <-d.more
		if d.shown.Write(b); !ok {
			d.t.Fatalf("the terminal never shows %q\n%s", text, d.shown.String())
		}
	}
}

// screen is all that the terminal has shown.
func (d *desk) screen() string {
	for {
		select {
		case b, ok := <-d.more:
			if d.shown.Write(b); ok {
				continue
			}
		default:
		}
		return d.shown.String()
	}
}

// password types what is asked for with this prompt. What was typed before the
// terminal shows it no more is thrown away by who asks.
func (d *desk) password(prompt, text string) {
	d.t.Helper()
	d.until(prompt)
	for {
		mode, err := unix.IoctlGetTermios(int(d.terminal.Fd()), unix.TCGETS)
		if err != nil {
			d.t.Fatal(err)
		}
		if mode.Lflag&unix.ECHO == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.types(text)
}

func (d *desk) types(text string) {
	if _, err := io.WriteString(d.terminal, text+"\n"); err != nil {
		d.t.Error(err)
	}
}

func (d *desk) agentIsThere() {
	d.t.Helper()
	if _, err := d.agent.Read(make([]byte, 1)); err != nil && err != io.EOF {
		d.t.Fatal(err)
	}
}

func (d *desk) goOn() {
	if _, err := io.WriteString(d.next, "\n"); err != nil {
		d.t.Error(err)
	}
}

func (d *desk) heard() map[string]toldNetwork {
	d.t.Helper()
	var out told
	if err := d.said.Decode(&out); err != nil {
		d.t.Fatalf("%v; the terminal shows:\n%s", err, d.screen())
	}
	return out.Networks
}

package nix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Command is one call of nix.
type Command struct {
	Args    []string
	LogFile string // all of stderr is copied there (0600); "" for nowhere
}

// ErrNotFound means that there is no nix on PATH.
var ErrNotFound = errors.New("Nix is not installed")

// patience is how long an interrupted nix may take to stop its builders; it
// needs well under a second.
const patience = 10 * time.Second

// Run runs nix in a process group of its own with stdin closed, reports each
// event on its own goroutine, and returns stdout. Cancelling ctx interrupts
// nix, which stops its builders, and waits for it; only a nix that does not
// end then is killed. The error of a failed nix is *exec.ExitError.
func Run(ctx context.Context, c Command, report func(Event)) ([]byte, error) {
	cmd, err := command(ctx, c.Args)
	if err != nil {
		return nil, err
	}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start nix: %w", err)
	}
	var in io.Reader = stderr
	if c.LogFile != "" {
		log, err := os.OpenFile(c.LogFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("write the build log: %w", err)
		}
		defer log.Close()
		in = io.TeeReader(stderr, forgiving{log})
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start nix: %w", err)
	}
	for d := NewDecoder(in); ; {
		e, err := d.Next()
		if err != nil {
			break // the end of the stream; Wait tells how it ended
		}
		if report != nil {
			report(e)
		}
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return stdout.Bytes(), err
	}
	return stdout.Bytes(), nil
}

// forgiving keeps a full disk from stopping the reading of nix's output.
type forgiving struct{ io.Writer }

func (f forgiving) Write(b []byte) (int, error) {
	_, _ = f.Writer.Write(b)
	return len(b), nil
}

func command(ctx context.Context, args []string) (*exec.Cmd, error) {
	path, err := exec.LookPath("nix")
	if err != nil {
		return nil, &Problem{ErrNotFound, []string{
			"On Debian 13, Ubuntu 25.04 and later: sudo apt install nix-setup-systemd",
			"Elsewhere, follow the four lines at https://nixos.org/download",
		}}
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"--extra-experimental-features", "nix-command flakes"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	return cmd, nil
}

// Problem is an error with what to do about it.
type Problem struct {
	Err  error
	Todo []string
}

func (p *Problem) Error() string   { return p.Err.Error() }
func (p *Problem) Unwrap() error   { return p.Err }
func (p *Problem) Hints() []string { return p.Todo }

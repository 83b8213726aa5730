package nix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"piwiz/nixgen/logfile"
)

// patience is how long an interrupted nix may take to stop its builders. It
// needs well under a second; a kill before that leaves them running.
const patience = 10 * time.Second

// insistence is how long to wait for the effect of one interrupt. Nix 2.34
// sleeps over one now and then, when it comes just before it waits for its
// builders.
const insistence = 400 * time.Millisecond

// Command is one run of nix. Args come after "nix". Dir "" is the present
// folder; Env nil is the present environment; LogFile "" keeps no log.
type Command struct {
	Args    []string
	Dir     string
	Env     []string
	LogFile string   // raw stderr goes here, readable by the user only
	LogMost int64    // bytes of it, as package logfile bounds them
	Through []string // program and arguments that run nix elsewhere, to which Args are added; nil is the nix in PATH
	Stdin   *os.File // nil is nothing to read
}

// Run runs nix and reports each event of its log on the calling goroutine. It
// returns stdout. Cancelling ctx interrupts nix, waits until it has stopped its
// builders, and returns ctx's error. Otherwise the error is ErrNotFound or an
// *exec.ExitError. report may be nil.
func Run(ctx context.Context, c Command, report func(Event)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	log, err := openLog(c)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for nix: %w", err)
	}
	defer read.Close()

	var stdout bytes.Buffer
	through := c.Through
	if through == nil {
		through = []string{"nix"}
	}
	cmd := exec.CommandContext(ctx, through[0], slices.Concat(through[1:], c.Args)...)
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, &stdout, write
	// Its own group: a ctrl+c at the terminal is ours to pass on, not the kernel's.
	// And no build goes on when piwiz itself is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	gone := make(chan struct{})
	cmd.Cancel = func() error {
		go insist(cmd.Process, gone)
		return cmd.Process.Signal(os.Interrupt)
	}
	cmd.WaitDelay = patience

	err = cmd.Start()
	write.Close()
	if err != nil {
		return nil, startError(err)
	}
	waited := make(chan error, 1)
	go func() {
		waited <- cmd.Wait()
		close(gone)
		// A helper that outlives nix may hold the pipe; its words are not waited for.
		_ = read.SetReadDeadline(time.Now().Add(2 * time.Second))
	}()
	bad := follow(io.TeeReader(read, log), report)
	err = <-waited
	if ctx.Err() != nil {
		// A nix that had to be killed may leave children in its group.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return stdout.Bytes(), ctx.Err()
	}
	if bad != nil && err == nil {
		err = fmt.Errorf("read the log of nix: %w", bad)
	}
	return stdout.Bytes(), err
}

func insist(nix *os.Process, gone <-chan struct{}) {
	again := time.NewTicker(insistence)
	defer again.Stop()
	for {
		select {
		case <-gone:
			return
		case <-again.C:
			_ = nix.Signal(os.Interrupt) // fails only when nix is gone
		}
	}
}

func follow(r io.Reader, report func(Event)) error {
	for d := NewDecoder(r); ; {
		e, err := d.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case report != nil:
			report(e)
		}
	}
}

// openLog starts a new log. Without a name it throws away what is written.
func openLog(c Command) (io.WriteCloser, error) {
	if c.LogFile == "" {
		return discard{}, nil
	}
	return logfile.Rotate(c.LogFile, c.LogMost)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/fault"
)

// How long to wait for others.
const (
	Forever time.Duration = 0               // who waits for another to do the same
	Busy                  = 2 * time.Second // who deletes
)

// Lock takes the lock on the folder, which is made: unix.LOCK_SH or LOCK_EX.
// Closing it gives it back, and so does the end of this process. When others hold
// it for longer than patience, the error says so.
func (d Dir) Lock(ctx context.Context, how int, patience time.Duration) (*os.File, error) {
	for began := time.Now(); ; {
		f, err := d.open()
		if err != nil {
			return nil, Unusable(err)
		}
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil && d.is(f) {
			return f, nil
		}
		f.Close() // it is held, or was deleted with its folder meanwhile
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, Unusable(fmt.Errorf("lock %s: %w", f.Name(), err))
		}
		if patience != Forever && time.Since(began) > patience {
			return nil, &fault.Error{
				Headline: "piwiz's own Nix is in use: another piwiz builds or downloads.",
				Todo:     fault.Todo{"Wait until it has ended, or stop it, then try again."},
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// open opens the file of the lock. Whoever removes the folder may come between.
func (d Dir) open() (f *os.File, err error) {
	for range 10 {
		if err = os.MkdirAll(d.At(Ours), 0o755); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(d.ours("lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if !os.IsNotExist(err) {
			break
		}
	}
	return f, err
}

// is says whether f is still the file of that name.
func (d Dir) is(f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(d.ours("lock"))
	return err == nil && os.SameFile(a, b)
}

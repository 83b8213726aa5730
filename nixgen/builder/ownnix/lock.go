package ownnix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/fault"
)

// forever is the patience of who waits for another to do the same.
const forever time.Duration = 0

// lock takes the lock on the folder, which is made: unix.LOCK_SH or LOCK_EX.
// Closing it gives it back, and so does the end of this process. When others hold
// it for longer than patience, the error says so.
func (n Nix) lock(ctx context.Context, how int, patience time.Duration) (*os.File, error) {
	for began := time.Now(); ; {
		f, err := n.open()
		if err != nil {
			return nil, allowed.Unusable(err)
		}
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil && n.is(f) {
			return f, nil
		}
		f.Close() // it is held, or was deleted with its folder meanwhile
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, allowed.Unusable(fmt.Errorf("lock %s: %w", f.Name(), err))
		}
		if patience != forever && time.Since(began) > patience {
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
func (n Nix) open() (f *os.File, err error) {
	for range 10 {
		if err = os.MkdirAll(n.at("piwiz"), 0o755); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(n.at("piwiz/lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if !os.IsNotExist(err) {
			break
		}
	}
	return f, err
}

// is says whether f is still the file of that name.
func (n Nix) is(f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(n.at("piwiz/lock"))
	return err == nil && os.SameFile(a, b)
}

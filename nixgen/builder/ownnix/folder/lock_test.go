package folder

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Of several that fetch at once, one does, and who waits can be called off.
func TestALockIsForOne(t *testing.T) {
	d := Dir(filepath.Join(t.TempDir(), "nix"))
	first, err := d.Lock(t.Context(), unix.LOCK_EX, Forever)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error)
	go func() {
		_, err := d.Lock(ctx, unix.LOCK_EX, Forever)
		waits <- err
	}()
	cancel()
	if err := <-waits; err != context.Canceled {
		t.Error(err)
	}
	// The folder is removed while somebody waits: they get the lock of the new one.
	go func() {
		f, err := d.Lock(t.Context(), unix.LOCK_EX, Forever)
		if err == nil && !d.is(f) {
			t.Error("the lock of a file that is gone")
		}
		waits <- err
	}()
	for os.RemoveAll(string(d)) != nil { // the other one makes it at times
	}
	first.Close()
	if err := <-waits; err != nil {
		t.Error(err)
	}
}

package durable

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// overwrite puts zeros where a file's content is, and syncs them.
func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrPermission) {
		if err = os.Chmod(path, 0o600); err == nil { // a file made read-only is still ours
			f, err = os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		}
	}
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil && st.Mode().IsRegular() && names(st) == 1 {
		_, err = io.Copy(f, io.LimitReader(zeros{}, st.Size()))
		err = errors.Join(err, f.Sync())
	}
	return errors.Join(err, f.Close())
}

// names is how many names a file has.
func names(st os.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

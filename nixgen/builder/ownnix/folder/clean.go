package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/durable"
)

// Size is what the folder takes on the disk, in bytes. What goes meanwhile does
// not count.
func (d Dir) Size(ctx context.Context) (sum int64, err error) {
	seen := map[uint64]bool{} // files with several names
	err = filepath.WalkDir(string(d)+"/", func(_ string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if st := info.Sys().(*syscall.Stat_t); !seen[st.Ino] {
			seen[st.Ino] = st.Nlink > 1
			sum += st.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// Sweep removes what a run that was killed has left. Whoever calls it has the
// folder alone, but for those who try what is allowed: that takes seconds.
func (d Dir) Sweep() error {
	for _, pattern := range []string{"store/.part-*", "store/*.lock", "store/*.chroot", "store/.tmp-link*", "store/tmp-*", "var/nix/builds/*", "var/nix/temproots/*", Temporary + "*"} {
		left, err := filepath.Glob(filepath.Join(quoteMeta(string(d)), pattern))
		if err != nil {
			return err
		}
		for _, path := range left {
			if info, err := os.Lstat(path); err == nil && pattern == Temporary+"*" && time.Since(info.ModTime()) < time.Minute {
				continue
			}
			if err := nar.Remove(path); err != nil {
				return err
			}
		}
	}
	return os.MkdirAll(d.At("var/nix/builds"), 0o755)
}

// quoteMeta keeps a name from being a pattern.
func quoteMeta(name string) string {
	var b []rune
	for _, r := range name {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			b = append(b, '\\')
		}
		b = append(b, r)
	}
	return string(b)
}

// Remove deletes the folder. What is interrupted is no Nix any more, and the next
// one goes on.
func (d Dir) Remove(ctx context.Context) error {
	if err := d.Check(); err != nil {
		return err
	}
	if _, err := os.Lstat(string(d)); os.IsNotExist(err) {
		return nil
	}
	lock, err := d.Lock(ctx, unix.LOCK_EX, Busy)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := (durable.Disk{}).RemoveAll(d.ours(Fetched)); err != nil {
		return Unusable(err)
	}
	list, err := os.ReadDir(string(d))
	for _, e := range list {
		if err == nil && e.Name() != Ours { // that one says whose folder it is
			err = ctx.Err()
			if err == nil {
				err = nar.Remove(d.At(e.Name()))
			}
		}
	}
	if err == nil {
		err = nar.Remove(d.At(Ours))
	}
	if err == nil {
		err = os.Remove(string(d)) // a link to a folder too
	}
	if errors.Is(err, syscall.ENOTEMPTY) { // one who waited for the lock begins again
		err = nil
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return Unusable(err)
	}
	return nil
}

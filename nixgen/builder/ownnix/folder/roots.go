package folder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Root keeps a store path from garbage collection.
func (d Dir) Root(name, path string) error {
	if err := os.MkdirAll(d.At(toolRoots), 0o755); err != nil {
		return err
	}
	return link(path, filepath.Join(d.At(toolRoots), name))
}

// link makes a symbolic link in the place of one that is there.
func link(to, at string) error {
	part := at + ".new"
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Symlink(to, part); err != nil {
		return err
	}
	return os.Rename(part, at)
}

// image is the result of a host's build, seen from outside; "" when there is none.
func (d Dir) image(host string) string {
	to, err := os.Readlink(filepath.Join(d.At(HostRoots), host))
	if err != nil {
		return ""
	}
	return d.Outside(to)
}

// Result makes a link at lead to what was built for a host, as a path outside of
// the namespace.
func (d Dir) Result(host, at string) error {
	to := d.image(host)
	if to == "" {
		return &os.PathError{Op: "readlink", Path: filepath.Join(d.At(HostRoots), host), Err: unix.ENOENT}
	}
	return link(to, at)
}

// Hosts are those whose images are here.
func (d Dir) Hosts() (hosts []string, err error) {
	roots, err := os.ReadDir(d.At(HostRoots))
	for _, r := range roots {
		if _, missing := os.Stat(d.image(r.Name())); missing == nil {
			hosts = append(hosts, r.Name())
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return hosts, err
}

// Forget takes away what keeps the images of all but these hosts.
func (d Dir) Forget(keep []string) error {
	roots, err := os.ReadDir(d.At(HostRoots))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, r := range roots {
		if err == nil && !slices.Contains(keep, r.Name()) {
			err = os.RemoveAll(filepath.Join(d.At(HostRoots), r.Name()))
		}
	}
	return err
}

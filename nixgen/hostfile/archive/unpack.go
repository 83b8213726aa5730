package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// maxPadding is what tar programs put behind the end, and much more.
const maxPadding = 1 << 20

// Unpack writes the host of an archive into the empty folder dir, and returns
// the name it had. All files are on the disk when it returns. After an error
// dir holds a part of it, which is to be removed.
func Unpack(r io.Reader, dir string) (host string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	rules, archive := &rules{}, tar.NewReader(r)
	var folders []folder
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		inside, err := rules.entry(h)
		if err != nil {
			return "", err
		}
		mode := h.FileInfo().Mode().Perm()
		if private(inside) {
			mode &= 0o700
		}
		if h.Typeflag == tar.TypeDir {
			folders = append(folders, folder{inside, mode | 0o700, h.ModTime})
			err = root.MkdirAll(path.Join(".", inside), 0o700)
		} else {
			err = file(root, inside, mode, h, archive)
		}
		if err != nil {
			return "", fmt.Errorf("unpack %q: %w", h.Name, err)
		}
	}
	// What comes after the end of the archive is padding; the end of the
	// encryption is behind it, and only there is all of it known to be genuine.
	if n, err := io.Copy(io.Discard, io.LimitReader(r, maxPadding+1)); err != nil || n > maxPadding {
		return "", errors.Join(err, errors.New("there is more data after its end"))
	}
	if _, whole := rules.seen[rules.host+"/host.toml"]; !whole {
		return "", errors.New("there is no host in it: it has no host.toml")
	}
	return rules.host, finish(root, folders)
}

type folder struct {
	name string
	mode fs.FileMode
	time time.Time
}

// finish gives folders their modes and times when nothing changes in them any
// more, the innermost first.
func finish(root *os.Root, folders []folder) error {
	for i := len(folders) - 1; i >= 0; i-- {
		f := folders[i]
		name := path.Join(".", f.name)
		if err := errors.Join(root.Chmod(name, f.mode), root.Chtimes(name, f.time, f.time)); err != nil {
			return fmt.Errorf("unpack %q: %w", f.name, err)
		}
	}
	return nil
}

func file(root *os.Root, name string, mode fs.FileMode, h *tar.Header, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r) // as much as the header says: the rules have bounded it
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	return errors.Join(err, root.Chtimes(name, h.ModTime, h.ModTime))
}

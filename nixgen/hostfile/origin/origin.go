// Package origin tells whether the image of a saved host was built from what the
// host is now.
//
// A build notes beside its result (layout.Origin) what it was built from: a hash
// over the answers and the flake, one over flake.lock, and where the result leads
// to, so that the result of a build that noted nothing is known as such.
package origin

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile/layout"
)

// Of is what an image of the host in dir would be built from now: a hash (SHA-256,
// hexadecimal) over its answers and all files of its flake, the user's own too.
// The secrets are no part of it, because they are no part of an image: after a
// corrected password the image is as good as before. Nor is flake.lock, which
// the build itself may write.
func Of(dir string, h nixgen.Host) (string, error) {
	h.HostKey, h.Confirmed = "", nil // no part of an image
	answers, err := toml.Marshal(h.Born())
	if err != nil {
		return "", fmt.Errorf("read the answers: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n%s", len(answers), answers)
	err = files(dir, func(name, path string, e fs.DirEntry) error { return addFile(sum, name, path, e) })
	if err != nil {
		return "", fmt.Errorf("read the Nix files of %s: %w", h.Name, err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// files visits the files of the flake of the host in dir, in the order of their
// names, which are relative to it: all that a build takes, but for the lock. A host
// that has no flake has none.
func files(dir string, visit func(name, path string, e fs.DirEntry) error) error {
	flake := filepath.Join(dir, "flake")
	err := filepath.WalkDir(flake, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".git" { // what it says about the files changes none of them
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(flake, path)
		if err != nil || filepath.Join(dir, layout.Lock) == path || aside(e.Name()) {
			return err
		}
		return visit(name, path, e)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// aside tells whether an editor made a file for itself.
func aside(name string) bool {
	return strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".swp")
}

// addFile adds a file to a hash: all that Nix takes into its store of it.
func addFile(sum io.Writer, name, path string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		fmt.Fprintf(sum, "link %q %q\n", name, to)
		return err
	case !info.Mode().IsRegular():
		fmt.Fprintf(sum, "other %q\n", name)
		return nil
	}
	fmt.Fprintf(sum, "file %q %v %d\n", name, info.Mode()&0o100 != 0, info.Size())
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(sum, io.LimitReader(f, info.Size()))
	return err
}

// Bind notes that the image which a build has just made of the host in dir is of
// origin. The lock
// is the one that the build has used or made, and the link tells a result of
// another build apart that was never noted.
func Bind(dir, origin string) error {
	rest, err := madeWith(dir)
	if err != nil {
		return fmt.Errorf("note what the image was built from: %w", err)
	}
	if err := durable.Replace(filepath.Join(dir, layout.Origin), []byte(origin+" "+rest+"\n"), 0o600); err != nil {
		return fmt.Errorf("note what the image was built from: %w", err)
	}
	return nil
}

func madeWith(dir string) (string, error) {
	lock, err := os.ReadFile(filepath.Join(dir, layout.Lock))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	to, err := os.Readlink(filepath.Join(dir, layout.Result))
	return fmt.Sprintf("%x %s", sha256.Sum256(lock), to), err
}

// Other is the error for an image that was built from other answers than a
// host has, or nobody knows from which.
type Other struct {
	name  string
	known bool
	fault.Todo
}

func (o *Other) Error() string {
	if !o.known {
		return "it is not known which answers the image of " + o.name + " was built from"
	}
	return "the image of " + o.name + " was built from other answers than " + o.name + " has now, or its Nix files were changed since"
}

func other(name string, known bool) error {
	return &Other{name, known, fault.Todo{"Build it again: piwiz build " + name}}
}

// Bound is *Other unless the image of the host in dir was built from what the
// host is now.
func Bound(dir string, h nixgen.Host) error {
	noted, err := layout.Read(filepath.Join(dir, layout.Origin))
	if errors.Is(err, fs.ErrNotExist) {
		return other(h.Name, false)
	}
	if err != nil {
		return fmt.Errorf("read what the image of %s was built from: %w", h.Name, err)
	}
	origin, err := Of(dir, h)
	if err != nil {
		return err
	}
	rest, err := madeWith(dir)
	if err != nil {
		return err
	}
	if string(noted) != origin+" "+rest+"\n" {
		return other(h.Name, true)
	}
	return nil
}

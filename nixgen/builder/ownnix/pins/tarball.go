package pins

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/packed"
	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
)

// Limits on a release, in bytes. That of 2.34 has 25 MB, 157 MiB unpacked.
const (
	maxTarball  = 200 << 20
	maxUnpacked = 2 << 30
	maxReginfo  = 1 << 20
)

// FetchTarball is the second source: it puts what Nix needs into the folder
// store, as nixcache.Cache.Fetch does, out of the release's tarball, and says
// what that is. The tarball is read only when its hash is right; what is in it
// is compared with its own list, .reginfo, before anything has its name.
func (p Pin) FetchTarball(ctx context.Context, store string, report func(meter.Progress)) ([]narinfo.Info, error) {
	if p.Tarball.SHA256 == "" {
		return nil, &fault.Error{
			Lacks: true, Headline: "There is no second source for Nix " + p.Version + " on this type of computer.",
			Todo: fault.Todo{"Use another cache: --cache https://cache.nixos.org"},
		}
	}
	if err := storedir.Sweep(store); err != nil {
		return nil, noWriting(store, err)
	}
	file := filepath.Join(store, storedir.Part+"tarball")
	f := nixcache.File{URL: p.Tarball.URL, SHA256: p.Tarball.SHA256, Most: maxTarball}
	if err := f.Fetch(ctx, file, report); err != nil {
		return nil, err
	}
	infos, err := p.unpack(ctx, file, store)
	if left := storedir.Sweep(store); err == nil && left != nil {
		err = noWriting(store, left)
	}
	return infos, err
}

func (p Pin) unpack(ctx context.Context, file, store string) ([]narinfo.Info, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, noWriting(store, err)
	}
	defer in.Close()
	plain, err := packed.Reader("xz", in)
	if err != nil {
		return nil, p.odd(err)
	}
	r := release{store: store, top: "nix-" + p.Version + "-" + p.System}
	if err := r.unpack(ctx, io.LimitReader(plain, maxUnpacked)); err != nil {
		if _, ok := errors.AsType[*nar.WriteError](err); ok {
			return nil, noWriting(store, err)
		}
		return nil, p.odd(err)
	}
	infos, err := parseReginfo(r.reginfo)
	if err == nil {
		err = r.verify(infos)
	}
	if err != nil {
		return nil, p.odd(err)
	}
	if err := p.confirm(infos); err != nil {
		return nil, err
	}
	return infos, noWriting(store, r.keep())
}

// odd is a tarball that has the right hash, but not what a release has.
func (p Pin) odd(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &fault.Error{
		Headline: "The tarball of Nix " + p.Version + " is not as expected.", Why: err.Error(), Err: err,
		Todo: fault.Todo{"Nothing of it was kept. Use a cache: --cache https://cache.nixos.org"},
	}
}

func noWriting(store string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{
		Lacks: true, Headline: "piwiz's own Nix cannot be written to " + store + ".", Why: err.Error(), Err: err,
		Todo: durable.Remedy(err, store),
	}
}

// release is a tarball on its way into a store. Source:
// packaging/binary-tarball.nix of Nix.
type release struct {
	store, top string
	reginfo    []byte
	made       []string // in order: a folder is before what is in it
	folders    map[string]bool
	paths      []string // store paths that have a part
}

// unpack makes the parts. Of all else it takes .reginfo alone.
func (r *release) unpack(ctx context.Context, in io.Reader) error {
	r.folders = map[string]bool{}
	for archive := tar.NewReader(in); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name, ok := strings.CutPrefix(strings.TrimSuffix(head.Name, "/"), r.top+"/")
		switch {
		case !fs.ValidPath(strings.TrimSuffix(head.Name, "/")):
			return fmt.Errorf("it has %.200q", head.Name)
		case ok && name == ".reginfo":
			if r.reginfo, err = io.ReadAll(io.LimitReader(archive, maxReginfo)); err != nil {
				return err
			}
		case ok && strings.HasPrefix(name, "store/"):
			if err := r.entry(head, strings.TrimPrefix(name, "store/"), archive); err != nil {
				return fmt.Errorf("%.200q: %w", head.Name, err)
			}
		}
	}
	for _, at := range slices.Backward(r.made) {
		if err := nar.Canonical(at); err != nil {
			return &nar.WriteError{Err: err}
		}
	}
	return nil
}

// entry makes one file, folder or link, in a folder that it made itself: no link
// is followed, and nothing is written over.
func (r *release) entry(head *tar.Header, name string, content io.Reader) error {
	base, inner, deep := strings.Cut(name, "/")
	part := filepath.Join(r.store, storedir.Part+base)
	to := filepath.Join(part, inner)
	if !deep {
		if err := storedir.Check(storedir.Prefix + base); err != nil {
			return err
		}
		r.paths = append(r.paths, storedir.Prefix+base)
	} else if !r.folders[filepath.Dir(to)] {
		return errors.New("its folder is not in the tarball")
	}
	if err := r.make(head, to, content); err != nil {
		return err
	}
	r.made = append(r.made, to)
	return nil
}

func (r *release) make(head *tar.Header, to string, content io.Reader) error {
	var err error
	switch head.Typeflag {
	case tar.TypeDir:
		r.folders[to] = true
		err = os.Mkdir(to, 0o700)
	case tar.TypeSymlink:
		err = os.Symlink(head.Linkname, to)
	case tar.TypeReg:
		mode := fs.FileMode(0o600)
		if head.Mode&0o100 != 0 {
			mode = 0o700
		}
		var f *os.File
		if f, err = os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode); err != nil {
			break
		}
		n, bad := io.Copy(f, content)
		err = errors.Join(f.Chmod(mode), f.Close()) // whatever the umask is
		if _, own := errors.AsType[*fs.PathError](bad); own {
			err = bad
		} else if bad != nil || n != head.Size {
			return errors.Join(bad, err, io.ErrUnexpectedEOF)
		}
	default:
		return fmt.Errorf("type %q of tar is not in a release", head.Typeflag)
	}
	if err != nil {
		return &nar.WriteError{Err: err}
	}
	return nil
}

// verify compares what was unpacked with the list: all of it, nothing else, each
// with its hash, and with all that it refers to.
func (r *release) verify(infos []narinfo.Info) error {
	listed := map[string]bool{}
	for _, i := range infos {
		listed[i.Path] = true
	}
	for _, at := range r.paths {
		if !listed[at] {
			return fmt.Errorf("%s is not in its list", at)
		}
	}
	for _, i := range infos {
		for _, ref := range i.References {
			if !listed[ref] {
				return fmt.Errorf("%s needs %s, which is not in its list", i.Path, ref)
			}
		}
		sum := sha256.New()
		size := &count{}
		if err := nar.Dump(io.MultiWriter(sum, size), filepath.Join(r.store, storedir.Part+filepath.Base(i.Path))); err != nil {
			return err
		}
		if got := "sha256:" + nar.Encode32(sum.Sum(nil)); got != i.NarHash || size.n != i.NarSize {
			return fmt.Errorf("%s has the hash %s and %d bytes, and should have %s and %d", i.Path, got, size.n, i.NarHash, i.NarSize)
		}
	}
	return nil
}

// keep gives the parts their names, but for what was there.
func (r *release) keep() error {
	var fresh []string
	for _, at := range r.paths {
		if !storedir.Has(r.store, at) {
			fresh = append(fresh, at)
		}
	}
	return storedir.Keep(r.store, fresh...)
}

type count struct{ n int64 }

func (c *count) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

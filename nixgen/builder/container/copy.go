package container

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/durable"
)

// copyOut makes link point to a path of the store, and copies that to
// order.Copies(link), in place of what was there. What is there already is not copied
// again.
func (b box) copyOut(ctx context.Context, path, link string) error {
	if !strings.HasPrefix(path, "/nix/store/") || path != filepath.Clean(path) {
		return fmt.Errorf("copy the image out of the container: %q is not a store path", path)
	}
	to := order.Copies(link)
	if _, err := os.Stat(filepath.Join(to, path)); errors.Is(err, fs.ErrNotExist) {
		if err := b.replace(ctx, path, to); err != nil {
			return err
		}
	}
	part := link + ".part"
	_ = os.Remove(part) // of a run that was killed
	if err := os.Symlink(path, part); err != nil {
		return fmt.Errorf("link to the image: %w", err)
	}
	if err := (durable.Disk{}).Rename(part, link); err != nil {
		return fmt.Errorf("link to the image: %w", err)
	}
	return nil
}

// replace keeps the old copy until the new one is whole, and on the disk: what is
// there under its name is not copied again.
func (b box) replace(ctx context.Context, path, to string) error {
	part := to + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("make room for the image: %w", err)
	}
	defer os.RemoveAll(part)
	if err := os.MkdirAll(part, 0o700); err != nil {
		return fmt.Errorf("make a folder for the image: %w", err)
	}
	if err := b.stream(ctx, path, part); err != nil {
		return err
	}
	if err := (durable.Disk{}).SyncTree(part); err != nil {
		return fmt.Errorf("put the image on the disk: %w", err)
	}
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("remove the previous image: %w", err)
	}
	if err := (durable.Disk{}).Rename(part, to); err != nil {
		return fmt.Errorf("put the image in its place: %w", err)
	}
	return nil
}

// stream lets a container pack the path, and unpacks it here, so that the files
// become the user's own.
func (b box) stream(ctx context.Context, path, dir string) error {
	name := fresh()
	args := append([]string{"run", "--name", name, "--network", "none"}, b.options()...)
	cmd := b.engine.command(ctx, append(args, "--entrypoint", "tar", b.engine.Image, "-C", "/", "-cf", "-", strings.TrimPrefix(path, "/"))...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("make a pipe for the image: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", b.engine.Name, err)
	}
	bad := unpack(out, dir)
	if bad == nil {
		_, bad = io.Copy(io.Discard, out) // tar's padding
	} else {
		_ = cmd.Cancel() // nobody reads on; fails when it has ended
	}
	err = ended(ctx, cmd.Wait(), said.String())
	if bad != nil || err != nil {
		b.engine.remove(name)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && (bad == nil || errors.Is(bad, io.ErrUnexpectedEOF)):
		return b.engine.noStart(err)
	case bad != nil:
		return fmt.Errorf("copy the image out of the container: %w", bad)
	}
	return nil
}

// unpack writes the folders and files of a tar archive below dir. An image is
// nothing else.
func unpack(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files := 0
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF) && files == 0:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		name := filepath.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			files++
			err = file(root, name, archive)
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func file(root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

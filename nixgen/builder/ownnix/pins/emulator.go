package pins

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/packed"
	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/fault"
)

const maxPackage = 200 << 20 // bytes; that of Debian 12 has 63 MB

// FetchEmulator makes the file to of the static qemu-aarch64 in the pinned
// package, mode 0555: unpacked, not installed. The package is read only when its
// hash is right.
func (p Pin) FetchEmulator(ctx context.Context, to string, report func(meter.Progress)) error {
	if p.Emulator.SHA256 == "" {
		return &fault.Error{Lacks: true, Headline: "There is no package with an emulator for this type of computer."}
	}
	dir := filepath.Dir(to)
	deb, part := filepath.Join(dir, storedir.Part+"package"), filepath.Join(dir, storedir.Part+"emulator")
	defer os.Remove(deb)
	defer os.Remove(part)
	for _, left := range []string{deb, part} {
		if err := os.RemoveAll(left); err != nil {
			return noWriting(dir, err)
		}
	}
	if err := (nixcache.File{URL: p.Emulator.URL, SHA256: p.Emulator.SHA256, Most: maxPackage}).Fetch(ctx, deb, report); err != nil {
		return err
	}
	if err := extract(deb, p.Emulator.Program, part); err != nil {
		return &fault.Error{
			Headline: "The package with the emulator is not as expected.", Why: err.Error(), Err: err,
			Todo: fault.Todo{"Use another builder, for example a container: --builder container"},
		}
	}
	return noWriting(dir, os.Rename(part, to))
}

// extract takes one program out of a Debian package. Source: deb(5).
func extract(deb, program, to string) error {
	f, err := os.Open(deb)
	if err != nil {
		return err
	}
	defer f.Close()
	how, data, err := dataOf(f)
	if err != nil {
		return err
	}
	plain, err := packed.Reader(how, data)
	if err != nil {
		return err
	}
	defer plain.Close()
	for archive := tar.NewReader(io.LimitReader(plain, maxUnpacked)); ; {
		head, err := archive.Next()
		if err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
		if head.Typeflag != tar.TypeReg || path.Clean(head.Name) != program {
			continue
		}
		out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, archive)
		return errors.Join(err, out.Chmod(0o555), out.Sync(), out.Close())
	}
}

// dataOf is data.tar of a package, and how it is compressed.
func dataOf(f io.Reader) (how string, data io.Reader, err error) {
	magic := make([]byte, 8)
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != "!<arch>\n" {
		return "", nil, errors.New("it is no package of Debian")
	}
	for head := make([]byte, 60); ; { // ar(5)
		if _, err := io.ReadFull(f, head); err != nil {
			return "", nil, fmt.Errorf("the package has no data.tar: %w", err)
		}
		size, err := strconv.ParseUint(strings.TrimSpace(string(head[48:58])), 10, 40)
		if err != nil {
			return "", nil, err
		}
		name := strings.TrimSuffix(strings.TrimSpace(string(head[:16])), "/")
		if ending, ok := strings.CutPrefix(name, "data.tar"); ok {
			how, ok := map[string]string{"": "none", ".xz": "xz", ".zst": "zstd", ".gz": "gzip", ".bz2": "bzip2"}[ending]
			if !ok {
				return "", nil, packed.UnknownError(ending)
			}
			return how, io.LimitReader(f, int64(size)), nil
		}
		if _, err := io.CopyN(io.Discard, f, int64(size+size%2)); err != nil {
			return "", nil, err
		}
	}
}

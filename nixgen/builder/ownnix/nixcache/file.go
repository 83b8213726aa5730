package nixcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
)

// File is a single file whose content is known by its hash.
type File struct {
	URL      string // https, http or file
	SHA256   string // hexadecimal
	Most     int64  // bytes it may have
	Patience time.Duration
}

// Fetch makes to of it, which must not exist. Nothing is there after an error,
// which is a *fault.Error.
func (f File) Fetch(ctx context.Context, to string, report func(meter.Progress)) error {
	want, err := hex.DecodeString(f.SHA256)
	if err != nil || len(want) != sha256.Size {
		return fmt.Errorf("%q is no SHA-256", f.SHA256)
	}
	m := meter.New([]narinfo.Info{{}}, report)
	err = f.get(ctx, func(b *body) error {
		p := m.Part(0)
		p.ExpectFile(b.Length, f.Most)
		b.report = p.At
		return f.write(b, to, want)
	})
	if err == nil {
		m.Part(0).Done()
	}
	return err
}

// Read is a small file of which no hash is known.
func Read(ctx context.Context, address string, most int64) (text []byte, err error) {
	err = File{URL: address, Most: most}.get(ctx, func(b *body) (err error) {
		text, err = io.ReadAll(b)
		return err
	})
	return text, err
}

// get has do read the file, again when that may help.
func (f File) get(ctx context.Context, do func(*body) error) error {
	u, err := CheckURL(f.URL)
	if err != nil {
		return err
	}
	one := &fetcher{sources: []*source{{name: f.URL, base: u}}, web: newWeb(nil, f.Patience)}
	return one.anywhere(ctx, f.URL, func(ctx context.Context, s *source) error {
		b, err := one.web.get(ctx, u)
		if err != nil {
			return err
		}
		defer b.Close()
		b.most = f.Most
		return do(b)
	})
}

func (f File) write(b *body, to string, want []byte) error {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return noWriting(filepath.Dir(to), err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, sum), b)
	if got := sum.Sum(nil); err == nil && string(got) != string(want) {
		err = b.fault(damaged, fmt.Errorf("its SHA-256 is %x, and %x is pinned", got, want))
	}
	switch bad := errors.Join(out.Sync(), out.Close()); {
	case err == nil && bad == nil:
		return nil
	case b.failed != nil:
		err = b.failed
	case err == nil:
		err = bad
	}
	if left := os.Remove(to); left != nil {
		err = errors.Join(err, left)
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		err = noWriting(filepath.Dir(to), err)
	}
	return err
}

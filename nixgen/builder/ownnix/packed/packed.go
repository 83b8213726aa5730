// Package packed unpacks streams in the ways that binary caches, releases of Nix
// and Debian's packages are compressed, with bounded memory whatever a stream
// says of itself.
package packed

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is how much memory a stream may ask for, in bytes: what xz -9 and
// zstd --ultra -22 need. Usual are 8 MiB.
const maxWindow = 1 << 27

// UnknownError is a compression that is none of those known here.
type UnknownError string

func (e UnknownError) Error() string { return fmt.Sprintf("compression %q is not known", string(e)) }

// Reader unpacks r, which is compressed in that way: xz, zstd, bzip2, gzip or
// none. What it wraps is not closed with it.
func Reader(how string, r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	switch how {
	case "none":
		return io.NopCloser(in), nil
	case "xz":
		return io.NopCloser(&xzReader{in: in}), nil
	case "bzip2":
		return io.NopCloser(bzip2.NewReader(in)), nil
	case "gzip":
		return gzip.NewReader(in)
	case "zstd":
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, UnknownError(how)
}

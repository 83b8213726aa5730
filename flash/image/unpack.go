package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxWindow is how much memory a packed image may ask for, in bytes. The
// largest preset of xz asks for half of it.
const maxWindow = 1 << 27

// headSize is enough to see how a file is packed, in bytes.
const headSize = max(zstd.HeaderMaxSize, 64)

// unpack finds out how the file is packed, and how large it is unpacked: -1
// when that cannot be known beforehand.
func (i *Image) unpack(in *bufio.Reader) (io.Reader, error) {
	head, _ := in.Peek(headSize) // a short file has a short head
	is := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	var h zstd.Header
	switch {
	case is("PK\x03\x04"):
		return in, &Error{"", errors.New("this is packed with zip, which piwiz cannot undo"), []string{"Unpack it first: unzip " + i.file.Name()}}
	case is("\x1f\x8b"):
		i.size = -1 // its trailer counts modulo 4 GiB
		r, err := gzip.NewReader(in)
		if err != nil {
			return in, fmt.Errorf("unpack it: %w", err)
		}
		return r, nil
	case is("\xfd7zXZ\x00"):
		i.size = -1
		return i.unxz(in, head)
	case is("BZh"):
		i.size = -1
		return bzip2.NewReader(in), nil
	case h.Decode(head) != nil:
		return in, nil
	}
	i.size = -1
	if h.HasFCS && h.FrameContentSize < 1<<60 {
		i.size = int64(h.FrameContentSize)
	}
	return i.unzstd(in)
}

func (i *Image) unzstd(in io.Reader) (io.Reader, error) {
	if i.zstd != nil {
		return i.zstd, i.zstd.Reset(in)
	}
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return in, fmt.Errorf("unpack it: %w", err)
	}
	i.zstd = d
	return d, nil
}

func (i *Image) unxz(in io.Reader, head []byte) (io.Reader, error) {
	r, err := xz.NewReader(in)
	if xzWindow(head) > maxWindow {
		err = errors.New("it asks for too much memory")
	}
	if err != nil {
		return in, &Error{"", fmt.Errorf("unpack it: %w", err), []string{"Unpack it first: xz -dk " + i.file.Name()}}
	}
	return r, nil
}

// xzWindow is how many bytes of memory the first block of an xz file asks for
// (The .xz File Format 1.2.1, section 3.1). Those that follow are like it.
func xzWindow(head []byte) int64 {
	if len(head) < headSize {
		return 0
	}
	flags, rest := head[13], head[14:]
	for range bits.OnesCount8(flags >> 6) { // the sizes of the block, if it has them
		_, n := binary.Uvarint(rest)
		rest = rest[max(n, 0):]
	}
	if rest[0] != 0x21 {
		return 0 // no LZMA2; that is refused
	}
	size, err := lzma.DecodeDictCap(rest[2])
	if err != nil {
		return 0
	}
	return size
}

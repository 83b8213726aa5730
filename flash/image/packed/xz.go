package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/ulikunitz/xz/lzma"
)

// Sizes of the .xz format, in bytes.
const (
	xzHeader = 12 // of a stream; its footer has the same
	maxIndex = 1 << 26
	xzMost   = 1 << 60
)

// walkXz goes through an xz file from its end, where the index of each stream
// says how large it is, packed and not (The .xz File Format 1.2.1, 2.1.2 and 4),
// and back. It gives the size unpacked.
func walkXz(r io.ReaderAt, fileSize int64) (int64, error) {
	total := int64(0)
	for at := fileSize; at > 0; {
		s, err := xzStreamBefore(r, at)
		if err != nil {
			return 0, err
		}
		at, total = s.from, total+s.size
		if total > xzMost {
			return 0, cutShort("its streams say that they have %d bytes", total)
		}
	}
	return total, nil
}

type xzStream struct{ from, size int64 }

// errXzFilters is an xz file made with more than LZMA2, which the library that
// unpacks it does not know.
var errXzFilters = &OtherError{errors.New("it was compressed with filters (delta, or for machine code), which piwiz does not support"), Xz.Program}

var errXzEnd = errors.New("it is cut short, or something follows it: it does not end as an xz file does")

// xzStreamBefore reads the stream that ends, with its padding, at a byte.
func xzStreamBefore(r io.ReaderAt, end int64) (xzStream, error) {
	var s xzStream
	end, err := behindPadding(r, end)
	if err != nil {
		return s, err
	}
	footer := make([]byte, xzHeader)
	if end < 2*xzHeader {
		return s, errXzEnd
	}
	if _, err := r.ReadAt(footer, end-xzHeader); err != nil {
		return s, err
	}
	if string(footer[10:]) != "YZ" || binary.LittleEndian.Uint32(footer) != crc32.ChecksumIEEE(footer[4:10]) {
		return s, errXzEnd
	}
	length := (int64(binary.LittleEndian.Uint32(footer[4:])) + 1) * 4
	index := end - xzHeader - length
	if length > maxIndex || index < xzHeader {
		return s, errXzEnd
	}
	b := make([]byte, length)
	if _, err := r.ReadAt(b, index); err != nil {
		return s, err
	}
	if b[0] != 0 || binary.LittleEndian.Uint32(b[length-4:]) != crc32.ChecksumIEEE(b[:length-4]) {
		return s, cutShort("the index of its stream is wrong")
	}
	return xzRecords(r, b[1:length-4], index)
}

// behindPadding goes back over the padding of a stream, fours of zeros (2.2).
func behindPadding(r io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 1<<16)
	for end > 0 {
		b := buf[:min(int64(len(buf)), end)]
		if _, err := r.ReadAt(b, end-int64(len(b))); err != nil {
			return 0, err
		}
		rest := len(bytes.TrimRight(b, "\x00"))
		if end -= int64((len(b) - rest) / 4 * 4); rest > 0 {
			break
		}
		if len(b)%4 != 0 {
			return 0, nil
		}
	}
	return end, nil
}

// xzRecords reads the records of an index that begins at a byte, from the last
// block to the first, and inspects the header of each block.
func xzRecords(r io.ReaderAt, b []byte, index int64) (xzStream, error) {
	wrong := cutShort("the index of its stream is wrong")
	number := func() (int64, bool) {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > xzMost {
			return 0, false
		}
		b = b[n:]
		return int64(v), true
	}
	count, ok := number()
	if !ok || count > int64(len(b))/2 {
		return xzStream{}, wrong
	}
	var s xzStream
	blocks := make([]int64, count) // how long each is in the file
	length := int64(0)
	for i := range blocks {
		packed, ok := number()
		size, ok2 := number()
		if !ok || !ok2 {
			return s, wrong
		}
		blocks[i] = (packed + 3) / 4 * 4
		length, s.size = length+blocks[i], s.size+size
		if length > index || s.size > xzMost {
			return s, wrong
		}
	}
	at := index - length
	if s.from = at - xzHeader; s.from < 0 {
		return s, wrong
	}
	head := make([]byte, 6)
	if _, err := r.ReadAt(head, s.from); err != nil {
		return s, err
	}
	if string(head) != Xz.magic {
		return s, wrong
	}
	for _, length := range blocks {
		if err := xzBlock(r, at); err != nil {
			return s, err
		}
		at += length
	}
	return s, nil
}

// xzBlock makes sure that a block asks for no more memory than there may be
// (3.1).
func xzBlock(r io.ReaderAt, at int64) error {
	head := make([]byte, 32)
	if n, err := r.ReadAt(head, at); err != nil && !(errors.Is(err, io.EOF) && n > 0) {
		return err
	}
	flags, rest := head[1], head[2:]
	for range bits.OnesCount8(flags >> 6) { // the sizes of the block, if it has them
		_, n := binary.Uvarint(rest)
		rest = rest[max(n, 0):]
	}
	if flags&3 != 0 || rest[0] != 0x21 {
		return errXzFilters
	}
	if size, err := lzma.DecodeDictCap(rest[2]); err == nil && size > maxWindow {
		return tooWide(size, Xz.Program)
	}
	return nil
}

package packed

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader goes through the container of an xz stream (The .xz File Format
// 1.2.1) and leaves the rest to the library. The library's own reader makes a
// dictionary as large as a block asks for, up to 4 GiB: here there is a limit.
//
// The checks of blocks are skipped, not computed, and the index is not compared:
// whoever reads this verifies a hash of the whole.
type xzReader struct {
	in    *bufio.Reader
	begun bool // a stream
	check int64
	block io.Reader
	count countReader // of the block
	err   error
}

var errXz = errors.New("the xz stream is damaged")

func (x *xzReader) Read(p []byte) (int, error) {
	if x.err != nil || len(p) == 0 {
		return 0, x.err
	}
	for {
		if x.block == nil {
			if x.err = x.next(); x.err != nil {
				return 0, x.err
			}
		}
		n, err := x.block.Read(p)
		if errors.Is(err, io.EOF) {
			x.block = nil
			err = x.skip(-x.count.n&3 + x.check)
		}
		if x.err = err; n > 0 || err != nil {
			return n, err
		}
	}
}

// next comes to the next block. io.EOF is the end, behind a whole stream.
func (x *xzReader) next() error {
	for {
		if !x.begun {
			if err := x.stream(); err != nil {
				return err
			}
		}
		size, err := x.in.ReadByte()
		if err != nil {
			return cut(err)
		}
		if size != 0 {
			return x.header(size)
		}
		if err := x.index(); err != nil {
			return err
		}
		x.begun = false
	}
}

// stream reads the header of a stream (2.1.1), and the padding before it (2.2).
func (x *xzReader) stream() error {
	var head [12]byte
	for first := true; ; first = false {
		n, err := io.ReadFull(x.in, head[:4])
		if n == 0 && errors.Is(err, io.EOF) && x.count.r != nil {
			return io.EOF
		}
		if err != nil {
			return cut(err)
		}
		if first && x.count.r == nil || binary.LittleEndian.Uint32(head[:]) != 0 {
			break
		}
	}
	if _, err := io.ReadFull(x.in, head[4:]); err != nil {
		return cut(err)
	}
	if string(head[:6]) != "\xfd7zXZ\x00" || head[6] != 0 || head[7] > 15 || crc32.ChecksumIEEE(head[6:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return errXz
	}
	x.check = [...]int64{0, 4, 8, 16, 32, 64}[(head[7]+2)/3]
	x.begun, x.count.r = true, x.in
	return nil
}

// header reads the header of a block (3.1): only LZMA2, with a bounded dictionary.
func (x *xzReader) header(size byte) error {
	b := make([]byte, (int(size)+1)*4)
	b[0] = size
	if _, err := io.ReadFull(x.in, b[1:]); err != nil {
		return cut(err)
	}
	end := len(b) - 4
	if crc32.ChecksumIEEE(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		return errXz
	}
	flags, rest := b[1], b[2:end]
	for range bits.OnesCount8(flags >> 6) { // the sizes of the block, if it has them
		_, n := binary.Uvarint(rest)
		rest = rest[max(n, 0):]
	}
	if flags&0x3f != 0 || len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return errors.New("the xz stream has filters that are not known")
	}
	window, err := lzma.DecodeDictCap(rest[2])
	if err != nil || window > maxWindow {
		return fmt.Errorf("the xz stream asks for %d MiB of memory (%w)", window>>20, errXz)
	}
	x.count.n = 0
	x.block, err = lzma.Reader2Config{DictCap: int(max(window, lzma.MinDictCap))}.NewReader2(&x.count)
	return err
}

// index goes behind the index (4) and the footer (2.1.2) of a stream. Its first
// byte is read.
func (x *xzReader) index() error {
	x.count.n = 1
	records, err := binary.ReadUvarint(&x.count)
	for i := uint64(0); err == nil && i < 2*records; i++ {
		_, err = binary.ReadUvarint(&x.count)
	}
	if err != nil {
		return cut(err)
	}
	if err := x.skip(-x.count.n&3 + 4); err != nil {
		return err
	}
	var footer [12]byte
	if _, err := io.ReadFull(x.in, footer[:]); err != nil {
		return cut(err)
	}
	if string(footer[10:]) != "YZ" {
		return errXz
	}
	return nil
}

func (x *xzReader) skip(n int64) error {
	if _, err := x.in.Discard(int(n)); err != nil {
		return cut(err)
	}
	return nil
}

// countReader counts what a block has of the stream.
type countReader struct {
	r *bufio.Reader
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *countReader) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the xz stream is cut short: %w", io.ErrUnexpectedEOF)
	}
	return err
}

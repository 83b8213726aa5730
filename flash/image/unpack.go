package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz"

	"piwiz/flash/shell"
)

// maxWindow is how much memory a packed image may ask for, in bytes. The
// largest preset of xz asks for half of it, and zstd takes no more by itself.
const maxWindow = 1 << 27

// packing is how an image is packed.
type packing struct {
	name, magic string
	program     string // what unpacks it to its output
}

var (
	byZstd  = packing{"zstd", "\x28\xb5\x2f\xfd", "zstd -dc"}
	byGzip  = packing{"gzip", "\x1f\x8b", "gzip -dc"}
	byXz    = packing{"xz", "\xfd7zXZ\x00", "xz -dc"}
	byBzip2 = packing{"bzip2", "BZh", "bzip2 -dc"}
)

// packed tells how a file that begins with head is packed; the zero packing is
// not at all.
func packed(head []byte) packing {
	for _, p := range []packing{byZstd, byGzip, byXz, byBzip2} {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return p
		}
	}
	if len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" { // a skippable frame, as pzstd begins
		return byZstd
	}
	return packing{}
}

// first reads how the file begins.
func (i *Image) first(n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := i.file.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// measure finds out how large a packed image is unpacked, as far as the file
// says that, and whether it is whole.
func (i *Image) measure() error {
	head, err := i.first(8)
	if err != nil {
		return err
	}
	fileSize := i.size
	i.how = packed(head)
	switch i.how {
	case byZstd:
		var f frames
		if f, err = walkZstd(i.file, fileSize); err == nil {
			i.size, i.most = f.size, f.most
		}
	case byXz:
		i.size, err = walkXz(i.file, fileSize)
	case byGzip:
		var b [4]byte
		_, err = i.file.ReadAt(b[:], max(fileSize-4, 0))
		i.size, i.gzipSays = -1, binary.LittleEndian.Uint32(b[:])
	case byBzip2:
		i.size = -1
	}
	var large *windowError
	if errors.As(err, &large) {
		return i.unpackFirst(err, large.program)
	}
	if errors.Is(err, errDictionary) {
		return i.unpackFirst(err, byZstd.program+" -D DICTIONARY")
	}
	if errors.Is(err, errXzFilters) {
		return i.unpackFirst(err, byXz.program)
	}
	var behind *behindError
	if errors.As(err, &behind) {
		return &Error{"", err, []string{
			i.from.Remedy(), fmt.Sprintf("Or, if you know where that comes from, cut it off: head -c %d %s > %s", behind.at, shell.File(i.from.Path), shell.File(i.from.Path+".cut")),
		}}
	}
	return err
}

// unpackFirst is an image that piwiz does not unpack, but another program does.
func (i *Image) unpackFirst(err error, program string) error {
	return &Error{"", err, []string{fmt.Sprintf("Unpack it first, then use the unpacked one: %s %s > %s", program, shell.File(i.from.Path), unpackedName)}}
}

// windowError is an image that asks for more than maxWindow.
type windowError struct {
	size    int64 // bytes
	program string
}

func (e *windowError) Error() string {
	return fmt.Sprintf("unpacking it needs %d MiB of memory at once", e.size>>20)
}

// behindError is a packed image behind which something is.
type behindError struct{ at, size int64 } // bytes

func (e *behindError) Error() string {
	return fmt.Sprintf("after the compressed image, which ends at byte %d, there are %d bytes that are not part of it", e.at, e.size-e.at)
}

func cutShort(format string, a ...any) error {
	return fmt.Errorf("it is cut short or damaged: "+format, a...)
}

// unpack finds out how the file is packed and unpacks it. It is read to its end,
// for its sum.
func (i *Image) unpack(in *bufio.Reader) (io.Reader, error) {
	var r io.Reader
	var err error
	switch i.how {
	case byZstd:
		return i.unzstd(in)
	case byGzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(in); err == nil {
			z.Multistream(false)
			r = &members{in: in, z: z}
		}
	case byXz:
		r, err = xz.NewReader(in)
	case byBzip2:
		s := &streams{in: in}
		s.r, r = bzip2.NewReader(s), s
	default:
		return in, nil
	}
	if err != nil {
		return in, i.unpackFirst(fmt.Errorf("it cannot be unpacked: %w", err), i.how.program)
	}
	return &whole{r, in}, nil
}

// whole reads what is packed, and what is behind it too.
type whole struct {
	io.Reader
	in io.Reader
}

func (w *whole) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err == io.EOF {
		if _, err := io.Copy(io.Discard, w.in); err != nil {
			return n, err
		}
	}
	return n, err
}

// members are those of a gzip file (RFC 1952, section 2.2). Like gzip(1) it
// ignores what is none behind the last of them.
type members struct {
	in  *bufio.Reader
	z   *gzip.Reader
	end bool
}

func (m *members) Read(b []byte) (int, error) {
	for !m.end {
		n, err := m.z.Read(b)
		if err != io.EOF {
			return n, err
		}
		if err := m.next(); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// next begins with the next member.
func (m *members) next() error {
	magic, err := m.in.Peek(2)
	switch {
	case len(magic) == 2 && string(magic) == byGzip.magic:
		if err := m.z.Reset(m.in); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		m.z.Multistream(false)
	case len(magic) == 1 && magic[0] != 0: // half of a magic number, for all that is known
		return io.ErrUnexpectedEOF
	case err != nil && !errors.Is(err, io.EOF):
		return err
	default:
		m.end = true
	}
	return nil
}

// streams are those of a bzip2 file. Like bzip2(1) it ignores what is none
// behind the last of them. The decoder tells neither that a stream has ended nor
// where; so behind the end of the file it is given two bytes more, which makes
// every end look like something that is no stream.
type streams struct {
	in      *bufio.Reader
	r       io.Reader
	last    byte // of the file
	beyond  int  // bytes behind the end of the file that were asked for
	started bool
	end     error
}

// ReadByte is what the decoder reads from.
func (s *streams) ReadByte() (byte, error) {
	if s.beyond > 0 {
		s.beyond++
	} else {
		b, err := s.in.ReadByte()
		if err == nil {
			s.last = b
			return b, nil
		}
		if err != io.EOF {
			return 0, err
		}
		s.beyond++
	}
	if s.beyond > 2 {
		return 0, io.EOF
	}
	return 0, nil
}

func (s *streams) Read(b []byte) (int, error) {
	if s.end != nil {
		return 0, s.end
	}
	// The decoder must find ReadByte here, not this function.
	n, err := s.r.Read(b)
	s.started = s.started || n > 0
	s.end = err
	no, structural := err.(bzip2.StructuralError)
	switch {
	case structural && s.started && no == "bad magic value in continuation file":
		s.end = io.EOF
		if s.beyond == 1 && s.last == 'B' {
			s.end = io.ErrUnexpectedEOF
		}
	case structural && s.started && (no == "non-Huffman entropy encoding" || no == "invalid compression level"):
		s.end = io.EOF
		if s.beyond > 0 {
			s.end = io.ErrUnexpectedEOF
		}
	case err == io.EOF || err != nil && s.beyond > 0:
		s.end = io.ErrUnexpectedEOF
	}
	return n, s.end
}

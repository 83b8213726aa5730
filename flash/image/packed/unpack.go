package packed

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Unpacker unpacks a file, and the same memory serves for the next time.
type Unpacker struct{ zstd *zstd.Decoder }

// Unpack unpacks a file of a format. It is read to its end, for its sum. One that
// is not unpacked here is *OtherError.
func (u *Unpacker) Unpack(f Format, in *bufio.Reader) (io.Reader, error) {
	var r io.Reader
	var err error
	switch f {
	case Zstd:
		return u.unzstd(in)
	case Gzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(in); err == nil {
			z.Multistream(false)
			r = &members{in: in, z: z}
		}
	case Xz:
		r, err = xz.NewReader(in)
	case Bzip2:
		s := &streams{in: in}
		s.r, r = bzip2.NewReader(s), s
	default:
		return in, nil
	}
	if err != nil {
		return in, &OtherError{fmt.Errorf("it cannot be unpacked: %w", err), f.Program}
	}
	return &whole{r, in}, nil
}

func (u *Unpacker) unzstd(in io.Reader) (io.Reader, error) {
	if u.zstd != nil {
		return u.zstd, u.zstd.Reset(in)
	}
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return in, &OtherError{err, Zstd.Program}
	}
	u.zstd = d
	return d, nil
}

// Close gives the memory back.
func (u *Unpacker) Close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
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
	case len(magic) == 2 && string(magic) == Gzip.magic:
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

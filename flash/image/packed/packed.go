// Package packed unpacks files of zstd (RFC 8878), xz (The .xz File Format
// 1.2.1), gzip (RFC 1952) and bzip2, and says beforehand how large they are.
//
// What comes out is what the packer's own program makes of the file: several
// frames, streams or members in a row are one, and what is behind the last of them
// is ignored where that program ignores it (gzip, bzip2; multiples of four zeros
// by xz) and an error where it is one (zstd, xz). Both formats in which it is an
// error say where they end, so that is known, like a file that was cut, before
// the first byte is unpacked.
package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxWindow is how much memory a packed image may ask for, in bytes. The
// largest preset of xz asks for half of it, and zstd takes no more by itself.
const maxWindow = 1 << 27

// Format is how an image is packed.
type Format struct {
	Name    string
	Program string // what unpacks it to its output
	magic   string
}

// The formats that are unpacked. The zero Format is a file that is not packed.
var (
	Zstd  = Format{"zstd", "zstd -dc", "\x28\xb5\x2f\xfd"}
	Gzip  = Format{"gzip", "gzip -dc", "\x1f\x8b"}
	Xz    = Format{"xz", "xz -dc", "\xfd7zXZ\x00"}
	Bzip2 = Format{"bzip2", "bzip2 -dc", "BZh"}
)

// Of tells how a file that begins with head is packed.
func Of(head []byte) Format {
	for _, f := range []Format{Zstd, Gzip, Xz, Bzip2} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f
		}
	}
	if len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" { // a skippable frame, as pzstd begins
		return Zstd
	}
	return Format{}
}

// Size is how large an image is unpacked, in bytes, as far as its file says that.
type Size struct {
	Exact int64 // -1 when it is not known
	most  int64 // no more than that, when the size is not known; -1 when that is not known either

	gzip bool
	last uint32 // the size of the last member of a gzip file, modulo 4 GiB
}

// Measure finds out how a file of fileSize bytes is packed and how large it is
// unpacked, and whether it is whole: a file that goes on behind its end is
// *BehindError, and one that another program unpacks *OtherError.
func Measure(r io.ReaderAt, fileSize int64) (f Format, s Size, err error) {
	head := make([]byte, 8)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return f, s, err
	}
	f, s, err = Of(head[:n]), Size{Exact: fileSize, most: -1}, nil
	switch f {
	case Zstd:
		var z frames
		if z, err = walkZstd(r, fileSize); err == nil {
			s.Exact, s.most = z.size, z.most
		}
	case Xz:
		s.Exact, err = walkXz(r, fileSize)
	case Gzip:
		var b [4]byte
		_, err = r.ReadAt(b[:], max(fileSize-4, 0))
		s = Size{Exact: -1, most: -1, gzip: true, last: binary.LittleEndian.Uint32(b[:])}
	case Bzip2:
		s.Exact = -1
	}
	return f, s, err
}

// MayExceed tells whether an image that has at least so many bytes could have
// more than room, for all that its file says. A gzip file says its size modulo
// 4 GiB. A bzip2 file says nothing, and unpacking one takes as long as writing a
// card: one that takes at least twice the room that it must have is trusted.
func (s Size) MayExceed(room, least int64) bool {
	switch {
	case s.Exact >= 0:
		return s.Exact > room
	case s.most >= 0:
		return s.most > room
	case s.gzip:
		may := least>>32<<32 + int64(s.last)
		if may < least {
			may += 1 << 32
		}
		return may > room
	}
	return 2*least > room
}

// OtherError is a file that is not unpacked here, but by another program.
type OtherError struct {
	Err     error
	Program string // and its flags; it unpacks to its output
}

func (e *OtherError) Error() string { return e.Err.Error() }
func (e *OtherError) Unwrap() error { return e.Err }

// tooWide is an image that asks for more than maxWindow; size is bytes.
func tooWide(size int64, program string) error {
	return &OtherError{fmt.Errorf("unpacking it needs %d MiB of memory at once", size>>20), program}
}

// BehindError is a packed image behind which something is.
type BehindError struct {
	At   int64 // where the image ends, in bytes
	size int64 // of the file
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("after the compressed image, which ends at byte %d, there are %d bytes that are not part of it", e.At, e.size-e.At)
}

func cutShort(format string, a ...any) error {
	return fmt.Errorf("it is cut short or damaged: "+format, a...)
}

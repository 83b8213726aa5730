// Package image opens SD images, plain or packed with zstd (RFC 8878), gzip
// (RFC 1952) or bzip2, and looks at their partition table before anything is
// written.
package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

// Image is an opened image; reading gives it unpacked.
type Image struct {
	file *os.File
	zstd *zstd.Decoder
	r    *bufio.Reader
	size int64
	mbr  MBR
}

// Error is an image that cannot be used, and why.
type Error struct {
	Path string
	Err  error
	Todo []string
}

func (e *Error) Error() string   { return "The image " + e.Path + " cannot be used: " + e.Err.Error() }
func (e *Error) Unwrap() error   { return e.Err }
func (e *Error) Hints() []string { return e.Todo }

// maxWindow is how much memory a packed image may ask for. nixpkgs stays far
// below it.
const maxWindow = 1 << 27

// foreign are the signatures of packings that are not undone here, and what
// undoes them: nothing in the standard library does.
var foreign = []struct{ magic, name, undo string }{
	{"\xfd7zXZ\x00", "xz", "xz -dk"},
	{"PK\x03\x04", "zip", "unzip"},
}

// Open opens an image and refuses what is no SD image for a Pi.
func Open(path string) (*Image, error) {
	fail := func(err error, todo ...string) (*Image, error) {
		if len(todo) == 0 {
			todo = []string{"Build it again with: piwiz build HOST"}
		}
		return nil, &Error{path, err, todo}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(errors.New("there is no such image"))
	}
	if err != nil {
		return fail(err)
	}
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		_ = f.Close()
		return fail(errors.Join(errors.New("this is a folder, not an image"), err))
	}
	i := &Image{file: f}
	if err := i.start(st.Size()); err != nil {
		_ = i.Close()
		var e *Error
		if errors.As(err, &e) {
			return fail(e.Err, e.Todo...)
		}
		return fail(err)
	}
	return i, nil
}

// start finds out what the file is and reads the first sector.
func (i *Image) start(fileSize int64) error {
	i.size = fileSize
	if err := i.Rewind(); err != nil {
		return err
	}
	sector, err := i.r.Peek(512)
	if err != nil {
		return errors.New("it is empty, cut short or damaged")
	}
	if i.mbr, err = ParseMBR(sector); err != nil {
		return err
	}
	return i.mbr.check(i.size)
}

// Rewind goes back to the first byte, of the same file even if another one
// has its name by now.
func (i *Image) Rewind() error {
	if _, err := i.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(i.file, 1<<18)
	head, _ := in.Peek(zstd.HeaderMaxSize) // a short file has a short head
	for _, p := range foreign {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return &Error{"", fmt.Errorf("this is packed with %s, which piwiz cannot undo", p.name), []string{fmt.Sprintf("Unpack it first: %s %s", p.undo, i.file.Name())}}
		}
	}
	src, err := i.unpack(in, head)
	i.r = bufio.NewReaderSize(src, 4096) // larger reads pass it by
	return err
}

func (i *Image) unpack(in *bufio.Reader, head []byte) (io.Reader, error) {
	var h zstd.Header
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		i.size = -1 // its trailer counts modulo 4 GiB
		r, err := gzip.NewReader(in)
		if err != nil {
			return in, fmt.Errorf("unpack it: %w", err)
		}
		return r, nil
	case bytes.HasPrefix(head, []byte("BZh")):
		i.size = -1
		return bzip2.NewReader(in), nil
	case h.Decode(head) != nil:
		return in, nil
	}
	i.size = -1
	if h.HasFCS && h.FrameContentSize < 1<<60 {
		i.size = int64(h.FrameContentSize)
	}
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

// Read reads the unpacked image. A packed one that was cut gives
// io.ErrUnexpectedEOF.
func (i *Image) Read(p []byte) (int, error) { return i.r.Read(p) }

// Size is the size unpacked, in bytes; -1 when it is not known beforehand.
func (i *Image) Size() int64 { return i.size }

// MBR is the partition table.
func (i *Image) MBR() MBR { return i.mbr }

// Close closes the file.
func (i *Image) Close() error {
	if i.zstd != nil {
		i.zstd.Close()
	}
	return i.file.Close()
}

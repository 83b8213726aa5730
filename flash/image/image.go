// Package image opens SD images, plain or packed with zstd (RFC 8878), xz (The
// .xz File Format 1.2.1), gzip (RFC 1952) or bzip2, and looks at their
// partition table before anything is written.
package image

import (
	"bufio"
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
	sum  *sum
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

// Open opens an image and refuses what is no SD image for a Pi. Its SHA-256, in
// hexadecimal, is checked while it is read to its end; "" is the one that a file
// beside it with the name path.sha256 says, if there is one.
func Open(path, sha256 string) (*Image, error) {
	fail := func(err error, todo ...string) (*Image, error) {
		if len(todo) == 0 {
			todo = []string{"Build it again with: piwiz build HOST"}
		}
		return nil, &Error{path, err, todo}
	}
	known, err := findSum(path, sha256)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(errors.New("there is no such image"))
	}
	if err != nil {
		return fail(err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = errors.New("this is a folder, not an image")
	}
	if err != nil {
		_ = f.Close()
		return fail(err)
	}
	i := &Image{file: f, sum: known}
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
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty, cut short or damaged")
	}
	if err != nil {
		return fmt.Errorf("it cannot be read or unpacked: %w", err)
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
	src, err := i.unpack(bufio.NewReaderSize(i.sum.over(i.file), 1<<18))
	i.r = bufio.NewReaderSize(src, 4096) // larger reads pass it by
	return err
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

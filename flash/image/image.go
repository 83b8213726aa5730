// Package image opens SD images, plain or packed with zstd (RFC 8878), and
// looks at their partition table before anything is written.
package image

import (
	"bufio"
	"encoding/binary"
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
	r    io.Reader
	size int64
	mbr  MBR
}

// Error is an image that cannot be used, and why.
type Error struct {
	Path string
	Err  error
	Todo []string
}

func (e *Error) Error() string   { return e.Path + ": " + e.Err.Error() }
func (e *Error) Unwrap() error   { return e.Err }
func (e *Error) Hints() []string { return e.Todo }

// maxWindow is how much memory a packed image may ask for. nixpkgs stays far
// below it.
const maxWindow = 1 << 27

// packers are the signatures of other packings, and how they are undone.
var packers = []struct{ magic, name, undo string }{
	{"\xfd7zXZ\x00", "xz", "xz -d"},
	{"\x1f\x8b", "gzip", "gzip -d"},
	{"BZh", "bzip2", "bzip2 -d"},
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

// start finds out what the file is and reads the first sector, which is
// handed out again by Read.
func (i *Image) start(fileSize int64) error {
	in := bufio.NewReaderSize(i.file, 1<<20)
	head, _ := in.Peek(zstd.HeaderMaxSize) // a short file has a short head
	for _, p := range packers {
		if len(head) > len(p.magic) && string(head[:len(p.magic)]) == p.magic {
			return &Error{"", fmt.Errorf("this is packed with %s", p.name), []string{fmt.Sprintf("Unpack it first: %s %s", p.undo, i.file.Name())}}
		}
	}
	var src io.Reader = in
	i.size = fileSize
	var h zstd.Header
	if h.Decode(head) == nil {
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("unpack it: %w", err)
		}
		i.zstd, src, i.size = d, d, -1
		if h.HasFCS && h.FrameContentSize < 1<<60 {
			i.size = int64(h.FrameContentSize)
		}
	}
	out := bufio.NewReaderSize(src, 4096)
	sector, err := out.Peek(512)
	if err != nil {
		return errors.New("it is empty, cut short or damaged")
	}
	i.r = out
	if i.mbr, err = ParseMBR(sector); err != nil {
		return err
	}
	return i.mbr.check(i.size)
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

// Partition is one entry of the table; Start and Size are bytes.
type Partition struct {
	Start, Size int64
	Type        byte
	Bootable    bool
}

// MBR is the partition table in the first sector of a disk (Microsoft, "Basic
// disk: MBR"; all numbers are little-endian counts of 512-byte sectors).
type MBR struct{ Partitions [4]Partition }

// ParseMBR reads a first sector.
func ParseMBR(sector []byte) (MBR, error) {
	var m MBR
	if len(sector) < 512 || sector[510] != 0x55 || sector[511] != 0xaa {
		return m, errors.New("this is not an SD image: it has no partition table")
	}
	for i := range m.Partitions {
		e := sector[446+16*i:]
		if e[4] != 0 {
			m.Partitions[i] = Partition{
				Start: int64(binary.LittleEndian.Uint32(e[8:])) * 512, Size: int64(binary.LittleEndian.Uint32(e[12:])) * 512,
				Type: e[4], Bootable: e[0] == 0x80,
			}
		}
	}
	return m, nil
}

// Boot is the FAT partition that the Pi starts from.
func (m MBR) Boot() (Partition, bool) {
	for _, p := range m.Partitions {
		switch p.Type {
		case 0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e:
			return p, true
		}
	}
	return Partition{}, false
}

// check makes sure that the table fits the image.
func (m MBR) check(size int64) error {
	boot, ok := m.Boot()
	if !ok || boot.Size == 0 || boot.Start == 0 {
		return errors.New("this is not an SD image for a Pi: it has no FAT partition to start from")
	}
	for i, p := range m.Partitions {
		if p.Type == 0 {
			continue
		}
		if size >= 0 && p.Start+p.Size > size {
			return fmt.Errorf("it is cut short: partition %d ends at byte %d, the image at %d", i+1, p.Start+p.Size, size)
		}
		for _, o := range m.Partitions[:i] {
			if o.Type != 0 && p.Start < o.Start+o.Size && o.Start < p.Start+p.Size {
				return errors.New("its partitions overlap, so the table is damaged")
			}
		}
	}
	return nil
}

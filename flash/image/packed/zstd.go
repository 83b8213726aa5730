package packed

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// frames is what the frames of a zstd file say together, in bytes.
type frames struct {
	size int64 // unpacked; -1 when one of them does not say it
	most int64 // unpacked, at most
}

// Constants of RFC 8878.
const (
	maxBlock  = 128 << 10 // Block_Maximum_Size, unpacked
	rawBlock  = 0
	rleBlock  = 1
	badBlock  = 3 // reserved
	tooLarge  = 1 << 60
	readAhead = 8 << 20 // how far the file is fetched before it is asked for
)

// walkZstd goes from frame to frame and block to block without unpacking any,
// because each says how long it is (RFC 8878, 3.1.1.2). It reads a few bytes in
// a hundred thousand.
func walkZstd(r io.ReaderAt, fileSize int64) (frames, error) {
	w := zstdWalk{r: r, end: fileSize}
	for w.at < w.end {
		if err := w.frame(); err != nil {
			return frames{}, err
		}
	}
	if w.unknown {
		return frames{-1, w.most}, nil
	}
	return frames{w.size, w.size}, nil
}

// errDictionary is a file that says it was compressed with a dictionary. One packed
// with --no-dictID does not say it, and looks damaged.
var errDictionary = &OtherError{errors.New("it was compressed with a dictionary, which piwiz does not have"), Zstd.Program + " -D DICTIONARY"}

type zstdWalk struct {
	r          io.ReaderAt
	at, end    int64 // where it is in the file, and where that ends
	asked      int64 // up to where the file is fetched
	size, most int64
	unknown    bool // a frame does not say its size
}

// read reads the next bytes, fewer at the end of the file.
func (w *zstdWalk) read(b []byte) ([]byte, error) {
	if f, ok := w.r.(interface{ Fd() uintptr }); ok && w.at+readAhead/2 > w.asked {
		w.asked = w.at + readAhead
		_ = unix.Fadvise(int(f.Fd()), w.at, readAhead, unix.FADV_WILLNEED) // only a hint
	}
	n, err := w.r.ReadAt(b, w.at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

func (w *zstdWalk) frame() error {
	began := w.at
	b, err := w.read(make([]byte, zstd.HeaderMaxSize))
	if err != nil {
		return err
	}
	var h zstd.Header
	switch err := h.Decode(b); {
	case errors.Is(err, io.ErrUnexpectedEOF) && (began == 0 || Of(b) == Zstd):
		return cutShort("the file ends within the header of a frame")
	case errors.Is(err, zstd.ErrMagicMismatch) || errors.Is(err, io.ErrUnexpectedEOF):
		return &BehindError{began, w.end}
	case err != nil:
		return cutShort("the frame at byte %d: %w", began, err)
	case h.Skippable:
		w.at += int64(h.HeaderSize) + int64(h.SkippableSize)
		return w.within()
	case h.DictionaryID != 0:
		return errDictionary
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	if window > maxWindow {
		return tooWide(int64(min(window, tooLarge)), Zstd.Program+" --long=31")
	}
	w.at += int64(h.HeaderSize)
	most, err := w.blocks(int64(min(window, maxBlock)))
	if err != nil {
		return err
	}
	if h.HasCheckSum {
		w.at += 4
	}
	if h.HasFCS {
		if h.FrameContentSize > tooLarge {
			return cutShort("the frame at byte %d says that it has %d bytes", began, h.FrameContentSize)
		}
		most = int64(h.FrameContentSize)
		w.size += most
	} else {
		w.unknown = true
	}
	if w.most += most; w.most > tooLarge {
		return cutShort("its frames say that they have %d bytes", w.most)
	}
	return w.within()
}

// blocks goes behind the last block of a frame, and says how much all of them
// can hold when each holds at most so much.
func (w *zstdWalk) blocks(each int64) (most int64, err error) {
	var b [3]byte
	for {
		got, err := w.read(b[:])
		if err != nil {
			return 0, err
		}
		if len(got) < len(b) {
			return 0, cutShort("the file ends within a frame")
		}
		head := binary.LittleEndian.Uint32(append(got[:3:3], 0))
		size, kind := int64(head>>3), head>>1&3
		w.at += 3
		switch kind {
		case badBlock:
			return 0, cutShort("there is no block at byte %d", w.at-3)
		case rleBlock:
			most, w.at = most+size, w.at+1
		case rawBlock:
			most, w.at = most+size, w.at+size
		default:
			most, w.at = most+each, w.at+size
		}
		if err := w.within(); err != nil || head&1 == 1 {
			return most, err
		}
	}
}

func (w *zstdWalk) within() error {
	if w.at > w.end {
		return cutShort("the file ends at byte %d, within a part that ends at %d", w.end, w.at)
	}
	return nil
}

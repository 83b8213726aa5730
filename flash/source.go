package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"piwiz/flash/bootfs"
	"piwiz/flash/disk"
	"piwiz/flash/image"
)

// maxBoot is the largest firmware partition that is edited, in bytes. Only
// what is not zero in it takes memory, for a moment.
const maxBoot = 256 << 20

// source gives the image as it shall be on the card, from its first byte on,
// as often as it is asked to.
type source struct {
	path    string
	img     *image.Image
	patches []bootfs.Patch // offsets from the start of the image
	first   []byte         // the first block, which is written last
}

// openSource opens the image and finds out what the host's files change.
func openSource(job Job) (*source, error) {
	img, err := image.Open(job.Image)
	if err != nil {
		return nil, err
	}
	s := &source{path: job.Image, img: img}
	if err := s.prepare(job); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) prepare(job Job) error {
	if size := s.least(); size > job.CardSize {
		return tooSmall(size, job.CardSize)
	}
	boot, _ := s.img.MBR().Boot() // Open refused an image without one
	if boot.Start < block || boot.Size > maxBoot {
		return &Error{What: fmt.Sprintf("The firmware partition of %s has %s, or begins too early: piwiz cannot handle that", s.path, disk.Human(boot.Size)), Offset: -1, Todo: []string{"Build the image again with a smaller sdImage.firmwareSize."}}
	}
	var err error
	if s.first, err = memory(block); err != nil {
		return err
	}
	volume, err := memory(int(boot.Size))
	if err != nil {
		return err
	}
	defer unix.Munmap(volume)
	if _, err := io.ReadFull(s.img, s.first); err != nil {
		return s.broken(err)
	}
	if _, err := io.CopyN(io.Discard, s.img, boot.Start-block); err != nil {
		return s.broken(err)
	}
	if err := fillSparse(volume, s.img); err != nil {
		return s.broken(err)
	}
	if s.patches, err = bootfs.Changes(volume, job.Files, job.When); err != nil {
		return unpatched(err)
	}
	for i := range s.patches {
		s.patches[i].Offset += boot.Start
	}
	return nil
}

func (s *source) close() {
	_ = s.img.Close() // it was only read
	if s.first != nil {
		_ = unix.Munmap(s.first)
	}
}

// least is how long the image is, or must be when that is not known, in bytes.
func (s *source) least() int64 { return max(s.img.Size(), s.img.MBR().End()) }

// fillSparse leaves memory alone where the image is zero, so that it stays
// unused.
func fillSparse(to []byte, from io.Reader) error {
	b := make([]byte, 16*block)
	for len(to) > 0 {
		n := min(len(to), len(b))
		if _, err := io.ReadFull(from, b[:n]); err != nil {
			return err
		}
		if !isZero(b[:n]) {
			copy(to, b[:n])
		}
		to = to[n:]
	}
	return nil
}

func isZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}

func (s *source) broken(err error) error { return damaged(s.path, err) }

// chunk is a part of the image in memory, or why there is none. The first
// block of the image is zero in it.
type chunk struct {
	data []byte
	off  int64
	err  error
}

// stream reads chunks ahead into the buffers it finds in free, so that
// decoding costs no time while the card is the limit. It ends with ctx, and
// closes the channel when it uses no buffer any more.
func (s *source) stream(ctx context.Context, free <-chan []byte) <-chan chunk {
	out := make(chan chunk)
	go func() {
		defer close(out)
		err := s.img.Rewind()
		for off := int64(0); ; off += chunkSize {
			var b []byte
			select {
			case b = <-free:
			case <-ctx.Done():
				return
			}
			n := 0
			if err == nil {
				n, err = fill(b, s.img)
			}
			c := chunk{data: b[:(n+block-1)/block*block], off: off}
			clear(b[n:len(c.data)])
			s.patch(c)
			if err != nil && !errors.Is(err, io.EOF) {
				c.err = s.broken(err)
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// fill reads until b is full. io.ReadFull will not do: its unexpected end and
// that of a decoder whose input was cut look the same.
func fill(b []byte, src io.Reader) (int, error) {
	n := 0
	for n < len(b) {
		m, err := src.Read(b[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *source) patch(c chunk) {
	for _, p := range s.patches {
		end := p.Offset + int64(len(p.Data))
		if from, to := max(p.Offset, c.off), min(end, c.off+int64(len(c.data))); from < to {
			copy(c.data[from-c.off:to-c.off], p.Data[from-p.Offset:])
		}
	}
	if c.off == 0 {
		clear(c.data[:min(block, len(c.data))])
	}
}

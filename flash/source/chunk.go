package source

import (
	"errors"
	"fmt"
	"io"
)

// Chunk is a part of the image in memory, Off bytes from its start. The first
// block of the image is Unfinished in it.
type Chunk struct {
	Data []byte
	Off  int64
}

// Rewind makes Next begin with the first byte.
func (s *Source) Rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.over = 0, nil
	if err := s.img.Rewind(); err != nil {
		s.over = s.ended(err)
	}
}

// Next reads the next chunk into b, whole blocks but where the card ends within
// one; the error is io.EOF after the last one. Several may call it at once: while one decodes, the others
// have something to do with theirs.
func (s *Source) Next(b []byte) (Chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		return Chunk{}, s.over
	}
	n, err := fill(b, s.img)
	if s.next+int64(n) > s.room {
		s.over = s.cannot(fmt.Errorf("it is larger than the card, which has %d bytes", s.room), "Use a larger card.")
		return Chunk{}, s.over
	}
	// A card may end within a block, and the image with it.
	whole := min(int64(n+Block-1)/Block*Block, s.room-s.next)
	c := Chunk{Data: b[:whole], Off: s.next}
	s.next += int64(n)
	if err != nil {
		s.over = s.ended(err)
		if n == 0 || s.over != io.EOF {
			return Chunk{}, s.over
		}
	}
	clear(b[n:len(c.Data)])
	s.patch(c)
	return c, nil
}

// ended is io.EOF where the image may end, and what is wrong elsewhere: it may
// have been cut since it was opened.
func (s *Source) ended(err error) error {
	if errors.Is(err, io.EOF) {
		if s.next >= s.Least() {
			return io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	return s.broken(err)
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

func (s *Source) patch(c Chunk) {
	for _, p := range s.patches {
		end := p.Offset + int64(len(p.Data))
		if from, to := max(p.Offset, c.Off), min(end, c.Off+int64(len(c.Data))); from < to {
			copy(c.Data[from-c.Off:to-c.Off], p.Data[from-p.Offset:])
		}
	}
	if c.Off == 0 {
		copy(c.Data, Unfinished())
	}
}

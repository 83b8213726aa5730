// Package source gives an image as it will be on the card: unpacked, with the
// host's own files on its firmware partition, and with a table that gives the last
// partition the room of the card, where that is asked for.
//
// Only the first block knows that room: it is the one that is written last, so all
// that compares a card with an image compares it with First. How long the image is
// stays as it was: what is behind it is part of the last partition then, and still
// not of the image.
package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"piwiz/flash/bootfs"
	"piwiz/flash/device"
	"piwiz/flash/disk"
	"piwiz/flash/fault"
	"piwiz/flash/image"
)

// Block is what the image is padded to, in bytes.
const Block = device.Block

// Unfinished is what stands in the place of the first block as long as a card
// is not finished: nothing that boots, and for those who look, why.
func Unfinished() []byte {
	b := make([]byte, Block)
	copy(b[disk.MarkAt:], disk.Mark)
	return b
}

// Source gives the image as it will be on the card, from its first byte on,
// as often as it is asked to.
type Source struct {
	from    image.From
	room    int64 // bytes on the card
	img     *image.Image
	patches []bootfs.Patch // offsets from the start of the image
	first   [Block]byte
	table   image.MBR // as it will be on the card

	mu   sync.Mutex
	next int64 // where the next chunk begins
	over error // what ended the image, its end too
}

// Open opens an image for a card with so many bytes of room, and finds out what
// the host's files change; their time is when. An image that does not fit is
// *TooLarge, as early as that can be known (image.MayExceed).
func Open(ctx context.Context, from image.From, room int64, files []bootfs.File, when time.Time) (*Source, error) {
	img, err := image.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	s := &Source{from: from, room: room, img: img, table: img.MBR()}
	err = s.fits(ctx)
	if err == nil {
		err = s.prepare(files, when)
	}
	if err == nil && from.Grow {
		err = s.grow()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// TooLarge is an image that does not fit onto its card.
type TooLarge struct {
	Image, Card int64 // bytes
	fault.Todo
}

func (e *TooLarge) Error() string {
	if disk.Human(e.Image) == disk.Human(e.Card) {
		return fmt.Sprintf("The card is too small: the image has %d bytes, the card %d", e.Image, e.Card)
	}
	return fmt.Sprintf("The card is too small: the image has %s, the card %s", disk.Human(e.Image), disk.Human(e.Card))
}

// fits makes sure that the card is large enough. An image that may be too large
// is unpacked once for that.
func (s *Source) fits(ctx context.Context) error {
	if s.Least() <= s.room && s.img.MayExceed(s.room) {
		if err := s.img.Count(ctx); err != nil {
			return s.broken(err)
		}
		if err := s.img.Rewind(); err != nil {
			return s.broken(err)
		}
	}
	if s.Least() > s.room {
		return &TooLarge{s.Least(), s.room, fault.Todo{"Use a larger card."}}
	}
	return nil
}

func (s *Source) prepare(files []bootfs.File, when time.Time) error {
	boot, _ := s.img.MBR().Boot() // Open refused an image without one
	if boot.Start < Block {
		return s.cannot(errors.New("its firmware partition begins too early, within the first 4096 bytes"), s.from.Remedy())
	}
	if _, err := io.ReadFull(s.img, s.first[:]); err != nil {
		return s.broken(err)
	}
	if _, err := io.CopyN(io.Discard, s.img, boot.Start-Block); err != nil {
		return s.broken(err)
	}
	volume, err := bootfs.Load(s.img, boot.Size)
	if err != nil {
		return s.broken(err)
	}
	defer volume.Close()
	for {
		s.patches, err = volume.Changes(files, when)
		if !errors.Is(err, bootfs.ErrIncomplete) {
			break
		}
		// One of its folders goes on in front of where it begins.
		if err := s.goTo(boot.Start); err != nil {
			return s.broken(err)
		}
		if err := volume.LoadMore(s.img); err != nil {
			return s.broken(err)
		}
	}
	if err != nil {
		return s.unpatched(err)
	}
	for i := range s.patches {
		s.patches[i].Offset += boot.Start
	}
	return nil
}

// grow gives the last partition the room of the card, if the table is one of NixOS.
// Its file system must have room in it, as it must in one that is not grown.
func (s *Source) grow() (err error) {
	var grown bool
	if s.table, grown, err = image.Grow(s.first[:], s.room); err != nil || !grown {
		return err
	}
	root := s.table.Partitions[1]
	if err := s.goTo(root.Start); err != nil {
		return s.broken(err)
	}
	size, err := image.ExtSize(s.img)
	if err != nil {
		return s.broken(err)
	}
	if size > root.Size {
		return s.cannot(fmt.Errorf("its root file system has %s, and the card has room for %s of it", disk.Human(size), disk.Human(root.Size)), "Use a larger card. "+s.from.Remedy())
	}
	return nil
}

// goTo makes the image be read on from a byte.
func (s *Source) goTo(at int64) error {
	if err := s.img.Rewind(); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, s.img, at)
	return err
}

// Close closes the image.
func (s *Source) Close() { _ = s.img.Close() } // it was only read

// First is the first block, which is written last.
func (s *Source) First() []byte { return s.first[:] }

// Least is how long the image is, or must be when that is not known, in bytes.
func (s *Source) Least() int64 { return max(s.img.Size(), s.img.MBR().End()) }

// Table is the partition table as it will be on the card.
func (s *Source) Table() image.MBR { return s.table }

// Place names the part of the card that a byte is in.
func (s *Source) Place(off int64) string {
	for i, p := range s.table.Partitions {
		if p.Size > 0 && off >= p.Start && off < p.Start+p.Size {
			return [...]string{"the FIRMWARE partition", "the root partition", "partition 3", "partition 4"}[i]
		}
	}
	if off >= s.Least() {
		return "the space after the image"
	}
	return "the space before the partitions"
}

// IsZero tells whether all of b is zero.
func IsZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}

func (s *Source) cannot(err error, todo string) error {
	return &image.Error{Path: s.from.Path, Err: err, Todo: []string{todo}}
}

func (s *Source) broken(err error) error {
	var known *image.Error
	if errors.As(err, &known) {
		return known
	}
	return s.cannot(fmt.Errorf("it is damaged or incomplete: %w", err), s.from.Remedy())
}

// unpatched is a firmware partition that does not take the host's files. The
// editor knows best what to do.
func (s *Source) unpatched(err error) error {
	todo := s.from.Remedy()
	if known, ok := errors.AsType[fault.Told](err); ok {
		todo = strings.Join(known.Hints(), " ")
	}
	return s.cannot(fmt.Errorf("the host's files do not fit onto its firmware partition: %w", err), todo)
}

// Package flash writes an image to a card and proves it.
//
// The image is decoded as it is read, its FIRMWARE partition is completed
// with the host's own files in memory, and the pieces are written past the
// page cache. Everything is read back and compared before the first piece is
// written, so a card that is not finished does not boot. It knows no Nix.
package flash

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/bootfs"
	"piwiz/flash/disk"
	"piwiz/flash/image"
)

// Card is an opened card. Reads and writes are whole pieces at multiples of
// the piece size, from page-aligned memory, as O_DIRECT asks (open(2)).
type Card interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// Job is what to write where.
type Job struct {
	Image    string // path, .img or .img.zst
	Card     Card
	CardSize int64         // bytes
	Files    []bootfs.File // for the FIRMWARE partition
	When     time.Time     // the time stamp of these files
}

// Stage is a part of the work.
type Stage int

// The stages in order.
const (
	Writing Stage = iota
	Verifying
	Finishing
)

func (s Stage) String() string {
	return [...]string{"writing", "verifying", "finishing"}[s]
}

// Progress counts bytes that the card has taken or given. Rate is in bytes a
// second, Left is -1 while it is not known, Stalled is how long the card has
// not answered, from ten seconds on.
type Progress struct {
	Stage       Stage
	Done, Total int64
	Rate        float64
	Left        time.Duration
	Stalled     time.Duration
}

// Result is a card that was written and read back.
type Result struct {
	Bytes                 int64
	Took                  time.Duration
	WriteRate, VerifyRate float64 // bytes a second
}

// piece is the size of one request: cards are fastest with 1 to 4 MiB.
const piece = 4 << 20

// maxBoot is the largest part in front of the root partition that is held in
// memory, gap and FIRMWARE partition together.
const maxBoot = 48 << 20

// Write writes the image and reads it back. It returns within two seconds of
// ctx's end even when a request hangs in the kernel. After any error the first
// block of the card is zero: it does not boot.
func Write(ctx context.Context, job Job, report func(Progress)) (Result, error) {
	img, err := image.Open(job.Image)
	if err != nil {
		return Result{}, err
	}
	defer img.Close()
	if size := img.Size(); size > job.CardSize {
		return Result{}, tooSmall(size, job.CardSize)
	}
	boot, _ := img.MBR().Boot() // Open refused an image without one
	if end := boot.Start + boot.Size; end > maxBoot {
		return Result{}, fmt.Errorf("the firmware partition of %s is larger than piwiz can handle (%s)", job.Image, disk.Human(boot.Size))
	}
	front := make([]byte, boot.Start+boot.Size)
	if _, err := io.ReadFull(img, front); err != nil {
		return Result{}, broken(job.Image, err)
	}
	if err := bootfs.Put(front[boot.Start:], job.Files, job.When); err != nil {
		return Result{}, fmt.Errorf("put the host's files on the firmware partition: %w", err)
	}
	w := &writer{job: job, img: img, front: front, meter: newMeter(img.Size()), parts: img.MBR()}
	return w.guard(ctx, report)
}

func tooSmall(image, card int64) error {
	return &Error{Op: "write", Offset: -1, Err: fmt.Errorf("the card is too small: the image has %s, the card %s", disk.Human(image), disk.Human(card)), Todo: []string{"Use a larger card; nothing was written."}}
}

func broken(path string, err error) error {
	return &Error{Op: "read the image", Offset: -1, Err: fmt.Errorf("%s is damaged or not complete: %w", path, err), Todo: []string{"Build the image again; the card does not boot until it is written again."}}
}

// writer is one run. Only its own goroutine touches the card.
type writer struct {
	job    Job
	img    *image.Image
	front  []byte
	parts  image.MBR
	meter  *meter
	hashes [][sha256.Size]byte
	first  []byte // the first piece, written last
	size   int64  // bytes on the card, whole pieces
}

// guard runs the work beside a monitor, because a request can hang in the
// kernel for minutes and cannot be interrupted.
func (w *writer) guard(ctx context.Context, report func(Progress)) (Result, error) {
	type end struct {
		r   Result
		err error
	}
	done := make(chan end, 1)
	go func() {
		r, err := w.work(ctx)
		done <- end{r, err}
	}()
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	var hung <-chan time.Time
	stopping := ctx.Done()
	for {
		select {
		case e := <-done:
			if report != nil {
				report(w.meter.sample(time.Now()))
			}
			return e.r, e.err
		case <-beat.C:
			if report != nil {
				report(w.meter.sample(time.Now()))
			}
		case <-stopping:
			stopping = nil
			hung = time.After(1500 * time.Millisecond)
		case <-hung:
			return Result{}, w.cancelled(ctx)
		}
	}
}

func (w *writer) cancelled(ctx context.Context) error {
	return &Error{Op: "write the card", Offset: -1, Err: ctx.Err(), Todo: []string{"The card is not finished and does not boot. Start again to write it anew."}}
}

// work is the whole act: erase the first block, write all but the first
// piece, read that back, then write the first piece and read it back.
func (w *writer) work(ctx context.Context) (Result, error) {
	began := time.Now()
	buf, err := unix.Mmap(-1, 0, piece, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return Result{}, fmt.Errorf("get memory for writing: %w", err)
	}
	defer unix.Munmap(buf)
	if err := w.put(buf[:blockSize], 0); err != nil {
		return Result{}, err
	}
	if err := w.write(ctx, buf); err != nil {
		return Result{}, err
	}
	wrote := time.Now()
	w.meter.stage(Verifying, w.size)
	for i := 1; i < len(w.hashes); i++ {
		if err := w.verify(ctx, buf, i); err != nil {
			return Result{}, err
		}
	}
	read := time.Now()
	w.meter.stage(Finishing, piece)
	copy(buf, w.first)
	if err := errors.Join(w.put(buf[:len(w.first)], 0), w.sync()); err != nil {
		return Result{}, err
	}
	if err := w.verify(ctx, buf, 0); err != nil {
		clear(buf)
		_ = w.put(buf[:blockSize], 0) // it must not boot; the error says that it failed
		return Result{}, err
	}
	return Result{w.size, time.Since(began), rate(w.size, wrote.Sub(began)), rate(w.size, read.Sub(wrote))}, nil
}

func rate(bytes int64, d time.Duration) float64 {
	return float64(bytes) / max(d.Seconds(), 1e-9)
}

// blockSize is the largest sector of cards and disks; requests are multiples.
const blockSize = 4096

func (w *writer) put(b []byte, off int64) error {
	n, err := w.job.Card.WriteAt(b, off)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return w.cardError("write", off, err)
	}
	return nil
}

func (w *writer) sync() error {
	if err := w.job.Card.Sync(); err != nil {
		return w.cardError("finish writing", -1, err)
	}
	return nil
}

// write writes every piece but the first, which it keeps.
func (w *writer) write(ctx context.Context, buf []byte) error {
	pieces, stop := w.decode(ctx)
	defer stop()
	for i := int64(0); ; i++ {
		p, ok := <-pieces
		if !ok {
			break
		}
		if p.err != nil {
			return p.err
		}
		if i*piece+int64(len(p.data)) > w.job.CardSize {
			return tooSmall(i*piece+int64(len(p.data)), w.job.CardSize)
		}
		if ctx.Err() != nil {
			return w.cancelled(ctx)
		}
		w.hashes = append(w.hashes, sha256.Sum256(p.data))
		w.size = i*piece + int64(len(p.data))
		if i == 0 {
			w.first = p.data
			continue
		}
		copy(buf, p.data)
		if err := w.put(buf[:len(p.data)], i*piece); err != nil {
			return err
		}
		w.meter.add(int64(len(p.data)))
	}
	if ctx.Err() != nil {
		return w.cancelled(ctx)
	}
	return w.sync()
}

// verify reads one piece past every cache and compares it.
func (w *writer) verify(ctx context.Context, buf []byte, i int) error {
	if ctx.Err() != nil {
		return w.cancelled(ctx)
	}
	off := int64(i) * piece
	b := buf[:min(piece, w.size-off)]
	if n, err := w.job.Card.ReadAt(b, off); n < len(b) {
		return w.cardError("read back", off, err)
	}
	w.meter.add(int64(len(b)))
	if sha256.Sum256(b) != w.hashes[i] {
		return &Error{Op: "read back", Offset: off, Partition: w.partition(off), Err: errMismatch, Todo: []string{
			"The card or the reader is worn out or lies about its size. Try once more; if it fails again, use another card.",
		}}
	}
	return nil
}

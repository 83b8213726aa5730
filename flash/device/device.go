// Package device asks a card for reads and writes, measures them, finds the
// place where one fails, and says in words what that means.
package device

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Block is what requests are multiples of, in bytes: the largest sector of
// cards.
const Block = 4096

// Card is an opened card. Reads and writes are whole blocks at multiples of
// that, but where the card ends within one, from page-aligned memory, as
// O_DIRECT asks (open(2)). A card that is
// an io.Seeker as well can tell whether it is still there.
type Card interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// Device makes the requests.
type Device struct {
	card    Card
	took    func(write bool, bytes int, d time.Duration)
	place   func(off int64) string
	touched atomic.Bool // something was written

	mu     sync.Mutex
	flying int       // requests under way
	last   time.Time // when the card last answered, or was asked after a rest

	aside sync.Mutex
	page  []byte // to see whether the card is still there
}

// New is a device that tells took how long each request was, and asks place
// for the name of the part an offset is in. It needs a block of memory for
// itself.
func New(card Card, page []byte, place func(off int64) string, took func(write bool, bytes int, d time.Duration)) *Device {
	return &Device{card: card, page: page, place: place, took: took}
}

func (d *Device) asks() (began time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	began = time.Now()
	if d.flying++; d.flying == 1 {
		d.last = began
	}
	return began
}

// answers comes back with what a request has cost. With two under way the
// card serves them in turn, so it is the time since the one before it was
// answered.
func (d *Device) answers(began time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flying--
	if d.last.After(began) {
		began = d.last
	}
	d.last = time.Now()
	return d.last.Sub(began)
}

// Waiting is how long the card has not answered though it was asked.
func (d *Device) Waiting(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.flying == 0 {
		return 0
	}
	return now.Sub(d.last)
}

func (d *Device) ask(write bool, bytes int, do func() (int, error)) error {
	began := d.asks()
	n, err := do()
	took := d.answers(began)
	if n == bytes {
		d.took(write, bytes, took)
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Write writes; the card may keep it in its memory for a while.
func (d *Device) Write(b []byte, off int64) error {
	d.touched.Store(true)
	return d.ask(true, len(b), func() (int, error) { return d.card.WriteAt(b, off) })
}

// Read reads past every cache.
func (d *Device) Read(b []byte, off int64) error {
	return d.ask(false, len(b), func() (int, error) { return d.card.ReadAt(b, off) })
}

// WriteNow writes and lets nothing of it stay in the card's memory.
func (d *Device) WriteNow(b []byte, off int64) error {
	if err := d.Write(b, off); err != nil {
		return err
	}
	return d.Sync()
}

// Sync returns when the card has taken everything.
func (d *Device) Sync() error {
	began := d.asks()
	defer d.answers(began)
	return d.card.Sync()
}

// Touched tells whether something was written, if only tried.
func (d *Device) Touched() bool { return d.touched.Load() }

// Narrow finds out where in b a request fails, by ever smaller ones; step is
// the size of the first. When none of them fails the trouble has passed, and
// the request is done.
func Narrow(do func(b []byte, off int64) error, b []byte, off int64, step int) (int64, error) {
	for at := 0; at < len(b); at += step {
		part := b[at:min(at+step, len(b))]
		err := do(part, off+int64(at))
		if err != nil && step > Block && !Gone(err) {
			var where int64
			if where, err = Narrow(do, part, off+int64(at), step/16); err != nil {
				return where, err
			}
		}
		if err != nil {
			return off + int64(at), err
		}
	}
	return 0, nil
}

// WriteAgain writes, and on a fault once more in steps of that many bytes: to pass
// it, then again is true, or to name its place in the error, which is for people.
func (d *Device) WriteAgain(b []byte, off int64, step int) (again bool, err error) {
	if len(b) == 0 {
		return false, nil
	}
	if err = d.Write(b, off); err == nil {
		return false, nil
	}
	if !Gone(err) {
		off, err = Narrow(d.Write, b, off, step)
	}
	if err != nil {
		return false, d.Fault("write", off, err)
	}
	return true, nil
}

// empty tells whether the card's size is zero by now: its reader is gone.
func (d *Device) empty() bool {
	s, ok := d.card.(io.Seeker)
	if !ok {
		return false
	}
	size, err := s.Seek(0, io.SeekEnd)
	return err == nil && size == 0
}

// Silent tells whether even the first block cannot be read.
func (d *Device) Silent() bool {
	d.aside.Lock()
	defer d.aside.Unlock()
	return d.Read(d.page, 0) != nil
}

// Differs is where two slices of one length begin to.
func Differs(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// Place names the part of the card that a byte is in.
func (d *Device) Place(off int64) string { return d.place(off) }

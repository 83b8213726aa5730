package flash

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/plan"
	"piwiz/flash/source"
)

const (
	// block is what requests are multiples of.
	block = source.Block
	// piece is what is compared, hashed and decided about.
	piece = plan.Piece
	// chunkSize is the largest request: cards are fastest with 1 to 4 MiB.
	chunkSize = 4 << 20
)

// Card is an opened card. Reads and writes are whole blocks of 4096 bytes at
// multiples of that, from page-aligned memory, as O_DIRECT asks (open(2)). A
// card that is an io.Seeker as well can tell whether it is still there. One
// that has Memory() []byte is asked with buffers from there only.
type Card interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// device makes the requests, and measures them.
type device struct {
	card  Card
	meter *meter
	plan  *plan.Plan
	mu    sync.Mutex
	free  time.Time // when the card became free after the last request
	aside sync.Mutex
	page  []byte // one block, to see whether the card is still there
}

// ask makes one request. With two under way the card serves them in turn, so
// a request costs the time since the one before it was answered.
func (d *device) ask(write bool, bytes int, do func() (int, error)) error {
	d.meter.asks()
	began := time.Now()
	n, err := do()
	d.meter.answers()
	d.mu.Lock()
	if d.free.After(began) {
		began = d.free
	}
	d.free = time.Now()
	took := d.free.Sub(began)
	d.mu.Unlock()
	if n == bytes {
		if bytes >= piece { // small ones say nothing about the rate
			d.plan.Took(write, bytes, took)
		}
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (d *device) write(b []byte, off int64) error {
	return d.ask(true, len(b), func() (int, error) { return d.card.WriteAt(b, off) })
}

func (d *device) read(b []byte, off int64) error {
	return d.ask(false, len(b), func() (int, error) { return d.card.ReadAt(b, off) })
}

// writeNow writes and lets nothing of it stay in the card's memory.
func (d *device) writeNow(b []byte, off int64) error {
	return errors.Join(d.write(b, off), d.sync())
}

func (d *device) sync() error {
	d.meter.asks()
	defer d.meter.answers()
	return d.card.Sync()
}

// narrow finds out where in b a request fails, by ever smaller ones; step is
// the size of the first. When none of them fails the trouble has passed, and
// the request is done.
func narrow(do func(b []byte, off int64) error, b []byte, off int64, step int) (int64, error) {
	for at := 0; at < len(b); at += step {
		part := b[at:min(at+step, len(b))]
		err := do(part, off+int64(at))
		if err != nil && step > block && !gone(err) {
			var where int64
			if where, err = narrow(do, part, off+int64(at), step/16); err != nil {
				return where, err
			}
		}
		if err != nil {
			return off + int64(at), err
		}
	}
	return 0, nil
}

// gone tells errors after which asking again is of no use.
func gone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOMEDIUM) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EPERM)
}

// empty tells whether the card's size is zero by now: its reader is gone.
func (d *device) empty() bool {
	s, ok := d.card.(io.Seeker)
	if !ok {
		return false
	}
	size, err := s.Seek(0, io.SeekEnd)
	return err == nil && size == 0
}

// silent tells whether even the first block cannot be read.
func (d *device) silent() bool {
	d.aside.Lock()
	defer d.aside.Unlock()
	return d.read(d.page, 0) != nil
}

// memory gets page-aligned memory that the collector does not count; it is
// all zero.
func memory(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("get memory: %w", err)
	}
	return b, nil
}

package device

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// card answers every request with err, but can read its first block; or it
// cannot, when it is pulled.
type card struct {
	err    error
	from   int64 // where that begins
	pulled bool
	size   int64
	pause  time.Duration
}

func (c *card) do(b []byte, off int64) (int, error) {
	time.Sleep(c.pause)
	if c.err != nil && (off+int64(len(b)) > c.from || c.pulled) {
		return 0, c.err
	}
	return len(b), nil
}

func (c *card) ReadAt(b []byte, off int64) (int, error)  { return c.do(b, off) }
func (c *card) WriteAt(b []byte, off int64) (int, error) { return c.do(b, off) }
func (c *card) Sync() error                              { return c.err }
func (c *card) Seek(int64, int) (int64, error)           { return c.size, nil }

func newDevice(c Card) *Device {
	return New(c, make([]byte, Block), func(off int64) string { return fmt.Sprintf("part %d", off>>20) }, func(bool, int, time.Duration) {})
}

func TestEachErrorOfTheKernelHasItsMeaning(t *testing.T) {
	const at = 5 << 20
	for _, c := range []struct {
		card card
		want string
	}{
		{card{err: unix.ENODEV}, "unplugged"},
		{card{err: unix.ENXIO}, "unplugged"},
		{card{err: unix.ENOSPC}, "unplugged"},
		{card{err: io.ErrUnexpectedEOF}, "unplugged"},
		{card{err: unix.ENOSPC, size: 1 << 30}, "smaller than it claims"},
		{card{err: unix.ENOMEDIUM}, "taken out of the reader"},
		{card{err: unix.EROFS}, "locked itself"},
		{card{err: unix.EPERM}, "locked itself"},
		{card{err: unix.EIO}, "bad block"},
		{card{err: unix.EIO, pulled: true}, "taken out, or no longer answers"},
		{card{err: unix.ETIMEDOUT}, "cannot be used"},
	} {
		c.card.from = at
		d := newDevice(&c.card)
		err := d.Read(make([]byte, Block), at)
		var e *Error
		if !errors.As(d.Fault("read", at, err), &e) || !errors.Is(e, c.card.err) {
			t.Fatalf("%v became %v", err, e)
		}
		if todo := strings.Join(e.Hints(), " "); !strings.Contains(e.Error(), c.want) || !strings.HasSuffix(e.Error(), "at byte 5242880 in part 5 (read: "+c.card.err.Error()+")") || !strings.HasSuffix(todo, "Nothing was written to the card.") {
			t.Errorf("%v, which means %q: %v; %s", c.card.err, c.want, e, todo)
		}
		_ = d.Write(make([]byte, Block), at) // it fails, but may have begun
		if errors.As(d.Fault("write", at, err), &e); !strings.HasSuffix(strings.Join(e.Hints(), " "), "the card does not boot.") {
			t.Error(e.Hints())
		}
	}
}

func TestTheVeryBlockIsNamed(t *testing.T) {
	const off = 8 << 20
	for _, bad := range []int64{off, off + 3*Block, off + 1<<20, off + 4<<20 - Block} {
		d := newDevice(&card{err: unix.EIO, from: bad})
		if at, err := Narrow(d.Write, make([]byte, 4<<20), off, 1<<20); at != bad || !errors.Is(err, unix.EIO) {
			t.Errorf("at %d, %v; it is at %d", at, err, bad)
		}
	}
	if _, err := Narrow(newDevice(&card{}).Write, make([]byte, 4<<20), off, 1<<20); err != nil {
		t.Error(err)
	}
}

type short struct{ card }

func (c *short) ReadAt(b []byte, _ int64) (int, error) { return len(b) / 2, io.EOF }

func TestHalfAnAnswerIsNone(t *testing.T) {
	if err := newDevice(&short{}).Read(make([]byte, Block), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestRequestsSideBySideCostWhatTheCardNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		costs := make(chan time.Duration, 2)
		d := New(&card{pause: time.Second}, nil, nil, func(_ bool, _ int, d time.Duration) { costs <- d })
		if d.Waiting(time.Now()) != 0 {
			t.Error("nothing was asked")
		}
		for range 2 {
			go d.Read(make([]byte, Block), 0)
			time.Sleep(time.Second / 4)
		}
		if w := d.Waiting(time.Now()); w != time.Second/2 {
			t.Error(w)
		}
		time.Sleep(time.Second)
		if first, second := <-costs, <-costs; first != time.Second || second != time.Second/4 || d.Waiting(time.Now()) != 0 {
			t.Error(first, second)
		}
	})
}

func TestAWriteThatFailsAndItsSyncAreOneFault(t *testing.T) {
	d := newDevice(&card{err: unix.EIO, from: 5 << 20})
	err := d.Fault("write", 5<<20, d.WriteNow(make([]byte, Block), 5<<20))
	if strings.Contains(err.Error(), "\n") || !strings.HasSuffix(err.Error(), "(write: input/output error)") {
		t.Errorf("%q", err)
	}
}

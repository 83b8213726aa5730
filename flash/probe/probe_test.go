package probe

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piwiz/flash/device"
)

// card is one of any size, of which only what was written takes memory. What
// lies behind real is in front again, or forgotten.
type card struct {
	blocks       map[int64][]byte
	claims, real int64
	forgets      bool
	pause        time.Duration
	writes       int
	spoil        int64 // this block comes back changed after the second time it was written
}

func newCard(claims, real int64) *card {
	return &card{blocks: map[int64][]byte{}, claims: claims, real: real, spoil: -1}
}

// was is what an untouched block holds.
func was(off int64) []byte { return bytes.Repeat([]byte{byte(off >> 12), byte(off >> 20)}, block/2) }

func (c *card) ReadAt(b []byte, off int64) (int, error) {
	time.Sleep(c.pause)
	if c.forgets && off >= c.real {
		clear(b)
		return len(b), nil
	}
	off %= c.real
	if copy(b, c.blocks[off]) == 0 {
		copy(b, was(off))
	}
	return len(b), nil
}

func (c *card) WriteAt(b []byte, off int64) (int, error) {
	time.Sleep(c.pause)
	if c.forgets && off >= c.real {
		return len(b), nil
	}
	c.blocks[off%c.real] = bytes.Clone(b)
	if off == c.spoil {
		if c.writes++; c.writes == 2 {
			c.blocks[off][7] ^= 1
		}
	}
	return len(b), nil
}

func (c *card) Sync() error { return nil }

func (c *card) probe() error {
	d := device.New(c, make([]byte, block), func(int64) string { return "" }, func(bool, int, time.Duration) {})
	return Run(d, c.claims, make([]byte, block), make([]byte, Memory))
}

// same wants all but the first block to be what it was.
func (c *card) same(t *testing.T) {
	t.Helper()
	for off, b := range c.blocks {
		if off == 0 && !bytes.Equal(b, make([]byte, block)) || off != 0 && !bytes.Equal(b, was(off)) {
			t.Errorf("a card of %d bytes that claims %d: %d is changed", c.real, c.claims, off)
		}
	}
}

var sizes = []int64{8 << 20, 100_000_000 / block * block, 1 << 30, 31_914_983_424, 64_000_000_000 / block * block, 1 << 40}

func TestAnHonestCardPassesAndIsLeftAsItWas(t *testing.T) {
	for _, size := range sizes {
		c := newCard(size, size)
		if err := c.probe(); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		c.same(t)
	}
}

func TestACardThatForgetsWhatIsBehindItsEndIsFound(t *testing.T) {
	for _, claims := range sizes {
		for _, real := range []int64{claims / 2, claims / 3, claims / 4, claims / 7, claims / 32, claims - 16*block} {
			c := newCard(claims, real/block*block)
			c.forgets = true
			c.isFake(t)
		}
	}
}

func TestACardThatDropsTheUpperBitsOfAnAddressIsFound(t *testing.T) {
	for _, claims := range append(sizes, 1<<30+16*block, 1<<30+1<<20) {
		for real := int64(1 << 21); real < claims; real *= 2 {
			newCard(claims, real).isFake(t)
		}
	}
}

func (c *card) isFake(t *testing.T) {
	t.Helper()
	if err := c.probe(); err == nil || !strings.Contains(err.Error(), "smaller than it says") {
		t.Errorf("%d claims %d: %v", c.real, c.claims, err)
	}
	c.same(t)
}

func TestWhatDoesNotComeBackAsItWasIsNamed(t *testing.T) {
	c := newCard(1<<30, 1<<30)
	c.spoil = 1 << 29
	var e *device.Error
	if err := c.probe(); !errors.As(err, &e) || e.Offset != 1<<29+7 {
		t.Error(err)
	}
}

func TestASlowCardTakesThreeSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(1<<40, 1<<40)
		c.pause = 25 * time.Millisecond
		began := time.Now()
		if err := c.probe(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Error(took)
		}
	})
}

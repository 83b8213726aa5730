package probe

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piwiz/flash/device"
)

// card is one of any size, of which only what was written takes memory. What
// is behind real is in front again, or forgotten.
type card struct {
	blocks       map[int64][]byte
	claims, real int64
	forgets      bool
	image        int64
	pause        time.Duration
	writes       int
	spoil        int64 // this block comes back changed after the second time it was written
	remembers    int   // bytes that were written last behind its end
	last         []int64
	memory       map[int64][]byte
}

func newCard(claims, real int64) *card {
	return &card{blocks: map[int64][]byte{}, claims: claims, real: real, spoil: -1}
}

// was is what an untouched block holds.
func was(off int64) []byte { return bytes.Repeat([]byte{byte(off >> 12), byte(off >> 20)}, block/2) }

func (c *card) ReadAt(b []byte, off int64) (int, error) {
	time.Sleep(c.pause)
	for i := 0; i < len(b); i += block {
		c.read(b[i:i+block], off+int64(i))
	}
	return len(b), nil
}

func (c *card) read(b []byte, off int64) {
	if kept := c.memory[off]; kept != nil {
		copy(b, kept)
		return
	}
	if c.forgets && off >= c.real {
		clear(b)
		return
	}
	off %= c.real
	if copy(b, c.blocks[off]) == 0 {
		copy(b, was(off))
	}
}

func (c *card) WriteAt(b []byte, off int64) (int, error) {
	time.Sleep(c.pause)
	for i := 0; i < len(b); i += block {
		c.write(b[i:i+block], off+int64(i))
	}
	return len(b), nil
}

func (c *card) write(b []byte, off int64) {
	if off >= c.real && c.remembers > 0 {
		c.memory[off] = bytes.Clone(b)
		c.last = append(c.last, off)
		if len(c.last)*block > c.remembers {
			delete(c.memory, c.last[0])
			c.last = c.last[1:]
		}
	}
	if c.forgets && off >= c.real {
		return
	}
	c.blocks[off%c.real] = bytes.Clone(b)
	if off == c.spoil {
		if c.writes++; c.writes == 2 {
			c.blocks[off][7] ^= 1
		}
	}
}

func (c *card) Sync() error { return nil }

func (c *card) probe() error {
	d := device.New(c, make([]byte, block), func(int64) string { return "" }, func(bool, int, time.Duration) {})
	_, _, err := Run(context.Background(), d, Claim{Size: c.claims, First: make([]byte, block), Image: c.image}, make([]byte, Memory), make([]byte, 1<<20))
	return err
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
	if err := c.probe(); err == nil || !strings.Contains(err.Error(), "smaller than it claims") {
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

// The image overlaps the true end, or does not; what is behind it is remembered
// for a while.
func TestACardThatRemembersWhatIsBehindItsEndIsFound(t *testing.T) {
	const claims = 96 << 20
	for _, remembers := range []int{block, 64 << 10, 1 << 20, 4 << 20, 16 << 20} {
		for _, real := range []int64{claims / 2, claims/3 + 5*block, 39<<20 + 3*block, 40<<20 - block, 41 << 20} {
			c := newCard(claims, real)
			c.forgets, c.remembers, c.memory, c.image = true, remembers, map[int64][]byte{}, 40<<20
			if err := c.probe(); err == nil || !strings.Contains(err.Error(), "smaller than it claims") {
				t.Errorf("%d bytes that remember %d: %v", real, remembers, err)
			}
		}
	}
}

func TestTheMarkOnTheLastBlockOfTheImageStays(t *testing.T) {
	c := newCard(96<<20, 96<<20)
	d := device.New(c, make([]byte, block), nil, func(bool, int, time.Duration) {})
	last, rest, err := Run(context.Background(), d, Claim{Size: c.claims, First: make([]byte, block), Image: 40 << 20}, make([]byte, Memory), make([]byte, 1<<20))
	if err != nil || rest != c.claims-Enough || !bytes.Equal(c.blocks[40<<20-block], last) {
		t.Error(err, rest)
	}
	delete(c.blocks, 40<<20-block)
	c.same(t)
}

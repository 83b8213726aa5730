package flash

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"piwiz/flash/device"
)

// lie writes the small image to a card that lies, and wants it found out.
func lie(t *testing.T, c *card, claims int, at span) {
	t.Helper()
	_, err := Write(context.Background(), job(t, small(), c, claims), nil)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%+v was believed: %v", c.lie(), err)
	}
	if !at.meets(e.Offset, 1) {
		t.Errorf("%+v: %v; the fault is in %+v", c.lie(), err, at)
	}
	if bytes.Equal(c.b[:512], small()[:512]) {
		t.Errorf("%+v could boot", c.lie())
	}
}

// rounds is how often to try at random: a twentieth, unless all is asked for.
func rounds(n int) int {
	if os.Getenv("PIWIZ_REAL") == "1" && !raced {
		return n
	}
	return n / 20
}

// lie is what is wrong with the card, to be printed.
func (c *card) lie() any {
	return struct{ Wrap, Flip, DropFrom, DropTo, BadWrite, BadRead int64 }{c.wrap, c.flip, c.drop.from, c.drop.to, c.badWrite.from, c.badRead.from}
}

func TestAFlippedBitIsFoundWhereverItIs(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	c := newCard(3 << 20)
	for range rounds(1000) {
		at := r.Int64N(5 << 19)
		copy(c.b, bytes.Repeat([]byte{0xa5}, len(c.b)))
		c.flip = at
		lie(t, c, len(c.b), span{at, at + 1})
	}
}

func TestWhatTheCardForgetsIsFoundWhereverItIs(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	want := final(t, small(), 1<<20, 64<<10)
	for range rounds(500) {
		from := block * r.Int64N(5<<19/block)
		c := newCard(3 << 20)
		c.drop = span{from, from + 1 + r.Int64N(1<<19)}
		kept := c.b[from:min(c.drop.to, 5<<19)]
		if !bytes.Equal(kept, want[from:][:len(kept)]) {
			lie(t, c, len(c.b), c.drop)
		}
	}
}

func TestABadPlaceIsNamedWhereverItIs(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 3))
	for i := range rounds(500) {
		from := block * r.Int64N(5<<19/block)
		c := newCard(3 << 20)
		bad := &c.badWrite
		if i%2 == 0 {
			bad = &c.badRead
		}
		*bad = span{from, from + block*(1+r.Int64N(32))}
		lie(t, c, len(c.b), *bad)
	}
}

func TestAFakeSizeIsFoundBeforeAnythingIsLost(t *testing.T) {
	for _, shift := range []int{1, 2, 3, 5} {
		const claims = 64 << 20
		for name, c := range map[string]*card{"counts on from the start": newCard(claims), "drops what is behind its end": newCard(claims)} {
			real := int64(claims >> shift)
			if c.drop = (span{real, claims}); strings.HasPrefix(name, "counts") {
				c.drop, c.wrap = span{}, real
			}
			before := bytes.Clone(c.b)
			_, err := Write(context.Background(), job(t, small(), c, claims), nil)
			if err == nil || !strings.Contains(err.Error(), "smaller than it claims") {
				t.Errorf("1/%d is real, it %s: %v", 1<<shift, name, err)
			}
			if !bytes.Equal(c.b, before) {
				t.Errorf("1/%d is real, it %s: changed from byte %d on", 1<<shift, name, device.Differs(c.b, before))
			}
		}
	}
}

func TestWhatTheProbePutsBackIsMadeSureOf(t *testing.T) {
	c := newCard(cardSize)
	copy(c.b, final(t, img(), 1<<20, 4<<20))
	c.b[3] ^= 1 // so that there is something to write
	times := 0
	c.seen = func(off int64, _ int) {
		if off == cardSize/2 {
			if times++; times == 2 {
				c.b[off+9] ^= 1
			}
		}
	}
	_, err := Write(context.Background(), job(t, img(), c, cardSize), nil)
	if err == nil || !strings.Contains(err.Error(), "byte 10485769 ") {
		t.Error(err)
	}
}

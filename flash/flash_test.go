package flash

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/device"
	"piwiz/flash/wipe"
)

const cardSize = 20 << 20

func TestTheCardHoldsTheImageAndTheHostsFiles(t *testing.T) {
	for name, data := range map[string][]byte{"plain": img(), "zstd": pack(t, img())} {
		t.Run(name, func(t *testing.T) {
			c := newCard(cardSize)
			var last Progress
			r, err := Write(context.Background(), job(t, data, c, cardSize), func(p Progress) {
				if p.Stage < last.Stage || p.Stage == last.Stage && p.Done < last.Done || p.Read < last.Read || p.Written < last.Written || p.Skipped < last.Skipped || p.Verified < last.Verified {
					t.Errorf("progress went back from %+v to %+v", last, p)
				}
				last = p
			})
			if err != nil {
				t.Fatal(err)
			}
			want := final(t, img(), 1<<20, 4<<20)
			if !bytes.Equal(c.b[:len(want)], want) {
				t.Errorf("the card differs from byte %d on", device.Differs(c.b, want))
			}
			behind := newCard(cardSize).b[len(want):]
			clear(behind[:wipe.Margin])
			clear(behind[len(behind)-wipe.Margin:])
			if !bytes.Equal(c.b[len(want):], behind) {
				t.Error("the space after the image was changed, or what could be a signature is there")
			}
			if r.Bytes != int64(len(want)) || r.Written+r.Skipped != r.Bytes || r.Verified < r.Written || r.Counts != last.Counts {
				t.Errorf("%+v after %+v", r, last)
			}
		})
	}
}

func TestTheSameImageAgainIsReadAndNotWritten(t *testing.T) {
	synctest.Test(t, theSameAgain) // this computer takes no time, so it pays to look first
}

func theSameAgain(t *testing.T) {
	c := newCard(cardSize)
	j := job(t, img(), c, cardSize)
	if _, err := Write(context.Background(), j, nil); err != nil {
		t.Fatal(err)
	}
	asked := 0
	c.slow, c.seen = time.Millisecond, func(int64, int) { asked++ }
	r, err := Write(context.Background(), j, nil)
	if err != nil || asked != 0 || r.Written != 0 || r.Skipped != r.Bytes || r.Verified != 0 {
		t.Errorf("%v, %d writes, %+v", err, asked, r)
	}
	c.b[12<<20+77] ^= 1
	r, err = Write(context.Background(), j, nil)
	if want := final(t, img(), 1<<20, 4<<20); err != nil || r.Written != 1<<20 || !bytes.Equal(c.b[:len(want)], want) {
		t.Errorf("one changed byte: %v, %+v", err, r)
	}
}

func TestTheZerosOfABlankCardAreNotWritten(t *testing.T) {
	c := newCard(cardSize)
	clear(c.b)
	r, err := Write(context.Background(), job(t, img(), c, cardSize), nil)
	if err != nil || r.Skipped < 2<<20 {
		t.Errorf("%v, %+v", err, r)
	}
	for _, s := range c.written {
		if s.meets(9<<20, 2<<20) {
			t.Errorf("zeros were written: %+v", s)
		}
	}
}

func TestAFailedCardDoesNotBootAndSaysWhere(t *testing.T) {
	cut := pack(t, img())
	for name, c := range map[string]struct {
		data  []byte
		card  func(*card)
		words string
	}{
		"bad block":        {img(), func(c *card) { c.badWrite = span{12<<20 + 9000, 12<<20 + 9001} }, "bad block|byte 12591104|root"},
		"unreadable":       {img(), func(c *card) { c.badRead = span{12<<20 + 9000, 12<<20 + 9001} }, "bad block|byte 12591104|verify"},
		"reader pulled":    {img(), func(c *card) { c.badWrite, c.err = span{5 << 20, 6 << 20}, unix.ENODEV }, "The card reader was unplugged"},
		"card pulled":      {img(), func(c *card) { c.badWrite, c.badRead, c.after = span{0, cardSize}, span{0, cardSize}, 6 }, "taken out"},
		"no medium":        {img(), func(c *card) { c.badWrite, c.err = span{5 << 20, 6 << 20}, unix.ENOMEDIUM }, "taken out of the reader"},
		"switch":           {img(), func(c *card) { c.badWrite, c.err = span{5 << 20, 6 << 20}, unix.EROFS }, "locked"},
		"no space":         {img(), func(c *card) { c.badWrite, c.err = span{12 << 20, 14 << 20}, unix.ENOSPC }, "smaller than it claims"},
		"flipped bit":      {img(), func(c *card) { c.flip = 12<<20 + 5 }, "does not return|byte 12582917|root"},
		"in the firmware":  {img(), func(c *card) { c.flip = 3<<20 + 7 }, "does not return|FIRMWARE"},
		"in the first":     {img(), func(c *card) { c.flip = 100 }, "does not return|byte 100 in|before the partitions"},
		"image damaged":    {cut[:len(cut)-2000], func(*card) {}, "damaged"},
		"forgets a little": {img(), func(c *card) { c.drop = span{7 << 20, 7<<20 + 1} }, "does not return|byte 7340032"},
		"forgets a lot":    {img(), func(c *card) { c.drop = span{6 << 20, 13 << 20} }, "does not return"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newCard(cardSize)
			c.card(k)
			_, err := Write(context.Background(), job(t, c.data, k, cardSize), nil)
			if err == nil {
				t.Fatal("success was reported")
			}
			for w := range strings.SplitSeq(c.words, "|") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if bytes.Equal(k.b[:512], img()[:512]) {
				t.Error("the card could boot half written")
			}
			if first := err.Error()[0]; first != 'T' && first != '/' {
				t.Errorf("%q is no sentence", err)
			}
			var e interface{ Hints() []string }
			if !errors.As(err, &e) || len(e.Hints()) == 0 {
				t.Error("nothing to do is named")
			}
		})
	}
}

func TestAnImageWithAnotherSumDoesNotBecomeACardThatBoots(t *testing.T) {
	c := newCard(cardSize)
	j := job(t, img(), c, cardSize)
	j.Image.SHA256 = strings.Repeat("0", 64)
	_, err := Write(context.Background(), j, nil)
	var e interface{ Hints() []string }
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "SHA-256") || !strings.Contains(strings.Join(e.Hints(), " "), "does not boot") {
		t.Error(err)
	}
	if !bytes.Equal(c.b[:512], make([]byte, 512)) {
		t.Error("the card could boot")
	}
}

func TestAFaultThatPassesIsMended(t *testing.T) {
	for name, fault := range map[string]func(*card){
		"write": func(c *card) { c.badWrite = span{11<<20 + 9000, 11<<20 + 9001} },
		"read":  func(c *card) { c.badRead = span{11<<20 + 9000, 11<<20 + 9001} },
		"bit":   func(c *card) { c.flip = 12<<20 + 5 },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCard(cardSize)
			fault(c)
			c.once, c.fresh, c.after = true, true, 1 // behind the probe
			r, err := Write(context.Background(), job(t, img(), c, cardSize), nil)
			if want := final(t, img(), 1<<20, 4<<20); err != nil || (r.Rewritten == 0) != (name == "read") || !bytes.Equal(c.b[:len(want)], want) {
				t.Errorf("%v, %+v", err, r)
			}
		})
	}
}

func TestATooSmallCardIsRefusedBeforeTheFirstWrite(t *testing.T) {
	c := newCard(8 << 20)
	_, err := Write(context.Background(), job(t, img(), c, 8<<20), nil)
	if err == nil || !strings.Contains(err.Error(), "too small") || c.asked != 0 {
		t.Errorf("%v after %d requests", err, c.asked)
	}
}

func TestCancelReturnsThoughTheCardHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(cardSize)
		c.hang = make(chan struct{})
		defer close(c.hang)
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		began := time.Now()
		_, err := Write(ctx, job(t, img(), c, cardSize), nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestCancelBeforeTheFirstWriteSaysThatNothingIsLost(t *testing.T) {
	c := newCard(cardSize)
	j := job(t, img(), c, cardSize)
	if _, err := Write(context.Background(), j, nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err := Write(ctx, j, nil)
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, context.Canceled) || !strings.Contains(strings.Join(e.Hints(), " "), "Nothing was written") {
		t.Errorf("%v %+v", err, e)
	}
}

// The clock of the test is not the computer's, so the minutes take no time.
func TestACardThatHangsIsSaidSoAndMayGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(cardSize)
		c.hang = make(chan struct{})
		time.AfterFunc(70*time.Second, func() { close(c.hang) })
		began := time.Now()
		said := map[string]time.Duration{}
		if _, err := Write(t.Context(), job(t, img(), c, cardSize), func(p Progress) {
			for _, word := range []string{"has not answered", "may go on by itself", "try another USB port"} {
				if strings.Contains(p.Stall(), word) {
					said[word] = time.Since(began).Round(time.Second)
				}
			}
		}); err != nil {
			t.Error(err)
		}
		// The last moment at which each was said.
		want := map[string]time.Duration{"has not answered": 70 * time.Second, "may go on by itself": 60 * time.Second, "try another USB port": 70 * time.Second}
		if !maps.Equal(said, want) {
			t.Error(said)
		}
	})
}

// What a power cut or a kill leaves behind at any moment is what the card
// holds after some write, so all of them are checked.
func TestTheCardCannotBootAfterAnyWriteButTheLast(t *testing.T) {
	want := final(t, img(), 1<<20, 4<<20)
	zero := make([]byte, 512)
	for name, prepare := range map[string]func(c *card){
		"junk":  func(*card) {},
		"blank": func(c *card) { clear(c.b) },
		"same but for a piece": func(c *card) {
			copy(c.b, want)
			clear(c.b[7<<20 : 8<<20])
		},
		"same but for the first block": func(c *card) {
			copy(c.b, want)
			c.b[3] ^= 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCard(cardSize)
			prepare(c)
			writes := 0
			c.seen = func(off int64, n int) {
				writes++
				done := bytes.Equal(c.b[:len(want)], want)
				if !done && !bytes.Equal(c.b[:512], zero) {
					t.Fatalf("write %d, at %d, left a card that could boot", writes, off)
				}
				if !done && n > block && !bytes.HasPrefix(c.b[512:], []byte("unfinished piwiz card")) {
					t.Fatalf("write %d, at %d, left a card that does not say what it is", writes, off)
				}
			}
			if _, err := Write(context.Background(), job(t, img(), c, cardSize), nil); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(c.b[:len(want)], want) || writes < 3 {
				t.Errorf("not the image after %d writes", writes)
			}
		})
	}
}

func TestAFirmwarePartitionOf64MiBIsWritten(t *testing.T) {
	data := withTable(make([]byte, 70<<20), 2048, 0xfff0, 2048) // the largest size in 16 bits
	c := newCard(72 << 20)
	r, err := Write(context.Background(), job(t, data, c, len(c.b)), nil)
	if err != nil || r.Bytes != int64(len(data)) {
		t.Fatalf("%+v, %v", r, err)
	}
	if want := final(t, data, 1<<20, 0xfff0<<9); !bytes.Equal(c.b[:len(want)], want) {
		t.Errorf("the card differs from byte %d on", device.Differs(c.b, want))
	}
}

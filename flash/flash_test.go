package flash

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"piwiz/flash/bootfs"
)

// card is a card in memory with faults.
type card struct {
	b       []byte
	failAt  int64 // writes at this offset fail with err
	err     error
	flip    int64 // this byte reads back changed, from then on
	hang    chan struct{}
	written int
}

func newCard(size int) *card {
	c := &card{b: bytes.Repeat([]byte{0xa5}, size), failAt: -1, flip: -1}
	return c
}

func (c *card) WriteAt(p []byte, off int64) (int, error) {
	if len(p)%512 != 0 || off%512 != 0 {
		return 0, unix.EINVAL
	}
	if c.hang != nil && off > 0 {
		<-c.hang
	}
	if c.failAt >= 0 && off <= c.failAt && c.failAt < off+int64(len(p)) {
		return 0, c.err
	}
	c.written++
	return copy(c.b[off:], p), nil
}

func (c *card) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, c.b[off:])
	if c.flip >= off && c.flip < off+int64(n) {
		p[c.flip-off] ^= 1
	}
	return n, nil
}

func (c *card) Sync() error { return nil }

// img is an image with a FAT16 volume of 4 MiB at 1 MiB and 8 MiB behind it.
func img() []byte {
	b := make([]byte, 13<<20+1536)
	for i := range b {
		b[i] = byte(i>>9) ^ byte(i)
	}
	clear(b[440:510])
	part := func(i int, kind byte, start, size uint32) {
		e := b[446+16*i:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], size)
	}
	part(0, 0x0b, 2048, 8192)
	part(1, 0x83, 10240, 16384)
	b[510], b[511] = 0x55, 0xaa
	v := b[1<<20 : 5<<20]
	clear(v)
	le := binary.LittleEndian
	le.PutUint16(v[11:], 512)
	v[13], v[16] = 1, 2
	le.PutUint16(v[14:], 1)
	le.PutUint16(v[17:], 512)
	le.PutUint16(v[19:], 8192)
	le.PutUint16(v[22:], 32)
	v[510], v[511] = 0x55, 0xaa
	return b
}

func job(t testing.TB, data []byte, c *card) Job {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bach.img")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Job{Image: path, Card: c, CardSize: int64(len(c.b)), Files: []bootfs.File{{Path: "piwiz/wireless.conf", Data: []byte("psk_00=x\n")}}, When: time.Unix(1.8e9, 0)}
}

func pack(t *testing.T, b []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.EncodeAll(b, nil)
}

func TestTheCardHoldsTheImageAndTheHostsFiles(t *testing.T) {
	for name, data := range map[string][]byte{"plain": img(), "zstd": pack(t, img())} {
		t.Run(name, func(t *testing.T) {
			c := newCard(20 << 20)
			var last Progress
			r, err := Write(context.Background(), job(t, data, c), func(p Progress) {
				if p.Stage < last.Stage || p.Stage == last.Stage && p.Done < last.Done {
					t.Errorf("progress went back from %+v to %+v", last, p)
				}
				last = p
			})
			if err != nil {
				t.Fatal(err)
			}
			want := img()
			got, err := bootfs.Get(c.b[1<<20:5<<20], "piwiz/wireless.conf")
			if err != nil || string(got) != "psk_00=x\n" {
				t.Errorf("%q, %v", got, err)
			}
			if !bytes.Equal(c.b[:1<<20], want[:1<<20]) || !bytes.Equal(c.b[5<<20:len(want)], want[5<<20:]) {
				t.Error("the rest is not the image")
			}
			if end := int(r.Bytes); end != 13<<20+4096 || c.b[end] != 0xa5 {
				t.Errorf("%d bytes were written", end)
			}
		})
	}
}

func TestAFailedCardDoesNotBootAndSaysWhere(t *testing.T) {
	cut := pack(t, img())
	for name, c := range map[string]struct {
		data  []byte
		card  func(*card)
		words string
	}{
		"bad place":     {img(), func(c *card) { c.failAt, c.err = 9<<20, unix.EIO }, "bad place|byte 8388608|root"},
		"pulled":        {img(), func(c *card) { c.failAt, c.err = 5<<20, unix.ENODEV }, "taken out"},
		"flipped bit":   {img(), func(c *card) { c.flip = 12<<20 + 5 }, "give back|byte 12582912"},
		"in the front":  {img(), func(c *card) { c.flip = 100 }, "give back|before the partitions"},
		"image damaged": {cut[:len(cut)-2000], func(*card) {}, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newCard(20 << 20)
			c.card(k)
			_, err := Write(context.Background(), job(t, c.data, k), nil)
			if err == nil {
				t.Fatal("success was reported")
			}
			for w := range strings.SplitSeq(c.words, "|") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if !bytes.Equal(k.b[:512], make([]byte, 512)) {
				t.Error("the card could boot half written")
			}
			var e *Error
			if errors.As(err, &e) && len(e.Hints()) == 0 {
				t.Error("nothing to do is named")
			}
		})
	}
}

func TestATooSmallCardIsRefusedBeforeTheFirstWrite(t *testing.T) {
	c := newCard(8 << 20)
	_, err := Write(context.Background(), job(t, img(), c), nil)
	if err == nil || !strings.Contains(err.Error(), "too small") || c.written != 0 {
		t.Errorf("%v after %d writes", err, c.written)
	}
}

func TestCancelReturnsThoughTheCardHangs(t *testing.T) {
	c := newCard(20 << 20)
	c.hang = make(chan struct{})
	defer close(c.hang)
	ctx, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err := Write(ctx, job(t, img(), c), nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestAStallIsSeen(t *testing.T) {
	m := newMeter(100)
	m.add(10)
	if p := m.sample(m.last.Add(9 * time.Second)); p.Stalled != 0 {
		t.Error(p)
	}
	if p := m.sample(m.last.Add(11 * time.Second)); p.Stalled != 11*time.Second {
		t.Error(p)
	}
}

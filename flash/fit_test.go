package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/flash/source"
)

// sectors is a card in memory that takes what a card with sectors of 512 bytes
// takes: whole blocks, and at its end what is left of one.
type sectors struct {
	b      []byte
	writes atomic.Int64
}

func (s *sectors) bad(p []byte, off int64) bool {
	end := off + int64(len(p))
	return off%block != 0 || len(p)%512 != 0 || len(p)%block != 0 && end != int64(len(s.b)) || end > int64(len(s.b))
}

func (s *sectors) WriteAt(p []byte, off int64) (int, error) {
	s.writes.Add(1)
	if s.bad(p, off) {
		return 0, unix.EINVAL
	}
	return copy(s.b[off:], p), nil
}

func (s *sectors) ReadAt(p []byte, off int64) (int, error) {
	if s.bad(p, off) {
		return 0, io.EOF
	}
	return copy(p, s.b[off:]), nil
}

func (s *sectors) Sync() error { return nil }

// On a card that is as large as the image, or a sector larger, in whatever
// sectors, it is written to the byte; on one that is a sector smaller nothing is.
func TestAnImageThatFitsToTheByteIsWrittenToTheByte(t *testing.T) {
	lengths := []int{5 << 19, 5<<19 + 1, 5<<19 + 512, 5<<19 + 3584, 3<<20 + 511}
	if os.Getenv("PIWIZ_REAL") == "1" {
		lengths = append(lengths, 5<<19+511, 5<<19+4095, 3<<20-512, 3<<20+512, 4<<20, 4<<20+512)
	}
	packings := map[string]func(*testing.T, []byte) []byte{
		"plain": func(_ *testing.T, b []byte) []byte { return b }, "zstd": pack, "gzip": gzipped, "zstd without a size": streamed,
	}
	for name, packed := range packings {
		for _, n := range lengths {
			data := append(small(), bytes.Repeat([]byte{0x5a}, n-len(small()))...)
			image := packed(t, data)
			room := (n + 511) / 512 * 512
			for _, size := range []int{room, room + 512} {
				c := &sectors{b: bytes.Repeat([]byte{0xa5}, size)}
				_, err := Write(context.Background(), job(t, image, c, size), nil)
				if want := final(t, data, 1<<20, 64<<10)[:min(size, (n+block-1)/block*block)]; err != nil || !bytes.Equal(c.b[:len(want)], want) {
					t.Errorf("%s, %d bytes on %d: %v", name, n, size, err)
				}
			}
			c := &sectors{b: bytes.Repeat([]byte{0xa5}, room-512)}
			_, err := Write(context.Background(), job(t, image, c, room-512), nil)
			var e *source.TooLarge
			if !errors.As(err, &e) || !strings.Contains(err.Error(), fmt.Sprint("the card ", room-512)) && !strings.Contains(err.Error(), "iB") || len(e.Hints()) == 0 || c.writes.Load() != 0 {
				t.Errorf("%s, %d bytes on %d: %v after %d writes", name, n, room-512, err, c.writes.Load())
			}
		}
	}
}

// What says nothing of its size, and is trusted, is named where the card ends,
// and the card does not boot.
func TestAnImageOfUnknownSizeThatDoesNotFitLeavesACardThatDoesNotBoot(t *testing.T) {
	data := append(small(), make([]byte, 4<<20)...)
	c := newCard(5 << 20)
	_, err := Write(context.Background(), job(t, packedBy(t, data, "bzip2"), c, 5<<20), nil)
	if err == nil || !strings.Contains(err.Error(), "larger than the card") || !strings.Contains(hints(err), "larger card") || !strings.Contains(hints(err), "does not boot") {
		t.Errorf("%v %s", err, hints(err))
	}
	if bytes.Equal(c.b[:512], small()[:512]) {
		t.Error("the card could boot")
	}
}

// hints is what an error says that is to be done.
func hints(err error) string {
	var e interface{ Hints() []string }
	if errors.As(err, &e) {
		return strings.Join(e.Hints(), " ")
	}
	return ""
}

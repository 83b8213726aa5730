package seen

import (
	"bytes"
	"hash/maphash"
	"testing"

	"piwiz/flash/device"
)

func TestABlockIsCountedAsOftenAsItIsThere(t *testing.T) {
	seed := maphash.MakeSeed()
	sum := func(b []byte) uint64 { return maphash.Bytes(seed, b) }
	of := func(c byte) []byte { return bytes.Repeat([]byte{c}, device.Block) }
	s := New(sum, 0)
	s.Add(bytes.Join([][]byte{of(1), of(2), of(0), of(1)}, nil))
	s.Add(of(3))
	for c, want := range map[byte]int{1: 2, 2: 1, 3: 1, 4: 0, 0: 0} {
		if got := s.Count(sum(of(c))); got != want || s.Has(of(c)) != (want > 0) {
			t.Errorf("block %d: %d times, want %d", c, got, want)
		}
	}
	if s.Unique(append(of(1), of(0)...)) || !s.Unique(append(of(1), of(2)...)) {
		t.Error("a piece is unique by one block that is there once")
	}
}

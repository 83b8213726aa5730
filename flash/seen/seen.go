// Package seen remembers what the blocks of an image or a card hold, so that it
// can be told whether there is another one like them.
package seen

import (
	"slices"
	"sync"

	"piwiz/flash/device"
	"piwiz/flash/source"
)

// Blocks is what blocks hold, as sums: two mebibytes for each gibibyte. Blocks that
// are all zero are skipped.
type Blocks struct {
	sum func([]byte) uint64

	mu   sync.Mutex
	sums []uint64
	done bool // no more will come; they are sorted
}

// New is that of about so many blocks. What sum comes back with must be another
// one for blocks that differ.
func New(sum func([]byte) uint64, blocks int64) *Blocks {
	return &Blocks{sum: sum, sums: make([]uint64, 0, blocks)}
}

// Add adds whole blocks.
func (s *Blocks) Add(b []byte) {
	sums := make([]uint64, 0, len(b)/device.Block+1)
	for one := range slices.Chunk(b, device.Block) {
		if !source.IsZero(one) {
			sums = append(sums, s.sum(one))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sums = append(s.sums, sums...)
}

// Count is how many of the blocks have this sum; more is possible in one of 2^64
// cases. All was added before.
func (s *Blocks) Count(sum uint64) int {
	if !s.done {
		slices.Sort(s.sums)
		s.done = true
	}
	at, _ := slices.BinarySearch(s.sums, sum)
	n := 0
	for at+n < len(s.sums) && s.sums[at+n] == sum {
		n++
	}
	return n
}

// Unique tells whether some block of a piece is nowhere else in the image.
func (s *Blocks) Unique(piece []byte) bool {
	for b := range slices.Chunk(piece, device.Block) {
		if !source.IsZero(b) && s.Count(s.sum(b)) == 1 {
			return true
		}
	}
	return false
}

// Has tells whether there is a block like this one, which is not zero.
func (s *Blocks) Has(block []byte) bool { return !source.IsZero(block) && s.Count(s.sum(block)) > 0 }

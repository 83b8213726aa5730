package flash

import (
	"slices"
	"sync"

	"piwiz/flash/source"
)

// seen is what blocks hold, as sums: two mebibytes for each gibibyte. Blocks that
// are all zero are skipped.
type seen struct {
	sum func([]byte) uint64

	mu   sync.Mutex
	sums []uint64
	done bool // no more will come; they are sorted
}

func (s *seen) add(b []byte) {
	sums := make([]uint64, 0, len(b)/block+1)
	for one := range slices.Chunk(b, block) {
		if !source.IsZero(one) {
			sums = append(sums, s.sum(one))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sums = append(s.sums, sums...)
}

// count is how many of the blocks have this sum; more is possible in one of 2^64
// cases. All was added before.
func (s *seen) count(sum uint64) int {
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

// unique tells whether some block of a piece is nowhere else in the image.
func (s *seen) unique(piece []byte) bool {
	for b := range slices.Chunk(piece, block) {
		if !source.IsZero(b) && s.count(s.sum(b)) == 1 {
			return true
		}
	}
	return false
}

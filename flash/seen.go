package flash

import (
	"slices"
	"sync"

	"piwiz/flash/source"
)

// seen is what the blocks of the image hold, as sums: two mebibytes for each
// gibibyte of it. Blocks that are all zero are left out.
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

// count is how many blocks of the image equal b, which is not zero; more is
// possible in one of 2^64 cases. All of the image was added before.
func (s *seen) count(b []byte) int {
	if !s.done {
		slices.Sort(s.sums)
		s.done = true
	}
	sum := s.sum(b)
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
		if !source.IsZero(b) && s.count(b) == 1 {
			return true
		}
	}
	return false
}

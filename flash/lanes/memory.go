package lanes

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Memory begins at a page, as O_DIRECT asks for it (open(2)), and is handed out
// from its start.
type Memory []byte

// Map gets memory that the collector does not count; it is all zero. Unmap gives
// it back.
func Map(size int) (m Memory, unmap func(), err error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, fmt.Errorf("get memory: %w", err)
	}
	return b, func() { _ = unix.Munmap(b) }, nil
}

// Cut hands out the next n bytes.
func (m *Memory) Cut(n int) []byte {
	b := (*m)[:n:n]
	*m = (*m)[n:]
	return b
}

package bootfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// Volume is a FAT volume of which only the tables and the folders are in memory:
// what a file holds is not needed to put others beside it. So it may be as large
// as FAT can be.
type Volume struct {
	b      []byte
	loaded map[uint32]bool // clusters that are in b
	wanted map[uint32]bool // and those that must be, to go on
}

// ErrIncomplete is a folder that was not in memory: LoadMore, then try again.
var ErrIncomplete = errors.New("a folder of the volume was not read")

// Load reads a volume of size bytes. It must be closed.
func Load(src io.Reader, size int64) (*Volume, error) {
	if size < 512 || int64(int(size)) != size {
		return nil, errCorrupt
	}
	// Memory that the collector does not count, and that is used only where
	// something is written to it.
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("get memory for a partition of %d bytes: %w", size, err)
	}
	p := &Volume{b: b, loaded: map[uint32]bool{}, wanted: map[uint32]bool{}}
	if err := p.LoadMore(src); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close gives the memory back.
func (p *Volume) Close() { _ = unix.Munmap(p.b) }

// LoadMore reads the volume once more, from its first byte, for the folders that
// were missing.
func (p *Volume) LoadMore(src io.Reader) error {
	if _, err := io.ReadFull(src, p.b[:512]); err != nil {
		return err
	}
	v, err := open(p.b)
	if err != nil {
		return err
	}
	if err := fillSparse(p.b[512:v.dataOff], src); err != nil {
		return err
	}
	if v.bits == 32 {
		p.want(v, v.root)
	}
	step := make([]byte, max(1, (1<<16)/v.cluster)*v.cluster)
	for c, end := uint32(2), uint32(v.clusters)+2; c < end; {
		n := min(int(end-c), len(step)/v.cluster) * v.cluster
		if _, err := io.ReadFull(src, step[:n]); err != nil {
			return err
		}
		for part := step[:n]; len(part) > 0; part, c = part[v.cluster:], c+1 {
			if isFolder(part) {
				p.want(v, c)
			}
			if p.wanted[c] {
				copy(v.data(c), part[:v.cluster])
				p.loaded[c] = true
			}
		}
	}
	return nil
}

// want asks for a folder and for all clusters it goes on in. One that is damaged
// is an error where it is used.
func (p *Volume) want(v *volume, first uint32) {
	chain, _ := v.chain(first)
	for _, c := range chain {
		p.wanted[c] = true
	}
}

// isFolder tells whether a cluster is the first of a folder that is not the root:
// it begins with the entries of itself and of the one above.
func isFolder(b []byte) bool {
	return string(b[:11]) == ".          " && string(b[32:43]) == "..         " && b[11]&attrDir != 0
}

// Changes says what must be changed to put the files on the volume, as the
// function of that name does. ErrIncomplete says that more is to be read before.
func (p *Volume) Changes(files []File, when time.Time) ([]Patch, error) {
	return changes(p.b, files, when, func(v *volume, chain []uint32) bool {
		whole := true
		for _, c := range chain {
			if _, made := v.was[v.place(c)]; !made && !p.loaded[c] {
				whole = false
				p.want(v, c)
			}
		}
		return whole
	})
}

// fillSparse leaves memory alone where src is zero, so that it stays unused.
func fillSparse(to []byte, src io.Reader) error {
	b := make([]byte, 1<<16)
	for len(to) > 0 {
		n := min(len(to), len(b))
		if _, err := io.ReadFull(src, b[:n]); err != nil {
			return err
		}
		if b[0] != 0 || !bytes.Equal(b[1:n], b[:n-1]) {
			copy(to, b[:n])
		}
		to = to[n:]
	}
	return nil
}

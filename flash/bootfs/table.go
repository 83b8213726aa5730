package bootfs

import "piwiz/flash/fault"

// get is the FAT entry of a cluster.
func (v *volume) get(c uint32) uint32 {
	t := v.b[v.fats[0]:]
	switch v.bits {
	case 12:
		n := le.Uint16(t[c+c/2:])
		if c&1 == 1 {
			return uint32(n >> 4)
		}
		return uint32(n & 0xfff)
	case 16:
		return uint32(le.Uint16(t[2*c:]))
	}
	return le.Uint32(t[4*c:]) & 0x0fffffff // the top four bits are reserved
}

// set changes the entry in every copy of the FAT.
func (v *volume) set(c, n uint32) {
	for _, off := range v.fats {
		switch v.bits {
		case 12:
			at := v.edit(off+int(c+c/2), 2)
			if c&1 == 1 {
				le.PutUint16(at, le.Uint16(at)&0xf|uint16(n)<<4)
			} else {
				le.PutUint16(at, le.Uint16(at)&0xf000|uint16(n)&0xfff)
			}
		case 16:
			le.PutUint16(v.edit(off+2*int(c), 2), uint16(n))
		default:
			at := v.edit(off+4*int(c), 4)
			le.PutUint32(at, le.Uint32(at)&0xf0000000|n&0x0fffffff)
		}
	}
}

// last is the mark of the end of a chain, end tells such a mark.
func (v *volume) last() uint32      { return 0x0fffffff >> (28 - min(v.bits, 28)) }
func (v *volume) end(n uint32) bool { return n >= v.last()-7 }

func (v *volume) place(c uint32) int   { return v.dataOff + int(c-2)*v.cluster }
func (v *volume) data(c uint32) []byte { return v.b[v.place(c):][:v.cluster] }
func (v *volume) fill(c uint32) []byte { return v.edit(v.place(c), v.cluster) }

// chain lists the clusters from c on; 0 is the empty chain.
func (v *volume) chain(c uint32) ([]uint32, error) {
	var out []uint32
	for c != 0 && !v.end(c) {
		if !v.valid(c) || len(out) > v.clusters {
			return nil, errCorrupt
		}
		out = append(out, c)
		if c = v.get(c); c == 0 {
			return nil, errCorrupt
		}
	}
	return out, nil
}

func (v *volume) free(chain []uint32) {
	for _, c := range chain {
		v.set(c, 0)
	}
}

// allocate takes n clusters and links them.
func (v *volume) allocate(n int) ([]uint32, error) {
	var out []uint32
	for c := uint32(2); int(c) < v.clusters+2 && len(out) < n; c++ {
		if v.get(c) == 0 {
			out = append(out, c)
		}
	}
	if len(out) < n {
		return nil, &NoSpace{
			int64(n) * int64(v.cluster), int64(len(out)) * int64(v.cluster),
			fault.Todo{"Make it larger: add `sdImage.firmwareSize = 64;` to configuration.nix and build again."},
		}
	}
	v.link(out)
	return out, nil
}

func (v *volume) link(chain []uint32) {
	for i, c := range chain {
		if i+1 < len(chain) {
			v.set(c, chain[i+1])
		} else {
			v.set(c, v.last())
		}
	}
}

// count brings the FSInfo sector of FAT32 up to date.
func (v *volume) count() {
	if v.info == 0 {
		return
	}
	free, next := uint32(0), uint32(2)
	for c := uint32(v.clusters) + 1; c >= 2; c-- {
		if v.get(c) == 0 {
			free, next = free+1, c
		}
	}
	at := v.edit(v.info+488, 8)
	le.PutUint32(at, free)
	le.PutUint32(at[4:], next)
}

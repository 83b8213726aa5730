package bootfs

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"
)

// unit is the smallest part of a volume that is kept and put back, in bytes:
// the smallest sector there is.
const unit = 512

// Patch is what stands at an offset of the volume after a change, in bytes.
// It can hold a secret: printed or logged it shows its place only.
type Patch struct {
	Offset int64
	Data   []byte
}

func (p Patch) String() string { return fmt.Sprintf("%d bytes at %d", len(p.Data), p.Offset) }

// Format hides the data from every verb.
func (p Patch) Format(s fmt.State, _ rune) { fmt.Fprint(s, p.String()) }

// Changes says what writing the files into the FAT volume b would change, with the
// folders they need, and in the place of those that are there: in ascending order,
// all of what it touches. Either all can be written or the error is *NoSpace or
// another. Their time is when. Afterwards b is as it was, with an error and without, so that a volume
// need not be in memory twice, nor any longer than this takes.
func Changes(b []byte, files []File, when time.Time) ([]Patch, error) {
	return changes(b, files, when, nil)
}

// changes asks loaded, if there is one, whether the clusters of a folder are in
// b.
func changes(b []byte, files []File, when time.Time, loaded func(*volume, []uint32) bool) ([]Patch, error) {
	v, err := open(b)
	if err != nil {
		return nil, err
	}
	v.loaded = loaded
	defer v.restore()
	when = when.UTC()
	if y := when.Year(); y < 1980 || y > 2107 { // what a FAT date can say
		when = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	v.date = uint16((when.Year()-1980)<<9 | int(when.Month())<<5 | when.Day())
	v.time16 = uint16(when.Hour()<<11 | when.Minute()<<5 | when.Second()/2)
	for _, f := range files {
		if err := v.write(f); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	v.count()
	return v.patches(), nil
}

// edit gives n bytes at off to be changed, and keeps what they were.
func (v *volume) edit(off, n int) []byte {
	for s := off - off%unit; s < off+n; s += unit {
		if _, ok := v.was[s]; !ok {
			v.was[s] = bytes.Clone(v.b[s:min(s+unit, len(v.b))])
		}
	}
	return v.b[off : off+n]
}

func (v *volume) patches() []Patch {
	var out []Patch
	for _, s := range slices.Sorted(maps.Keys(v.was)) {
		now := v.b[s:][:len(v.was[s])] // perhaps equal to what was, but that is only known where it was loaded
		if last := len(out) - 1; last >= 0 && out[last].Offset+int64(len(out[last].Data)) == int64(s) {
			out[last].Data = append(out[last].Data, now...)
		} else {
			out = append(out, Patch{int64(s), bytes.Clone(now)})
		}
	}
	return out
}

func (v *volume) restore() {
	for s, was := range v.was {
		copy(v.b[s:], was)
	}
}

package bootfs

import (
	"fmt"
	"io/fs"
	"time"
)

// put writes the files into the FAT volume b, making their folders, and
// replaces those that are there. Either all are written or b is unchanged,
// with *NoSpace or another error. Their time is when.
func put(b []byte, files []File, when time.Time) error {
	patches, err := Changes(b, files, when)
	for _, p := range patches {
		copy(b[p.Offset:], p.Data)
	}
	return err
}

// get reads one file of the FAT volume b. fs.ErrNotExist means there is none.
func get(b []byte, path string) ([]byte, error) {
	v, err := open(b)
	if err != nil {
		return nil, err
	}
	d, name, err := v.walk(path, false)
	if err != nil {
		return nil, err
	}
	e, ok := d.find(name)
	if !ok || e.dir {
		return nil, fmt.Errorf("read %s: %w", path, fs.ErrNotExist)
	}
	chain, err := v.chain(e.cluster)
	if err != nil {
		return nil, err
	}
	if int64(e.size) > int64(len(chain))*int64(v.cluster) {
		return nil, errCorrupt
	}
	out := make([]byte, 0, e.size)
	for _, c := range chain {
		out = append(out, v.data(c)...)
	}
	return out[:e.size], nil
}

package bootfs

import (
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
)

// File is a file to put on a volume. It can be a secret: printed or logged it
// shows its path only.
type File struct {
	Path string // with / between folders
	Data []byte
}

func (f File) String() string       { return f.Path }
func (f File) GoString() string     { return f.Path }
func (f File) LogValue() slog.Value { return slog.StringValue(f.Path) }

// Format hides the data from every verb.
func (f File) Format(s fmt.State, _ rune) { fmt.Fprint(s, f.Path) }

func (v *volume) write(f File) error {
	d, name, err := v.walk(f.Path, true)
	if err != nil {
		return err
	}
	e, there := d.find(name)
	if there {
		if e.dir {
			return fmt.Errorf("there is a folder with that name")
		}
		old, err := v.chain(e.cluster)
		if err != nil {
			return err
		}
		v.free(old)
	}
	chain, err := v.allocate((len(f.Data) + v.cluster - 1) / v.cluster)
	if err != nil {
		return err
	}
	first := uint32(0)
	for i, c := range chain {
		at := v.fill(c)
		clear(at[copy(at, f.Data[i*v.cluster:]):])
		first = chain[0]
	}
	if there {
		v.point(d.change(e.at), first, uint32(len(f.Data)))
		return nil
	}
	return d.add(name, attrFile, first, uint32(len(f.Data)))
}

// walk opens the folder of a path, and makes it when asked to.
func (v *volume) walk(path string, create bool) (*dir, string, error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	d, err := v.openDir(0)
	for _, p := range parts[:len(parts)-1] {
		if err != nil {
			return nil, "", err
		}
		e, ok := d.find(p)
		if !ok && create {
			if err := d.mkdir(p); err != nil {
				return nil, "", err
			}
			e, ok = d.find(p)
		}
		if !ok || !e.dir {
			return nil, "", fmt.Errorf("folder %s: %w", p, fs.ErrNotExist)
		}
		d, err = v.openDir(e.cluster)
	}
	return d, parts[len(parts)-1], err
}

func (d *dir) mkdir(name string) error {
	chain, err := d.v.allocate(1)
	if err != nil {
		return err
	}
	up := d.first
	if up == d.v.root {
		up = 0 // the root is written as 0, on FAT32 too
	}
	b := d.v.fill(chain[0])
	clear(b)
	for i, to := range []uint32{chain[0], up} {
		s := b[i*32:][:32]
		copy(s, fmt.Sprintf("%-11s", ".."[:i+1]))
		s[11] = attrDir
		le.PutUint16(s[14:], d.v.time16)
		le.PutUint16(s[16:], d.v.date)
		d.v.point(s, to, 0)
	}
	return d.add(name, attrDir, chain[0], 0)
}

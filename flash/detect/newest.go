package detect

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

// enough is how many files are checked: the upper folders of a disk full of
// files, within a second.
const enough = 5000

// Newest is the time of the newest file on a disk, as far as its file systems
// are open now and the user may see them; zero when there is none. It looks
// at the upper folders first, at no more than a few thousand files, and writes
// nothing. On a disk that does not answer it can take long.
func Newest(ctx context.Context, d disk.Device) time.Time { return newest(ctx, d, enough) }

func newest(ctx context.Context, d disk.Device, left int) time.Time {
	var newest time.Time
	soon := time.Now().Add(24 * time.Hour)
	for _, point := range d.Unmounts() {
		var here, there unix.Stat_t
		if unix.Lstat(point, &here) != nil {
			continue
		}
		for folders := []string{point}; len(folders) > 0 && left > 0 && ctx.Err() == nil; folders = folders[1:] {
			for _, e := range entries(folders[0], left) {
				left--
				path := filepath.Join(folders[0], e.Name())
				if unix.Lstat(path, &there) != nil || there.Dev != here.Dev {
					continue // gone, or of another disk that is mounted inside
				}
				at := time.Unix(there.Mtim.Unix())
				switch {
				case e.IsDir():
					folders = append(folders, path)
				case e.Type().IsRegular() && at.After(newest) && at.Before(soon): // a clock can be wrong
					newest = at
				}
			}
		}
	}
	return newest
}

func entries(folder string, most int) []os.DirEntry {
	f, err := os.Open(folder)
	if err != nil {
		return nil // not for this user
	}
	defer f.Close()
	found, _ := f.ReadDir(most) // what was read before an error counts
	return found
}

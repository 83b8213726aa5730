// Package kept keeps what a change of a saved host replaces: folders whose names
// are the same but for the time, PREFIX2026-05-01-120000.
//
// Rule: of each prefix the newest eight are kept.
package kept

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"piwiz/nixgen/durable"
)

// Most is how many there are of a prefix: enough for many changes of mind, and
// few enough that old passwords do not pile up.
const Most = 8

// Free is a path for one more: prefix with the time and, after others of the
// same second, a number. Numbers go up only: the name of one that was pruned
// would make the newest the oldest.
func Free(prefix string) (string, error) {
	stamp := prefix + time.Now().Format("2006-01-02-150405")
	taken, err := All(stamp)
	if err != nil {
		return "", err
	}
	n := 0
	if len(taken) > 0 {
		n = 1 // the first has no number
		_, _ = fmt.Sscanf(strings.TrimPrefix(taken[len(taken)-1], stamp), "-%d", &n)
	}
	for n++; n < 1000; n++ {
		name := stamp
		if n > 1 {
			name = fmt.Sprintf("%s-%03d", stamp, n)
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", errors.New("there is no free name for the copy that is kept")
}

// All are those that are kept, the oldest first. That there is no folder to keep
// them in is no error.
func All(prefix string) ([]string, error) {
	dir, begin := filepath.Split(prefix)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), begin) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(out) // and so by time
	return out, nil
}

// Prune wipes the oldest, so that there is room for one more.
func Prune(disk durable.Disk, prefix string) error {
	old, err := All(prefix)
	if err != nil {
		return err
	}
	for len(old) >= Most {
		if err := disk.Wipe(old[0]); err != nil {
			return err
		}
		old = old[1:]
	}
	return nil
}

package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Space says whether want bytes are free for this user in dir, or in the
// nearest folder above that exists. The error has both numbers and hints.
func Space(dir string, want int64) error {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return fmt.Errorf("ask how much room is in %s: %w", dir, err)
		}
		dir = filepath.Dir(dir)
	}
	free := int64(st.Bavail) * st.Bsize
	if free >= want {
		return nil
	}
	return &Error{
		Headline: fmt.Sprintf("There is too little room in %s: %s are free, building an image takes up to %s.", dir, gib(free), gib(want)),
		Page:     "check",
		hints: []string{
			"Remove what Nix no longer needs: nix-collect-garbage",
			"See what fills the disk: df -h " + dir,
		},
	}
}

func gib(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

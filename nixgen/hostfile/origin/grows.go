package origin

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Grows tells whether the root partition of the image of the host in dir is meant to take the whole card.
// It is in NixOS unless its owner sets sdImage.expandOnBoot. Where a file names that,
// the image is to be written as it is, and the Pi does what its configuration says.
func Grows(dir string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "flake", "*.nix"))
	if err != nil {
		return false, err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return false, fmt.Errorf("read %s: %w", f, err)
		}
		if bytes.Contains(text, []byte("expandOnBoot")) {
			return false, nil
		}
	}
	return true, nil
}

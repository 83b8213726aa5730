package origin

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Grows tells whether the root partition of the image of the host in dir is meant to
// take the whole card. It is in NixOS unless its owner sets sdImage.expandOnBoot.
// Where a Nix file of the flake names that, the image is to be written as it is, and
// the Pi does what its configuration says.
func Grows(dir string) (bool, error) {
	grows := true
	err := files(dir, func(_, path string, e fs.DirEntry) error {
		if !grows || !e.Type().IsRegular() || filepath.Ext(path) != ".nix" {
			return nil // what a link in it leads to is visited itself
		}
		text, err := os.ReadFile(path)
		grows = !bytes.Contains(text, []byte("expandOnBoot"))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("find out whether the root partition is to grow: %w", err)
	}
	return grows, nil
}

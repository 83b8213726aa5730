// Package xdg finds the folders of the user's own files, and is the only one
// that does. Source: XDG Base Directory Specification 0.8.
package xdg

import (
	"fmt"
	"os"
	"path/filepath"
)

// Data is the folder for what must not be lost: $XDG_DATA_HOME, else
// ~/.local/share. It need not exist.
func Data() (string, error) { return folder("XDG_DATA_HOME", ".local/share") }

// State is the folder for what may be lost, such as logs: $XDG_STATE_HOME, else
// ~/.local/state. It need not exist.
func State() (string, error) { return folder("XDG_STATE_HOME", ".local/state") }

func folder(variable, otherwise string) (string, error) {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) { // the specification says to ignore a relative one
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find your home folder: %w", err)
	}
	return filepath.Join(home, otherwise), nil
}

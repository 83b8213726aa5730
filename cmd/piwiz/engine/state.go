package engine

import (
	"os"
	"path/filepath"

	"piwiz/nixgen/xdg"
)

// State is the folder where what may be lost is kept: the log, how long builds
// took. It is made if need be.
func State() (string, error) {
	state, err := xdg.State()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(state, "piwiz")
	return dir, os.MkdirAll(dir, 0o700)
}

// StateDir is State, "" when there is no such place.
func StateDir() string {
	dir, err := State()
	if err != nil {
		return ""
	}
	return dir
}

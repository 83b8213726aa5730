package engine

import (
	"os"
	"path/filepath"

	"piwiz/nixgen/xdg"
)

// StateDir is where what may be lost is kept: the log, how long builds took.
// "" when there is no such place.
func StateDir() string {
	state, err := xdg.State()
	dir := filepath.Join(state, "piwiz")
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}

package engine

import (
	"os"
	"path/filepath"
)

// StateDir is where what may be lost is kept: the log, how long builds took.
// "" when there is no such place.
func StateDir() string {
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(state, "piwiz")
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}

// Package xdg finds the folders of the user's own files, and is the only one
// that does. Source: XDG Base Directory Specification 0.8.
package xdg

import (
	"os"
	"path/filepath"

	"piwiz/nixgen/fault"
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
	home, err := Home()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, otherwise), nil
}

// Home is the user's home folder, $HOME.
func Home() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &fault.Error{
			Headline: "your home folder is not known: HOME is not set", Err: err,
			Todo: fault.Todo{`Set it, then try again: export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"`},
		}
	}
	return home, nil
}

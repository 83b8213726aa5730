package networkmanager

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/files"
)

// Dirs are where key files are.
var Dirs = files.NetworkManager

// readDirs reads the key files in folders. The error is fs.ErrPermission when
// any of them is the administrator's, fs.ErrNotExist when there is no folder.
func readDirs(dirs []string, user string) (wifi.Found, error) {
	var paths []string
	shut, there := false, false
	found := wifi.Found{Name: Name, Where: "key files"}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		there = there || !errors.Is(err, fs.ErrNotExist)
		shut = shut || errors.Is(err, fs.ErrPermission)
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); IsProfile(path) {
				paths = append(paths, path)
			}
		}
	}
	if !there {
		return found, fmt.Errorf("read the profiles of NetworkManager: %w", fs.ErrNotExist)
	}
	texts, problems, locked := wifi.ReadTexts(paths)
	defer texts.Wipe()
	var more []wifi.Problem
	found.Networks, more = Source{}.FromFiles(texts, user)
	found.Problems = append(problems, more...)
	if locked || shut {
		return found, fmt.Errorf("read the profiles of NetworkManager: %w", fs.ErrPermission)
	}
	return found, nil
}

// IsProfile tells by its path whether NetworkManager reads a file as a
// profile: in /etc with any ending but those of copies and leftovers,
// elsewhere with its own ending only.
func IsProfile(path string) bool {
	name := filepath.Base(path)
	if !slices.Contains(Dirs, filepath.Dir(path)) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return false
	}
	if strings.HasSuffix(name, ".nmconnection") {
		return name != ".nmconnection"
	}
	if filepath.Dir(path) != Dirs[0] {
		return false
	}
	return !slices.ContainsFunc([]string{".rpmnew", ".rpmorig", ".rpmsave", ".bak", ".swp", ".swo", ".swx", ".pem", ".der", ".nmmeta"},
		func(end string) bool { return strings.HasSuffix(name, end) })
}

// FromFiles makes networks of key files that were read elsewhere, by path. What
// belongs to other users than this one is skipped; "" is everybody.
func (Source) FromFiles(files map[string][]byte, user string) (found []wifi.Network, problems []wifi.Problem) {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if !IsProfile(path) {
			continue
		}
		n, ok, err := Parse(files[path], user)
		switch {
		case err != nil:
			problems = append(problems, wifi.Problem{File: path, Err: err})
		case ok:
			n.File = path
			found = append(found, n)
		}
	}
	return found, problems
}

// Package wpasupplicant reads the networks in wpa_supplicant.conf, as Debian's
// ifupdown and Raspberry Pi OS before NetworkManager keep them.
//
// The format is that of wpa_supplicant's config_file.c and config.c; the
// manual, wpa_supplicant.conf(5), leaves most of it open.
package wpasupplicant

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/files"
)

// Name is the name of the program, for people.
const Name = "wpa_supplicant"

// Dir is where its files are; each ends in .conf.
const Dir = "/etc/wpa_supplicant"

// Source is wpa_supplicant as a source of networks.
type Source struct{}

// Folders is where root finds them.
func (Source) Folders() []files.Folder { return []files.Folder{{Path: Dir, Is: known}} }

// known tells its files from scripts beside them.
func known(name string) bool { return filepath.Ext(name) == ".conf" }

// Read reads the files in Dir; see wifi.Source.
func (Source) Read(context.Context) (wifi.Found, error) { return readDir(Dir) }

func readDir(dir string) (wifi.Found, error) {
	found := wifi.Found{Name: Name, Where: dir}
	paths, err := filepath.Glob(filepath.Join(dir, "*.conf"))
	if err != nil || len(paths) == 0 {
		return found, fmt.Errorf("read the networks of wpa_supplicant: %w", fs.ErrNotExist)
	}
	texts, problems, locked := wifi.ReadTexts(paths)
	defer texts.Wipe()
	var more []wifi.Problem
	found.Networks, more = fromFiles(texts)
	found.Problems = append(problems, more...)
	if locked {
		return found, fmt.Errorf("read the networks of wpa_supplicant: %w", fs.ErrPermission)
	}
	return found, nil
}

// FromFiles makes networks of files that were read elsewhere, by path. Files
// in other folders are none of wpa_supplicant's.
func (Source) FromFiles(files map[string][]byte, _ string) ([]wifi.Network, []wifi.Problem) {
	ours := maps.Clone(files)
	maps.DeleteFunc(ours, func(path string, _ []byte) bool { return filepath.Dir(path) != Dir || !known(path) })
	return fromFiles(ours)
}

func fromFiles(files map[string][]byte) (found []wifi.Network, problems []wifi.Problem) {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		networks, wrong := Parse(files[path])
		for i := range networks {
			networks[i].File = path
		}
		found = append(found, networks...)
		for _, err := range wrong {
			problems = append(problems, wifi.Problem{File: path, Err: err})
		}
	}
	return found, problems
}

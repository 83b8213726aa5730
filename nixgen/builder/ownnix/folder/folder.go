// Package folder is the folder that becomes /nix: what is in it, whose it is, who
// may change it now, and what it takes. It knows no Nix.
//
// The folder, whose last element is nix:
//
//	store, var             Nix's own
//	var/nix/gcroots/piwiz  a link for each host, to its image
//	var/nix/gcroots/tools  links to Nix, its certificates and the emulator
//	var/nix/builds         where builds put their files
//	piwiz/lock             flock: shared by builds; exclusive for whoever fetches or deletes
//	piwiz/nix.json         what was fetched; written last, so that there is all or nothing
//	piwiz/emulator.json    likewise
//	.root, .try-…          mount points, empty outside of the namespace
//
// A folder without piwiz in it is somebody else's: nothing is put there unless
// it is empty, and nothing is deleted.
package folder

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
)

// Dir is the folder: absolute; it becomes /nix, and its last element is nix.
type Dir string

// Names in it, for At.
const (
	Ours      = "piwiz" // says whose folder it is
	HostRoots = "var/nix/gcroots/piwiz"
	toolRoots = "var/nix/gcroots/tools"
)

// Names in Ours, for Load and Keep.
const (
	Fetched  = "nix.json"
	Emulator = "emulator.json"
)

// Temporary begins the names of folders that a trial makes. It takes seconds, so
// one that is older than a minute is of a run that was killed.
const Temporary = ".try-"

// At is where something in the folder is.
func (d Dir) At(name string) string { return filepath.Join(string(d), name) }

// Outside is where a path of /nix is outside of the namespace.
func (d Dir) Outside(path string) string { return filepath.Join(filepath.Dir(string(d)), path) }

func (d Dir) ours(name string) string { return d.At(Ours + "/" + name) }

// Load reads what Keep wrote.
func (d Dir) Load(name string, into any) error {
	text, err := os.ReadFile(d.ours(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Keep writes something down, as JSON.
func (d Dir) Keep(name string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return durable.Replace(d.ours(name), append(text, '\n'), 0o644)
}

// Check wants a folder that is piwiz's own, or could become it. What it says of
// somebody else's is a *fault.Error.
func (d Dir) Check() error {
	if !filepath.IsAbs(string(d)) || filepath.Base(string(d)) != "nix" {
		return fmt.Errorf("the folder of piwiz's own Nix is %q: it must be absolute and end in nix", string(d))
	}
	list, err := os.ReadDir(string(d))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return Unusable(err)
	}
	for _, e := range list {
		if e.Name() == Ours {
			return nil
		}
	}
	for _, e := range list {
		if ok, _ := filepath.Match(Temporary+"*", e.Name()); !ok {
			return &fault.Error{
				Headline: string(d) + " is not a folder of piwiz's: it has " + e.Name() + ".",
				Why:      "piwiz deletes what it no longer needs in its own folder, so it takes only a new or an empty one.",
				Todo:     fault.Todo{"Choose another folder: --own-nix-dir FOLDER"},
			}
		}
	}
	return nil
}

// OtherFolder is the advice to use another folder: one that is usually on the disk of the system, and kept over a restart.
func OtherFolder() string {
	return fmt.Sprintf("Choose another folder: piwiz --own-nix-dir /var/tmp/piwiz-%d/nix", os.Getuid())
}

// Unusable is an error of the system about the folder.
func Unusable(err error) error {
	return &fault.Error{Lacks: true, Headline: "piwiz cannot use the folder for its own Nix: " + err.Error() + ".", Todo: append(durable.Remedy(err, ""), OtherFolder()), Err: err}
}

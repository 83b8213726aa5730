// Package layout says where the parts of a saved host are, and reads one.
//
// A host is a folder with its name. Beside the hosts are folders on their way
// in or out, each of which one rename makes a host, or no host any more.
//
// Rule: a part is a plain file of a bounded size. What a link leads to is never
// read in its place.
package layout

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/regular"
)

// MaxSize is in bytes. Answers are a page of text; a larger file is something
// else.
const MaxSize = 256 << 10

// The files of a host, relative to its folder.
const (
	Answers       = "host.toml"
	Wifi          = "secrets/wifi.toml"
	Key           = "secrets/ssh_host_ed25519_key"
	Configuration = "flake/configuration.nix"
	Lock          = "flake/flake.lock"
	Journal       = ".saved"      // a folder: a change that has happened (package journal)
	Result        = "result"      // leads to the image in the Nix store
	Origin        = "result.from" // what that was built from (package origin)
)

// Beginnings of the names of folders beside the hosts; the name of the host
// follows.
const (
	Staging    = ".saving-"
	Importing  = ".importing-"
	Forgetting = ".forgetting-"
	Draft      = ".draft-" // the user's own file of a host that is not saved yet
)

// LinkError is a symbolic link where a part of a host is to be.
type LinkError struct{ To string }

func (l *LinkError) Error() string { return "it is a link, to " + l.To }

// Read reads a file of a host: a *LinkError for a link, a *regular.NotFile for
// what is no file.
func Read(path string) ([]byte, error) {
	data, err := regular.ReadFile(path, MaxSize, unix.O_NOFOLLOW)
	if errors.Is(err, unix.ELOOP) {
		to, _ := os.Readlink(path)
		return nil, &LinkError{to}
	}
	return data, bare(err)
}

// bare is a system's error without the path, which the problem names already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Exists tells whether there is anything at path, a link too.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// IsLink tells whether there is a symbolic link at path.
func IsLink(path string) bool {
	_, err := os.Readlink(path)
	return err == nil
}

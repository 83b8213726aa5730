// Package archive packs the folder of a host into a tar file and unpacks it.
//
// The format is POSIX pax (archive/tar): NAME/host.toml, NAME/flake/ and
// NAME/secrets/, folders and plain files only, with modes and times. So
// `tar x` gives back the folder.
//
// Rule: an archive comes from anywhere. Both sides check each entry by the
// same rules (rules.entry), and what the reader would refuse the writer never
// makes: one name for all, no path that leads out of it, nothing but the three
// parts above, no links, no devices, nothing twice, in capitals either, and no
// more than a host can be.
package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A host is a page of answers, two keys and a flake. A flake with a history of
// its own is the largest that makes sense.
const (
	maxFiles = 50_000
	maxBytes = 1 << 30
	maxDepth = 64
)

// Refused is the error for what an archive must not hold.
type Refused struct {
	Name string // the entry
	Why  string
}

func (r *Refused) Error() string { return fmt.Sprintf("%q %s", r.Name, r.Why) }

// rules are what holds for the entries of one archive, in their order.
type rules struct {
	host  string           // of the first entry
	seen  map[string]place // by name in small letters
	files int
	bytes int64
}

// place is a name that is taken.
type place struct {
	name    string
	folder  bool
	implied bool // a folder that has no entry of its own yet
}

// entry checks an entry and returns its name inside the host's folder.
func (r *rules) entry(h *tar.Header) (string, error) {
	no := func(format string, args ...any) (string, error) {
		return "", &Refused{h.Name, fmt.Sprintf(format, args...)}
	}
	folder := h.Typeflag == tar.TypeDir
	if !folder && h.Typeflag != tar.TypeReg || sparse(h) {
		return no("is neither a folder nor a regular file")
	}
	name := strings.TrimSuffix(h.Name, "/")
	switch {
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return no("has a name that is not text (UTF-8)")
	case !fs.ValidPath(name) || name == ".":
		return no("leads out of the folder of a host")
	}
	host, inside, _ := strings.Cut(name, "/")
	if r.host == "" {
		r.host, r.seen = host, map[string]place{}
	}
	part, _, deeper := strings.Cut(inside, "/")
	switch {
	case host != r.host:
		return no("belongs to a host other than %q", r.host)
	case inside == "" && folder, inside == "host.toml" && !folder:
	case (part == "flake" || part == "secrets") && (deeper || folder):
	default:
		return no("is not part of a host")
	}
	if strings.Count(inside, "/") > maxDepth {
		return no("is nested too deeply in folders")
	}
	if why := r.take(name, folder); why != "" {
		return no("%s", why)
	}
	r.files++
	r.bytes += max(h.Size, 0)
	if r.files > maxFiles || h.Size < 0 || h.Size > maxBytes || r.bytes > maxBytes {
		return no("makes it larger than a host can be (%d files, %d MiB)", maxFiles, maxBytes>>20)
	}
	return inside, nil
}

// take takes a name and those of the folders it is in, or says why it cannot
// be had.
func (r *rules) take(name string, folder bool) (why string) {
	for i, c := range name {
		if c != '/' {
			continue
		}
		above := name[:i]
		switch was, ok := r.seen[strings.ToLower(above)]; {
		case !ok:
			r.seen[strings.ToLower(above)] = place{above, true, true}
		case was.name != above:
			return fmt.Sprintf("differs from %q only in capitals", was.name)
		case !was.folder:
			return "is inside a file"
		}
	}
	was, ok := r.seen[strings.ToLower(name)]
	switch {
	case ok && was.name != name:
		return fmt.Sprintf("differs from %q only in capitals", was.name)
	case ok && (!was.implied || !folder):
		return "is in it twice"
	}
	r.seen[strings.ToLower(name)] = place{name, folder, false}
	return ""
}

// sparse tells whether an entry is larger than what the archive has of it.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// private tells whether a part of a host is for its user alone.
func private(inside string) bool {
	return inside == "host.toml" || inside == "secrets" || strings.HasPrefix(inside, "secrets/") && !strings.HasSuffix(inside, ".pub")
}

// Pack writes the folder dir of a host as an archive. skip tells which names
// at its top are skipped. What an archive cannot hold is a *Refused.
func Pack(w io.Writer, dir, host string, skip func(name string) bool) error {
	archive, rules := tar.NewWriter(w), &rules{}
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if inside != "." && !strings.Contains(inside, "/") && skip(inside) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if inStore(file, e) {
			return nil
		}
		return pack(archive, rules, file, path.Join(host, filepath.ToSlash(inside)), e)
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// inStore tells whether a file is a link into the Nix store: what `nix build`
// leaves in a flake, and is made again.
func inStore(file string, e fs.DirEntry) bool {
	to, err := os.Readlink(file)
	return err == nil && e.Type()&fs.ModeSymlink != 0 && strings.HasPrefix(to, "/nix/store/")
}

func pack(archive *tar.Writer, rules *rules, file, name string, e fs.DirEntry) error {
	st, err := e.Info()
	if err != nil {
		return err
	}
	h, err := tar.FileInfoHeader(st, "")
	if err != nil {
		return &Refused{name, "is neither a folder nor a regular file"} // a socket
	}
	// Who owns it means nothing on another computer, and when it was read is
	// nobody's business.
	*h = tar.Header{Typeflag: h.Typeflag, Name: name, Size: h.Size, Mode: int64(st.Mode().Perm()), ModTime: st.ModTime(), Format: tar.FormatPAX}
	if st.IsDir() {
		h.Name += "/"
	}
	if _, err := rules.entry(h); err != nil {
		return err
	}
	if err := archive.WriteHeader(h); err != nil || st.IsDir() {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(archive, f, h.Size)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s was changed while it was read", file)
	}
	return err
}

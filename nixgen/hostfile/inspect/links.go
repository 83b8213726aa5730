package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile/layout"
	"piwiz/nixgen/regular"
	"piwiz/nixgen/shell"
)

// isOther tells the error for what is no regular file.
func isOther(err error) bool {
	_, is := errors.AsType[*regular.NotFile](err)
	return is
}

// Unlink says how to put what a link leads to in its place. Where that is a link
// again, cp -H follows it.
func Unlink(path, to string) string {
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Sprintf("Its target is missing: %s. Connect the disk that has it; if there is none, remove the link and restore the host from your backup: rm %s; piwiz hosts import FILE --replace", shell.Quote(to), shell.Quote(path))
	}
	return fmt.Sprintf("piwiz saves only in real files and folders. Replace the link with a copy. Run: rm %s && cp -rpH %s %[1]s", shell.Quote(path), shell.Quote(to))
}

// Linked is an error with all parts of a host that are links: writing there
// would change something elsewhere, or cut the link.
func Linked(dir, name string) error {
	if p := links(dir, name); len(p) > 0 {
		return NewBroken(name, p)
	}
	return nil
}

func links(dir, name string) []Problem {
	var out []Problem
	for _, part := range []string{"", "secrets", "flake", layout.Answers, layout.Wifi, layout.Key} {
		path := filepath.Join(dir, name, part)
		if to, err := os.Readlink(path); err == nil {
			out = append(out, Problem{path, &layout.LinkError{To: to}, Stop, []string{Unlink(path, to)}})
			if part == "" {
				return out // the rest is seen through it
			}
		}
	}
	return out
}

// Foreign is the problem with something among the hosts that is none, nil when
// it may be one.
func Foreign(dir string, e fs.DirEntry) *Problem {
	name, path := e.Name(), filepath.Join(dir, e.Name())
	canonical, complaint := nixgen.CheckName(name)
	stray := func(what string, remedy string) *Problem {
		return &Problem{path, errors.New(what), Note, []string{remedy}}
	}
	switch {
	case strings.HasPrefix(name, layout.Draft):
		return nil
	case strings.HasPrefix(name, layout.Staging), strings.HasPrefix(name, layout.Importing), strings.HasPrefix(name, layout.Forgetting):
		return stray("this is left over from a piwiz that was stopped, and may hold secrets", Command("rm -r %s", path))
	case name[0] == '.' && e.IsDir():
		return nil // not ours
	case e.Type()&fs.ModeSymlink != 0:
		return nil // Load names it as what it is to be
	case !e.IsDir():
		return stray("this is not the folder of a host", Command("mv %s ~/", path))
	case complaint != "":
		return stray("the name of the folder is not a valid host name: "+complaint, Command("mv %s ~/", path))
	case canonical != name:
		if layout.Exists(filepath.Join(dir, canonical)) {
			return nil // named with that one
		}
		return stray("the name of a host is lowercase", Command("mv %s %s", path, filepath.Join(dir, canonical)))
	}
	return nil
}

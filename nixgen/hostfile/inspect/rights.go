package inspect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"piwiz/nixgen/durable"
	"piwiz/nixgen/hostfile/layout"
)

// rights names what others may read or change, and what belongs to somebody
// else.
func (in *inspector) rights() {
	var open, theirs, writable []string
	check := func(path string, hidden bool) {
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&fs.ModeSymlink != 0 {
			return
		}
		name := "./" + strings.TrimPrefix(strings.TrimPrefix(path, in.path()), "/")
		if s, ok := st.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
			theirs = append(theirs, name)
		}
		switch mode := st.Mode().Perm(); {
		case hidden && mode&0o077 != 0:
			open = append(open, name)
		case mode&0o002 != 0:
			writable = append(writable, name)
		}
	}
	check(in.path(), false)
	check(in.path(layout.Answers), false)
	_ = filepath.WalkDir(in.path("secrets"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			check(path, !strings.HasSuffix(path, ".pub"))
		}
		return nil
	})
	check(in.path("flake"), false)
	files, _ := os.ReadDir(in.path("flake")) // that it is missing was said
	for _, f := range files {
		check(in.path("flake", f.Name()), false)
	}
	if len(open) > 0 {
		in.add(Note, "", errors.New("others on this computer may read the secrets in "+strings.Join(open, ", ")), Command("chmod -R go= %s", in.path("secrets")))
	}
	if len(writable) > 0 {
		in.add(Note, "", errors.New("others on this computer may change "+strings.Join(writable, ", ")), Command("chmod -R o-w %s", in.path()))
	}
	if len(theirs) > 0 {
		remedy := Command("sudo chown -R \"$USER\" %s", in.path())
		if os.Geteuid() == 0 {
			remedy = "Run piwiz as the user whose files these are, without sudo."
		}
		in.add(Note, "", errors.New("not yours, but another user's: "+strings.Join(theirs, ", ")), remedy)
	}
}

func (in *inspector) leftovers() {
	for _, folder := range []string{"", "secrets", "flake"} {
		entries, _ := os.ReadDir(in.path(folder)) // that it is missing was said
		for _, e := range entries {
			if durable.IsTemporary(e.Name()) {
				in.add(Note, filepath.Join(folder, e.Name()), errors.New("this is left over from a program that was stopped"), Command("rm -r %s", in.path(folder, e.Name())))
			}
		}
	}
}

package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// command is one that only looks, in a hint.
var command = regexp.MustCompile(`(?:df -[hi]|ls(?: -l[ad]+)?|namei -l) (?:'[^']*'|[^\s;]+)$`)

// Whatever the system says of whatever file, there is something to do, and what
// is to be checked is there.
func TestEveryErrorOfTheSystemHasARemedy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder")
	file := filepath.Join(dir, "it's a file")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for number := syscall.Errno(1); number < 134; number++ {
		for _, path := range []string{dir, file, filepath.Join(dir, "none"), filepath.Join(dir, "none/none"), filepath.Join(file, "x"), "/", "none", ""} {
			for _, err := range []error{
				&fs.PathError{Op: "open", Path: path, Err: number},
				&os.LinkError{Op: "rename", Old: file, New: path, Err: number},
				fmt.Errorf("save: %w", errors.Join(nil, &fs.PathError{Op: "mkdir", Path: path, Err: number})),
			} {
				todo := Remedy(err, dir)
				if len(todo) == 0 || !IsSystem(err) {
					t.Fatalf("%v (%d): nothing to do", err, number)
				}
				for _, h := range todo {
					if strings.TrimSpace(h) == "" || strings.Contains(h, "%!") || h[0] >= 'a' && h[0] <= 'z' {
						t.Errorf("%v: %q", err, h)
					}
				}
			}
		}
	}
	// What is to be checked is there.
	tried := 0
	for _, number := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.ENOENT, syscall.EISDIR, syscall.ENOTDIR} {
		for _, path := range []string{dir, file, filepath.Join(dir, "none"), filepath.Join(dir, "none/none")} {
			for _, h := range Remedy(&fs.PathError{Op: "open", Path: path, Err: number}, "") {
				c := command.FindString(h)
				if c == "" {
					continue
				}
				tried++
				if out, err := exec.Command("sh", "-c", c).CombinedOutput(); err != nil {
					t.Errorf("%s: %v %s", c, err, out)
				}
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d commands", tried)
	}
	for _, err := range []error{nil, errors.New("x"), fs.ErrExist, &fs.PathError{Op: "fork/exec", Path: "x", Err: errors.New("y")}} {
		if todo := Remedy(err, dir); todo != nil {
			t.Errorf("%v: %q", err, todo)
		}
	}
}

func TestARemedyIsForTheCause(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		number syscall.Errno
		path   string
		says   string
	}{
		{syscall.ENOENT, filepath.Join(dir, "a/b/c"), "mkdir -p " + dir + "/a/b"},
		{syscall.ENOENT, filepath.Join(dir, "b"), "ls " + dir},
		{syscall.ENOTDIR, filepath.Join(file, "x"), file + " is a file"},
		{syscall.ENOSPC, filepath.Join(dir, "a/b/c"), "df -h " + dir},
		{syscall.EROFS, filepath.Join(dir, "a"), "findmnt -T " + dir},
		{syscall.EDQUOT, file, "quota -s"},
		{syscall.EIO, file, "dmesg"},
		{syscall.EMFILE, file, "ulimit -n"},
		{syscall.ENAMETOOLONG, file, "shorter name"},
		{syscall.ESTALE, file, "connect it again"},
	} {
		if todo := Remedy(&fs.PathError{Op: "create", Path: c.path, Err: c.number}, ""); !strings.Contains(strings.Join(todo, "\n"), c.says) {
			t.Errorf("%v of %s: %q does not say %q", c.number, c.path, todo, c.says)
		}
	}
}

// A file that could not be written is named as it was to be called.
func TestAnErrorNamesTheFileThatWasToBeMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made")
	for where, err := range map[string]error{
		"write": CreateFrom(path, func(w io.Writer) error {
			return &fs.PathError{Op: "write", Path: w.(*os.File).Name(), Err: syscall.ENOSPC}
		}),
		"create": CreateFrom(filepath.Join(path, "x"), nil),
	} {
		if err == nil || strings.Contains(err.Error(), Temporary) || !strings.Contains(err.Error(), where+" "+path) {
			t.Errorf("%v", err)
		}
	}
}

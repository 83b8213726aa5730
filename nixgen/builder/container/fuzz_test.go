package container

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Whatever the archive, nothing is written beside the folder, and in it are
// plain files and folders.
func FuzzUnpack(f *testing.F) {
	for _, names := range [][]string{{"nix/a", "nix/b/"}, {"../out"}, {"/etc/out"}, {"x->/etc", "x/out"}} {
		f.Add(archiveOf(names...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		top := t.TempDir()
		dir := filepath.Join(top, "dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_ = unpack(bytes.NewReader(b), dir) // an error is one answer
		if found, err := os.ReadDir(top); err != nil || len(found) != 1 {
			t.Fatalf("%v %v", found, err)
		}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !e.Type().IsRegular() {
				t.Fatalf("%s is %v", path, e.Type())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzOutPath(f *testing.F) {
	f.Add([]byte(`[{"outputs":{"out":"/nix/store/x"}}]`))
	f.Add([]byte(`[{},{}]`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = outPath(b) // no input makes it panic
	})
}

package regular

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whatever a path names, it is said at once.
func TestOnlyARegularFileIsRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	l, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = errors.Join(unix.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("folder"), 0o700), os.WriteFile(at("file"), []byte("four"), 0o600), os.WriteFile(at("empty"), nil, 0o600),
		os.Symlink("file", at("link")), os.Symlink("pipe", at("link to a pipe")), os.Symlink("none", at("link to nothing")))
	if err != nil {
		t.Fatal(err)
	}
	const noFollow = unix.O_NOFOLLOW
	for name, want := range map[string][2]error{ // followed, not followed
		"file": {}, "empty": {}, "none": {fs.ErrNotExist, fs.ErrNotExist},
		"pipe": {&NotFile{}, &NotFile{}}, "folder": {&NotFile{}, &NotFile{}}, "socket": {&NotFile{}, &NotFile{}}, "/dev/null": {&NotFile{}, &NotFile{}},
		"link": {nil, unix.ELOOP}, "link to a pipe": {&NotFile{}, unix.ELOOP}, "link to nothing": {fs.ErrNotExist, unix.ELOOP},
	} {
		for i, flags := range []int{0, noFollow} {
			path, began := at(name), time.Now()
			if filepath.IsAbs(name) {
				path = name
			}
			b, err := ReadFile(path, 4, flags)
			_, other := errors.AsType[*NotFile](err)
			_, wantOther := want[i].(*NotFile)
			if other != wantOther || !other && !errors.Is(err, want[i]) || time.Since(began) > 5*time.Second {
				t.Errorf("%s with %#x: %v, want %v", name, flags, err, want[i])
			}
			if err == nil && name != "empty" && string(b) != "four" {
				t.Errorf("%s: %q", name, b)
			}
		}
	}
}

func TestAFileIsReadUpToItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	for limit, whole := range map[int]bool{4096: false, 4999: false, 5000: true, 5001: true} {
		b, err := ReadFile(path, limit, 0)
		if _, large := errors.AsType[*TooLarge](err); large == whole || whole && len(b) != 5000 || !whole && b != nil {
			t.Errorf("up to %d: %d bytes, %v", limit, len(b), err)
		}
	}
}

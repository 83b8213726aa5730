package grant

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyTheAdministratorsOwnWifiFilesAreRead(t *testing.T) {
	dir, uid := filepath.Join(t.TempDir(), "iwd"), uint32(os.Getuid())
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	put := func(name string, size int) error { return os.WriteFile(in(name), make([]byte, size), 0o600) }
	outside := filepath.Join(filepath.Dir(dir), "shadow")
	if err := errors.Join(
		put("Home.psk", 100), put("Cafe.open", 0), put("Work.8021x", maxFile), put("known_network.freq", 9), put(".psk.bak", 9), put("odd\xff.psk", 9),
		put("big.psk", maxFile+1), os.WriteFile(outside, []byte("root:x"), 0o600), os.Symlink(outside, in("link.psk")), os.Symlink("nowhere", in("dead.psk")),
		os.Link(outside, in("second.psk")), os.Mkdir(in("folder.psk"), 0o700), unix.Mkfifo(in("pipe.psk"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	files, left, err := wifiFiles(dir, uid)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); got != "Cafe.open Home.psk Work.8021x" || len(files["Work.8021x"]) != maxFile {
		t.Errorf("read: %s", got)
	}
	for name, word := range map[string]string{"link.psk": "link", "dead.psk": "link", "second.psk": "own file", "folder.psk": "not a file", "pipe.psk": "not a file", "big.psk": "too large"} {
		if !strings.Contains(left[name], word) {
			t.Errorf("%s: %q", name, left[name])
		}
	}
	if len(left) != 6 {
		t.Errorf("left out: %v", left)
	}
}

func TestAWifiFolderOfSomebodyElseIsNotRead(t *testing.T) {
	uid := uint32(os.Getuid())
	open, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Chmod(open, 0o777), os.Symlink(t.TempDir(), link)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir   string
		owner uint32
	}{
		"others may write": {open, uid}, "another owner": {t.TempDir(), uid + 1}, "a link": {link, uid}, "a file": {file(t, "").Name(), uid}, "nothing": {"/nowhere/iwd", uid},
	} {
		if files, _, err := wifiFiles(c.dir, c.owner); err == nil || files != nil {
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
}

func TestManyWifiFilesStayWithinTheReply(t *testing.T) {
	dir, uid := t.TempDir(), uint32(os.Getuid())
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("n", i+1)+".psk"), make([]byte, maxFile), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, left, err := wifiFiles(dir, uid)
	if err != nil || len(files) != maxTotal/maxFile || len(left) != 20-len(files) {
		t.Errorf("%d read, %d left out, %v", len(files), len(left), err)
	}
	if b, err := (reply{Files: files, LeftOut: left}).encode(); err != nil || len(b) > maxReply {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestTheFilesAreZeroedWhenTheyHaveBeenUsed(t *testing.T) {
	file := []byte("[Security]\nPassphrase=sesame\n")
	w := WifiReader{reply: reply{Files: map[string][]byte{"Home.psk": file}}}
	w.Forget()
	if slices.ContainsFunc(file, func(b byte) bool { return b != 0 }) || len(w.Files()) != 0 {
		t.Errorf("%q, %v", file, w.Files())
	}
}

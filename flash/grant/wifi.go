package grant

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// WifiDir is the only folder that is read with administrator rights. iwd
// keeps its networks there (iwd.network(5)).
const WifiDir = "/var/lib/iwd"

const (
	maxFile  = 64 << 10 // bytes; iwd's own are below 1 KiB, certificates may be inside
	maxFiles = 512
	maxTotal = 1 << 20 // bytes of all files
)

// wifiFiles reads the networks in the folder and says which files it left out
// and why. Folder and files must be the owner's own: whoever else could write
// there could have files read that are none of his business.
func wifiFiles(dir string, owner uint32) (files map[string][]byte, leftOut map[string]string, err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil, fmt.Errorf("iwd keeps no networks on this computer (there is no %s); type the name and password of your Wi-Fi", dir)
	}
	if err != nil {
		return nil, nil, &fs.PathError{Op: "read the Wi-Fi networks", Path: dir, Err: err}
	}
	folder := os.NewFile(uintptr(fd), dir)
	defer folder.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Uid != owner || st.Mode&0o022 != 0 {
		return nil, nil, fmt.Errorf("%s can be changed by others than the administrator, so it is not read; type the name and password of your Wi-Fi", dir)
	}
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Wi-Fi networks: %w", err)
	}
	files, leftOut = map[string][]byte{}, map[string]string{}
	total := 0
	for _, e := range entries {
		if !isNetwork(e.Name()) || len(files)+len(leftOut) == maxFiles {
			continue
		}
		b, why := wifiFile(fd, e.Name(), owner)
		if total += len(b); why == "" && total > maxTotal {
			why = "there are too many networks to take them all"
		}
		if why != "" {
			leftOut[e.Name()] = why
			continue
		}
		files[e.Name()] = b
	}
	return files, leftOut, nil
}

func isNetwork(name string) bool {
	ext := filepath.Ext(name)
	return utf8.ValidString(name) && (ext == ".psk" || ext == ".open" || ext == ".8021x")
}

// wifiFile reads one file, or says why not. O_NONBLOCK: a pipe must not hold
// up the reader. A second name of a file could be the name of a secret.
func wifiFile(dir int, name string, owner uint32) (data []byte, why string) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, "it is a link to another file"
	}
	if err != nil {
		return nil, "it cannot be opened: " + err.Error()
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	var st unix.Stat_t
	switch err := unix.Fstat(fd, &st); {
	case err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, "it is not a file"
	case st.Uid != owner || st.Nlink != 1:
		return nil, "it is not the administrator's own file"
	}
	b := make([]byte, maxFile+1) // one that grows leaves copies
	n, err := io.ReadFull(f, b)
	switch {
	case n > maxFile:
		return nil, "it is too large for a Wi-Fi network"
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, "it cannot be read: " + err.Error()
	}
	return b[:n], ""
}

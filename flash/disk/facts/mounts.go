package facts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Mount is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type Mount struct {
	Numbers             string // of the device; 0:x for file systems of many devices or none
	Point, Kind, Source string
	Options             string
	ID, Parent          string // its own number, and that of the mount on which its point is
}

// Mounts is the mount table as this process sees it. It fails when there is
// none: without it nobody knows what the computer runs from.
func Mounts(root string) ([]Mount, error) {
	all, err := MountTable(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("find out which disks this computer runs from (is /proc mounted?): %w", err)
	}
	return all, nil
}

// MountTable is the mount table in a file: that of any process.
func MountTable(file string) ([]Mount, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Mount
	for line := range strings.Lines(string(b)) {
		if m, ok := parseMount(strings.TrimSuffix(line, "\n")); ok {
			all = append(all, m)
		}
	}
	return all, nil
}

// parseMount splits at single spaces, because a source can be empty.
func parseMount(line string) (Mount, bool) {
	front, back, ok := strings.Cut(line, " - ")
	f, b := strings.Split(front, " "), strings.Split(back, " ")
	if !ok || len(f) < 6 || len(b) < 3 {
		return Mount{}, false
	}
	return Mount{Numbers: f[2], Point: unescape(f[4]), Kind: b[0], Source: unescape(b[1]), Options: unescape(b[2]), ID: f[0], Parent: f[1]}, true
}

// Swaps lists the paths in /proc/swaps: devices and files.
func Swaps(root string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(root, "proc/swaps"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a kernel without swap
	}
	if err != nil {
		return nil, fmt.Errorf("find out which disks are swap memory: %w", err)
	}
	var paths []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 0 && strings.HasPrefix(f[0], "/") {
			paths = append(paths, unescape(f[0]))
		}
	}
	return paths, nil
}

var octalByte = regexp.MustCompile(`\\[0-3][0-7]{2}`)

// unescape reads the octal escapes of the kernel's tables.
func unescape(s string) string {
	return octalByte.ReplaceAllStringFunc(s, func(o string) string {
		n, _ := strconv.ParseUint(o[1:], 8, 8) // three digits by the expression
		return string([]byte{byte(n)})
	})
}

// Within says whether a path is a folder or is in it.
func Within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

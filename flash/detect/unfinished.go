package detect

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/disk"
)

// patience is how long a card may take to show its first block: a broken one
// takes half a minute, and nobody waits for a list that long.
const patience = 300 * time.Millisecond

// unfinished tells whether the mark of a half-written card is on a disk that
// shows nothing else. Most users may not read a disk: then it is not known.
func unfinished(root string, d disk.Device) bool {
	if d.Refusal() != "" || len(d.Partitions) > 0 || d.FSType != "" {
		return false
	}
	found := make(chan bool, 1)
	marks := false
	crash.Go(func() error { marks = marked(filepath.Join(root, d.Path)); return nil }, func(error) { found <- marks })
	select {
	case yes := <-found:
		return yes
	case <-time.After(patience):
		return false
	}
}

func marked(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	b := make([]byte, len(disk.Mark))
	n, err := unix.Pread(fd, b, disk.MarkAt)
	return err == nil && string(b[:n]) == disk.Mark
}

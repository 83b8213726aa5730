package grant

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"piwiz/flash/disk"
)

// busy says who has the card.
func busy(d disk.Device) *Refused {
	at, by, todo := "", " by another program", "Close windows and terminals that show its files, and try again."
	if m := d.Unmounts(); len(m) > 0 {
		at = " at " + printable(strings.Join(m, ", "))
	}
	if names := users("/proc", d); len(names) > 0 {
		by, todo = " by "+strings.Join(names, ", "), "Close "+names[0]+", and try again."
	}
	return &Refused{d.Path, "It is in use" + at + by + ".", todo}
}

// users names at most three programs that have the disk itself or a file on
// it open, or hold it mounted where nobody else sees it (a container), by what
// proc(5) tells. An ordinary user sees only its own programs. Links are read,
// never followed: behind one may be a file system that does not answer.
func users(proc string, d disk.Device) []string {
	var names []string
	processes, _ := filepath.Glob(filepath.Join(proc, "[0-9]*")) // the pattern is well formed
	for _, p := range processes {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err != nil || pid == os.Getpid() || len(names) == 3 {
			continue
		}
		if opens(p, d) || mountsApart(proc, p, d) {
			name, _ := os.ReadFile(filepath.Join(p, "comm")) // no name: it ended just now
			names = append(names, printable(strings.TrimSpace(string(name)))+" (process "+strconv.Itoa(pid)+")")
		}
	}
	return names
}

func opens(process string, d disk.Device) bool {
	links, _ := filepath.Glob(filepath.Join(process, "fd", "*"))
	return slices.ContainsFunc(append(links, filepath.Join(process, "cwd"), filepath.Join(process, "root")), func(link string) bool {
		target, err := os.Readlink(link)
		return err == nil && (slices.Contains(nodes(d), target) || slices.ContainsFunc(d.Unmounts(), func(m string) bool {
			return target == m || strings.HasPrefix(target, m+"/")
		}))
	})
}

// mountsApart is about a process with a mount table of its own.
func mountsApart(proc, process string, d disk.Device) bool {
	ours, err := os.Readlink(filepath.Join(proc, "self/ns/mnt"))
	theirs, err2 := os.Readlink(filepath.Join(process, "ns/mnt"))
	if err != nil || err2 != nil || ours == theirs {
		return false
	}
	table, _ := os.ReadFile(filepath.Join(process, "mounts")) // unreadable: not known
	for line := range strings.Lines(string(table)) {
		if source, _, _ := strings.Cut(line, " "); slices.Contains(nodes(d), source) {
			return true
		}
	}
	return false
}

func nodes(d disk.Device) []string {
	out := []string{d.Path}
	for _, p := range d.Partitions {
		out = append(out, "/dev/"+p.Name)
	}
	return out
}

// printable takes out what could play tricks on a terminal: names of programs
// and of mount points are other people's.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

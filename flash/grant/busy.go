package grant

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
	"piwiz/flash/disk/facts"
)

// busy says who has the card.
func busy(d disk.Device) *Refused { return busyBy(d, users("/proc", d)) }

func busyBy(d disk.Device, by []process) *Refused {
	at, who, todo := "", " by another program", "Close windows and terminals that show its files, and try again."
	if m := d.Unmounts(); len(m) > 0 {
		at = " at " + facts.Printable(strings.Join(m, ", "))
	}
	if len(by) > 0 {
		who, todo = " by "+list(by), "Close "+by[0].String()+", and try again."
	}
	return refused(d.Path, "It is in use"+at+who+".", todo)
}

// process is a running program.
type process struct {
	name string
	pid  int
}

func (p process) String() string { return p.name + " (process " + strconv.Itoa(p.pid) + ")" }

func list(all []process) string {
	var names []string
	for _, p := range all {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}

// programs are at most three, other than this one, for which has holds. It is
// given the folder of a process, and whether that has a mount table of its own.
func programs(proc string, has func(process string, apart bool) bool) []process {
	var all []process
	here, _ := os.Readlink(filepath.Join(proc, "self/ns/mnt")) // unreadable: as if there were one only
	processes, _ := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	for _, p := range processes {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err != nil || pid == os.Getpid() || len(all) == 3 {
			continue
		}
		there, err := os.Readlink(filepath.Join(p, "ns/mnt"))
		if has(p, err == nil && here != "" && there != here) {
			name, _ := os.ReadFile(filepath.Join(p, "comm")) // no name: it ended just now
			all = append(all, process{facts.Printable(strings.TrimSpace(string(name))), pid})
		}
	}
	return all
}

// users names programs that have the disk itself or a file on it open, or hold
// it mounted where nobody else sees it (a container), by what proc(5) tells. An
// ordinary user sees only its own programs.
//
// A container has names of its own: its /dev/sda and its folders may be
// anything. So a name counts only when the device behind it has the number of
// the card too, or none that can be read; and a folder only where mounts are
// shared. Links to anything else are read, never followed: behind one may be a
// file system that does not answer.
func users(proc string, d disk.Device) []process {
	ours, at := nodes(d), d.Unmounts()
	return programs(proc, func(p string, apart bool) bool {
		if apart {
			return opens(p, ours, nil) || mounts(p, ours)
		}
		return opens(p, ours, at)
	})
}

// inFolders names programs that are in the folders of a card or have a file
// there open, so that it cannot be unmounted.
func inFolders(proc string, d disk.Device) []process {
	at := d.Unmounts()
	if len(at) == 0 {
		return nil
	}
	return programs(proc, func(p string, apart bool) bool { return !apart && opens(p, nil, at) })
}

func opens(process string, ours map[string]string, folders []string) bool {
	links, _ := filepath.Glob(filepath.Join(process, "fd", "*")) // the pattern is well formed
	return slices.ContainsFunc(append(links, filepath.Join(process, "cwd"), filepath.Join(process, "root"), filepath.Join(process, "exe")), func(link string) bool {
		target, err := os.Readlink(link)
		if err != nil {
			return false
		}
		if number, ok := ours[target]; ok {
			return number == "" || cmp.Or(numberOf(link), number) == number
		}
		return slices.ContainsFunc(folders, func(m string) bool { return facts.Within(target, m) })
	})
}

// mounts is about a process with a mount table of its own. A file system of
// many devices (btrfs) tells the name alone.
func mounts(process string, ours map[string]string) bool {
	table, _ := facts.MountTable(filepath.Join(process, "mountinfo")) // unreadable: not known
	return slices.ContainsFunc(table, func(m facts.Mount) bool {
		if number, ok := ours[m.Source]; ok {
			return number == "" || number == m.Numbers || strings.HasPrefix(m.Numbers, "0:")
		}
		return slices.Contains(slices.Collect(maps.Values(ours)), m.Numbers)
	})
}

// nodes are the disk and its partitions, and their device numbers, "" where
// that cannot be read.
func nodes(d disk.Device) map[string]string {
	out := map[string]string{d.Path: numberOf(d.Path)}
	for _, p := range d.Partitions {
		out["/dev/"+p.Name] = numberOf("/dev/" + p.Name)
	}
	return out
}

func numberOf(path string) string {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return ""
	}
	return fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
}

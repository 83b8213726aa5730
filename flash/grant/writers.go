package grant

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
	"piwiz/flash/disk/facts"
)

// written says who else could write to a card that is open: O_EXCL keeps away
// only those who ask for it too, and what another program writes later would
// be blamed on the card.
func written(d disk.Device) error {
	by := settled(func() []process { return writers("/proc", d) })
	if len(by) == 0 {
		return nil
	}
	return refused(d.Path, "Another program has it open for writing: "+list(by)+".",
		"Wait until that program ends, or stop it with: kill "+strconv.Itoa(by[0].pid)+". Then try again.")
}

// settled waits up to a second for programs that only read a card that is
// new, as indexers do.
func settled(who func() []process) []process {
	found := who()
	for range 10 {
		if len(found) == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
		found = who()
	}
	return found
}

// writers names programs that have the disk or a partition open for writing,
// under whatever name.
func writers(proc string, d disk.Device) []process {
	ours := nodes(d)
	numbers := slices.Collect(maps.Values(ours))
	return programs(proc, func(p string, _ bool) bool {
		var table []facts.Mount
		links, _ := filepath.Glob(filepath.Join(p, "fd", "*")) // the pattern is well formed
		return slices.ContainsFunc(links, func(link string) bool {
			target, err := os.Readlink(link)
			if err != nil || !strings.HasPrefix(target, "/") {
				return false // a pipe or socket
			}
			mode, mount := opening(filepath.Join(p, "fdinfo", filepath.Base(link)))
			if mode != unix.O_WRONLY && mode != unix.O_RDWR {
				return false
			}
			number, named := ours[target]
			if named && number == "" {
				return true
			}
			if table == nil {
				table, _ = facts.MountTable(filepath.Join(p, "mountinfo")) // unreadable: by names alone
			}
			if !named && !local(table, mount) {
				return false
			}
			at := numberOf(link)
			return at != "" && slices.Contains(numbers, at) || named && at == ""
		})
	})
}

// opening is how a descriptor was opened, and the number of the mount it is
// on: lines "flags:" in octal and "mnt_id:" (proc_pid_fdinfo(5)).
func opening(fdinfo string) (mode int, mount string) {
	b, err := os.ReadFile(fdinfo)
	if err != nil {
		return -1, ""
	}
	return parseOpening(string(b))
}

func parseOpening(text string) (mode int, mount string) {
	mode = -1
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); key {
		case "flags":
			if flags, err := strconv.ParseUint(value, 8, 32); err == nil {
				mode = int(flags) & unix.O_ACCMODE
			}
		case "mnt_id":
			mount = value
		}
	}
	return mode, mount
}

// local tells mounts where a device can be and that answer at once.
func local(table []facts.Mount, id string) bool {
	i := slices.IndexFunc(table, func(m facts.Mount) bool { return m.ID == id })
	return i >= 0 && slices.Contains([]string{"devtmpfs", "tmpfs", "ramfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "overlay"}, table[i].Kind)
}

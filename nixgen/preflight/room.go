package preflight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/nix"
)

// What an image of 3 GB takes at its peak, in bytes: the root file system three
// times in the build folder and twice in the store.
const (
	roomStore = 6e9
	roomBuild = 9e9
)

// Room says whether there is room for the build, with the numbers.
func (c Computer) Room(ctx context.Context) (string, error) {
	store, build := filepath.Join(c.root, "nix/store"), c.buildDir(ctx)
	a, err := free(store)
	if err != nil {
		return "", fmt.Errorf("ask how much room is in %s: %w", store, err)
	}
	b, err := free(build)
	if err != nil {
		return "", fmt.Errorf("ask how much room is in %s: %w", build, err)
	}
	if a.device == b.device {
		return judge(collectGarbage, []place{{store, a.bytes, roomStore + roomBuild}})
	}
	return judge(collectGarbage, []place{{store, a.bytes, roomStore}, {build, b.bytes, roomBuild}})
}

// RoomIn says whether there is room for a build in a Nix that is a folder; collect
// is the command that removes what it no longer needs.
func (c Computer) RoomIn(dir, collect string) (string, error) {
	a, err := free(dir)
	if err != nil {
		return "", fmt.Errorf("ask how much room is in %s: %w", dir, err)
	}
	said, err := judge(collect, []place{{dir, a.bytes, roomStore + roomBuild}})
	if p, few := errors.AsType[*Problem](err); few {
		p.Todo = append(p.Todo, "Or choose a folder on a larger disk: --own-nix-dir FOLDER")
	}
	return said, err
}

type place struct {
	dir        string
	free, want float64 // bytes
}

// collectGarbage removes what Nix no longer needs.
const collectGarbage = "nix-collect-garbage"

// judge compares what is free with what a build wants; collect is a command that
// makes room in the first place.
func judge(collect string, places []place) (string, error) {
	var all, few, dirs []string
	for _, p := range places {
		all = append(all, fmt.Sprintf("%s in %s", gb(p.free), p.dir))
		if p.free < p.want {
			few = append(few, fmt.Sprintf("%s are free in %s, up to %s are needed", gb(p.free), p.dir, gb(p.want)))
			dirs = append(dirs, p.dir)
		}
	}
	if len(few) == 0 {
		return "There is room for the build: " + strings.Join(all, ", ") + ".", nil
	}
	p := &Problem{
		Headline: "There may be too little room: " + strings.Join(few, "; ") + ".",
		Why:      "The image is put together from copies of the whole system. If the disk fills up, the build fails after a long time.",
		Todo:     []string{"See what fills the disk: df -h " + strings.Join(dirs, " ")},
	}
	if dirs[0] == places[0].dir {
		p.with(remedy{command: collect})
	} else {
		p.Todo = append(p.Todo, "Let Nix build elsewhere: set build-dir in /etc/nix/nix.conf to a folder on a larger disk (Nix 2.26 or newer).")
	}
	return "", p
}

// buildDir is where builds put their files. Source: NixOS/nix
// doc/manual/source/release-notes/rl-2.30.md.
func (c Computer) buildDir(ctx context.Context) string {
	direct := unix.Access(filepath.Join(c.root, "nix/var/nix"), unix.W_OK) == nil
	if set, err := settingsOf(ctx, !direct); err == nil && set.BuildDir != "" {
		return set.BuildDir
	}
	v, err := nix.FindVersion(ctx)
	switch {
	case err == nil && !v.Before(nix.Version{Major: 2, Minor: 30}):
		return filepath.Join(c.root, "nix/var/nix/builds")
	case direct:
		return os.TempDir()
	}
	return filepath.Join(c.root, "tmp") // the daemon's own
}

type space struct {
	device uint64
	bytes  float64
}

// free is what this user may still write into dir, or into the nearest folder
// above that exists. A file system that is more than full may count below zero,
// which is a very large number here; and no more is free than there is.
func free(dir string) (space, error) {
	for {
		var fsys unix.Statfs_t
		var file unix.Stat_t
		err := unix.Statfs(dir, &fsys)
		if err == nil {
			err = unix.Stat(dir, &file)
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return space{file.Dev, float64(min(fsys.Bavail, fsys.Blocks)) * float64(fsys.Bsize)}, err
		}
		dir = filepath.Dir(dir)
	}
}

// enough memory in bytes: reading the configuration takes 2 GB, and building
// and emulating some more.
const enough = 4e9

// Memory says how much memory and swap are free. Little of it is a warning: a
// slow build may still come to its end.
func (c Computer) Memory(context.Context) (string, error) {
	text, err := os.ReadFile(filepath.Join(c.root, "proc/meminfo"))
	if err != nil {
		return "", fmt.Errorf("ask how much memory there is: %w", err)
	}
	memory, swap := meminfo(string(text), "MemAvailable"), meminfo(string(text), "SwapFree")
	numbers := fmt.Sprintf("%s of memory and %s of swap are free", gb(memory), gb(swap))
	if memory+swap >= enough {
		return numbers + ".", nil
	}
	return "", (&Problem{
		Headline: "There is little memory: " + numbers + ", " + gb(enough) + " in all is better.", Warning: true,
		Why:  "When memory runs out, Linux stops a program and the build fails.",
		Todo: []string{"This adds swap, which is slow but helps. Or close other programs, the web browser first."},
	}).with(c.swap())
}

func (c Computer) swap() remedy {
	const file = "/swapfile.piwiz"
	var fsys unix.Statfs_t
	switch {
	case c.system.Is("nixos"):
		return line(`swapDevices = [ { device = "/swapfile"; size = 4096; } ];`)
	case c.has(file):
		return remedy{command: "sudo swapon " + file}
	case unix.Statfs(c.root, &fsys) == nil && fsys.Type == unix.BTRFS_SUPER_MAGIC:
		return remedy{command: "sudo btrfs filesystem mkswapfile --size 4g " + file + " && sudo swapon " + file}
	}
	return remedy{command: "sudo dd if=/dev/zero of=" + file + " bs=1M count=4096 && sudo chmod 600 " + file + " && sudo mkswap " + file + " && sudo swapon " + file}
}

// meminfo reads a value of proc_meminfo(5), in bytes; 0 when it is not there.
func meminfo(text, name string) float64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 63)
			if err == nil {
				return float64(kib) * 1024
			}
		}
	}
	return 0
}

func gb(bytes float64) string { return fmt.Sprintf("%.1f GB", bytes/1e9) }

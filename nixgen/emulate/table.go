package emulate

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tableDir is where the kernel shows its table of emulators.
const tableDir = "/proc/sys/fs/binfmt_misc"

// table is what the kernel's table says about aarch64. Source: the kernel's
// Documentation/admin-guide/binfmt-misc.rst.
type table struct {
	absent  bool // there is no folder to mount it on
	mounted bool
	off     bool    // the whole table is switched off
	entries []entry // those for aarch64, in the order in which the kernel asks them
	own     bool    // one has the name and the flags that piwiz gives
}

// entry is one emulator. Its name says nothing: NixOS says aarch64-linux,
// Debian qemu-aarch64.
type entry struct {
	name, interpreter, flags string
	enabled                  bool
	offset                   int
	magic, mask              []byte
}

// readTable reads the table. The kernel lists the newest entry first and asks
// in the same order, so the order of the folder is kept.
func readTable(dir string) (table, error) {
	t := table{}
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return table{absent: true}, nil
	}
	if err != nil {
		return t, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return t, err
	}
	for _, n := range names {
		switch n {
		case "register":
		case "status":
			text, err := os.ReadFile(filepath.Join(dir, n))
			if err != nil {
				return t, err
			}
			t.mounted, t.off = true, strings.TrimSpace(string(text)) == "disabled"
		default:
			text, err := os.ReadFile(filepath.Join(dir, n))
			if err != nil {
				continue // it was removed just now
			}
			if e := parse(n, string(text)); e.matches(program()) {
				t.entries = append(t.entries, e)
				t.own = t.own || e.own()
			}
		}
	}
	return t, nil
}

// used is the entry that the kernel takes for aarch64: the newest that is
// switched on, else the newest.
func (t table) used() entry {
	for _, e := range t.entries {
		if e.enabled {
			return e
		}
	}
	if len(t.entries) > 0 {
		return t.entries[0]
	}
	return entry{}
}

func parse(name, text string) entry {
	e := entry{name: name}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "enabled":
			e.enabled = true
		case "interpreter":
			e.interpreter = value
		case "flags:":
			e.flags = value
		case "offset":
			e.offset, _ = strconv.Atoi(value) // the kernel writes numbers
		case "magic":
			e.magic, _ = hex.DecodeString(value) // likewise
		case "mask":
			e.mask, _ = hex.DecodeString(value)
		}
	}
	return e
}

func (e entry) matches(file []byte) bool {
	if len(e.magic) == 0 || e.offset < 0 || e.offset+len(e.magic) > len(file) {
		return false
	}
	for i, m := range e.magic {
		mask := byte(0xff) // the kernel shows none when every bit counts
		if i < len(e.mask) {
			mask = e.mask[i]
		}
		if (m^file[e.offset+i])&mask != 0 {
			return false
		}
	}
	return true
}

// own is an entry that piwiz made.
func (e entry) own() bool { return e.name == ownName && e.flags == ownFlags && e.matches(program()) }

func (e entry) has(flag string) bool { return strings.Contains(e.flags, flag) }

var versionLine = regexp.MustCompile(`^qemu-aarch64 version (\d+)\.`)

// version is the major version of the QEMU behind an entry, 0 when it cannot
// be known: with flag F the kernel runs a file that may be gone, and NixOS's
// wrapper tells no version. Debian's link tells none under its own name.
func (e entry) version(ctx context.Context) int {
	file, err := filepath.EvalSymlinks(e.interpreter)
	if err != nil {
		return 0
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, file, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	line, _ := bufio.NewReader(strings.NewReader(string(out))).ReadString('\n') // the first line, however it ends
	m := versionLine.FindStringSubmatch(line)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // digits; too many of them are no version
	return n
}

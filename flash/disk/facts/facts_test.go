package facts

import (
	"strings"
	"testing"
)

// The kernel's escapes, and lines as they are and as they are not.
func TestMountsAreReadAsTheKernelWritesThem(t *testing.T) {
	for line, want := range map[string]Mount{
		`36 35 8:1 /sub /mnt/a\040b rw,noatime master:1 propagate_from:2 - ext3 /dev/sda1 rw,errors=continue`: {"8:1", "/mnt/a b", "ext3", "/dev/sda1", "rw,errors=continue", "36", "35"},
		`36 35 8:1 / /mnt/\134040\012 rw - ext4 /dev/a\043b rw`:                                               {"8:1", "/mnt/\\040\n", "ext4", "/dev/a#b", "rw", "36", "35"},
		`36 35 0:30 / /mnt rw - tmpfs  rw`:                                                                    {"0:30", "/mnt", "tmpfs", "", "rw", "36", "35"},
		`36 35 0:30 / /- rw - tmpfs - rw`:                                                                     {"0:30", "/-", "tmpfs", "-", "rw", "36", "35"},
	} {
		if got, ok := parseMount(line); !ok || got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", line, got, want)
		}
	}
	for _, line := range []string{"", "x", "36 35 8:1 / /mnt rw", "36 35 8:1 - ext4 /dev/sda1 rw", "36 35 8:1 / /mnt rw - ext4 /dev/sda1"} {
		if got, ok := parseMount(line); ok {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
}

func FuzzMountLine(f *testing.F) {
	f.Add("36 35 8:1 / /mnt\\040x rw - ext4 /dev/sda1 rw")
	f.Add("/dev/sda1\\777")
	f.Fuzz(func(t *testing.T, line string) {
		if m, ok := parseMount(line); ok && !strings.Contains(line, m.Numbers) {
			t.Errorf("%q: the number %q is not in it", line, m.Numbers)
		}
		escaped := strings.NewReplacer(" ", `\040`, `\`, `\134`).Replace(line)
		if got := unescape(escaped); got != line {
			t.Errorf("%q became %q", line, got)
		}
		if c := Clean(line); c != Clean(c) {
			t.Errorf("%q is not clean at once: %q, %q", line, c, Clean(c))
		}
	})
}

package computer

import (
	"slices"

	"piwiz/flash/disk/facts"
)

// Covers finds the mounts of others that stand in the way of unmounting what
// is on a disk, the last one first: those inside, at any depth, and those that
// are over a mount point or over a folder above it. The kernel takes the path to
// be unmounted for the uppermost mount there, whoever's it is; only the numbers of
// the mounts tell which that is (proc_pid_mountinfo(5), fields 1 and 2).
func (c *Computer) Covers(disk string) []string {
	devices := append([]string{disk}, c.parts[disk]...)
	own := make([]bool, len(c.table))
	lines := map[string]int{}
	for i, m := range c.table {
		own[i] = slices.ContainsFunc(c.under(i), func(n string) bool { return slices.Contains(devices, n) })
		lines[m.ID] = i
	}
	var points []string
	for i, m := range slices.Backward(c.table) {
		if !own[i] && (c.inside(lines, own, i) || c.over(lines, own, m)) {
			points = append(points, m.Point)
		}
	}
	return points
}

// above is the line on which another one is.
func (c *Computer) above(lines map[string]int, line int) (int, bool) {
	up, ok := lines[c.table[line].Parent]
	return up, ok && up != line
}

// inside tells a mount that is, over others or not, on one of our own.
func (c *Computer) inside(lines map[string]int, own []bool, line int) bool {
	for range c.table { // a table that was read while it changed can go in circles
		up, ok := c.above(lines, line)
		if !ok {
			return false
		}
		if own[up] {
			return true
		}
		line = up
	}
	return false
}

// over tells a mount that hides one of our own: both are on the same mount, or
// ours is on one that does, and the point of ours is in the folder of this.
func (c *Computer) over(lines map[string]int, own []bool, m facts.Mount) bool {
	for i := range c.table {
		for line, ok := i, own[i]; ok; {
			if n := c.table[line]; n.ID != m.ID && n.Parent == m.Parent && n.Point != m.Point && facts.Within(n.Point, m.Point) {
				return true
			}
			up, more := c.above(lines, line)
			if up >= line { // a mount comes after what it is on
				break
			}
			line, ok = up, more
		}
	}
	return false
}

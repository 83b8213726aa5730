package disk

import (
	"fmt"
	"strings"

	"piwiz/flash/disk/gadget"
)

// Mark stands at MarkAt bytes on a card that is not finished.
const (
	Mark   = "unfinished piwiz card\n"
	MarkAt = 512
)

// Contents says in one line what is on the disk.
func (d Device) Contents() string {
	var parts []string
	for _, p := range d.Partitions {
		if p.Size <= 1024 {
			continue // an extended partition, which only holds others
		}
		parts = append(parts, describe(p.Label, p.FSType, p.Size))
	}
	if len(parts) == 0 && d.FSType != "" {
		parts = append(parts, describe(d.Label, d.FSType, d.Size))
	}
	if d.Unfinished {
		return strings.TrimSpace(Mark) + ": it does not boot until it is written again"
	}
	if len(parts) == 0 {
		return "empty, or nothing that this computer recognizes"
	}
	if _, says := gadget.Trace(d.Traces); says != "" {
		parts = append(parts, "with "+says)
	}
	return strings.Join(parts, ", ")
}

func describe(label, kind string, size int64) string {
	if label == "" {
		label = "unnamed"
	}
	if kind == "" {
		kind = "unknown"
	}
	return fmt.Sprintf("%s (%s, %s)", label, kind, Human(size))
}

// Human writes a size in bytes with units of 1024: 29.7 GiB.
func Human(bytes int64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1024, 0
	for value >= 1024 && unit < 4 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %s", value, []string{"KiB", "MiB", "GiB", "TiB", "PiB"}[unit])
}

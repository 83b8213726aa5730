package diagnose

import (
	"slices"
	"strconv"
	"strings"

	"piwiz/nixgen/diagnose/computer"
	"piwiz/nixgen/diagnose/download"
	"piwiz/nixgen/diagnose/others"
	"piwiz/nixgen/diagnose/row"
	"piwiz/nixgen/diagnose/settings"
)

// known is read from the top: the special before the general. What breaks the
// computer itself comes before what that looks like from inside a build.
var known = slices.Concat(
	computer.Resources, computer.Emulation, others.Rows, computer.Service, computer.Store,
	download.Nix, download.Inside, computer.Steps, settings.Rows,
)

// early says whether a warning is already the cause.
func early(text string) bool {
	for _, r := range known {
		if r.Early && row.Find(r.Nix, text) != nil {
			return true
		}
	}
	return false
}

// fill puts the match into a text.
func fill(text string, match []string) string {
	for i, m := range match[1:] {
		text = strings.ReplaceAll(text, "$"+strconv.Itoa(i+1), m)
	}
	return text
}

package diagnose

import (
	"regexp"
	"strings"

	"piwiz/nixgen/diagnose/row"
	"piwiz/nixgen/shell"
)

// ofNixHere is advice that takes a Nix of this computer, its settings, its service
// or its users: beside piwiz's own Nix there may be none.
var ofNixHere = regexp.MustCompile(ofTheComputer.String() + `|/nix/|/etc/nix|nix-daemon|\.cache/nix|command -v nix|\bnix-users\b|sudo (?:ssh|which ssh|rm)`)

// withoutOwn is what helps whenever piwiz's own Nix does not work.
var withoutOwn = []string{
	"Remove it, and let piwiz download it again: piwiz own-nix remove",
	"Or build in another way: --builder container, or --builder ssh://USER@HOST",
}

// inOwn are the words for piwiz's own Nix in a folder.
func inOwn(w row.Instead, folder string) row.Instead {
	at := shell.Quote(folder)
	ours := strings.NewReplacer(
		"Remove what Nix no longer needs: nix-collect-garbage", "Remove what it no longer needs: piwiz own-nix gc",
		"df -h /nix /tmp", "df -h "+at, "findmnt -T /nix/store", "findmnt -T "+at)
	var do []string
	for _, d := range w.Do {
		if new := ours.Replace(d); new != d || !ofNixHere.MatchString(d) {
			do = append(do, new)
		}
	}
	if len(do) < len(w.Do) && (len(do) == 0 || len(do) == 1 && do[0] == row.Again) {
		do = withoutOwn
	}
	w.Do = do
	return w
}

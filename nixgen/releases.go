package nixgen

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Release is the NixOS release that a new host is built from: a line of the
// table below.
const Release = "26.05"

// Whatever was made before piwiz noted releases was made from this one.
const releaseBefore = "26.05"

// oldestRelease is the first one whose modules have all that a generated host
// sets. From there on a release that has no line here is built after a yes.
const oldestRelease = "25.05"

// ReleaseInfo is a release that piwiz was made for. A host that is born with it
// has its name as system.stateVersion.
type ReleaseInfo struct {
	Name string    // year and month
	Ends time.Time // from then on nobody fixes what is found in it
}

// releases are those that piwiz was made for. The end of one is in the release
// notes of the next (nixpkgs nixos/doc/manual/release-notes).
var releases = []ReleaseInfo{
	{Name: "26.05", Ends: time.Date(2026, time.December, 31, 0, 0, 0, 0, time.UTC)},
}

// Releases lists the releases that piwiz was made for.
func Releases() []ReleaseInfo { return slices.Clone(releases) }

// branch is the channel branch of a release: all that is on it is in the binary
// cache.
func branch(release string) string { return "nixos-" + release }

// Flake is where its nixpkgs is, as a flake writes it.
func (r ReleaseInfo) Flake() string { return flakeOf(r.Name) }

func flakeOf(release string) string { return "github:NixOS/nixpkgs/" + branch(release) }

// tried tells whether piwiz was made for a release.
func tried(release string) bool {
	return slices.ContainsFunc(releases, func(r ReleaseInfo) bool { return r.Name == release })
}

var releaseForm = regexp.MustCompile(`^[0-9]{2}\.(05|11)$`)

// checkRelease is what must be changed about a release, "" when nothing.
func checkRelease(s string) string {
	switch {
	case s == "":
		return ""
	case !releaseForm.MatchString(s):
		return "A release of NixOS is a year and a month, for example " + Release + ", in quotes."
	case s < oldestRelease:
		return "piwiz cannot build a release that old. Use " + Release + "."
	}
	return ""
}

// otherRelease is the doubt about a release that piwiz was not made for, "" when
// there is none.
func otherRelease(s string) string {
	if tried(s) || checkRelease(s) != "" {
		return ""
	}
	return fmt.Sprintf("The release is %s, but this piwiz was made for NixOS %s and tested with no other: the build may fail, or the Pi not start. Use %[2]s.", s, Release)
}

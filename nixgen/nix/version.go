package nix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/nix/clean"
)

// ErrNotFound says that there is no nix program in PATH; see Reach.
var ErrNotFound = errors.New("no Nix on this computer")

// Oldest is the first version that today's nixpkgs accepts (its
// lib/minfeatures.nix).
var Oldest = Version{2, 18, 0}

// Version is a version of Nix.
type Version struct{ Major, Minor, Patch int }

// String is the usual form, 2.26.3.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Before says whether v is older than o.
func (v Version) Before(o Version) bool {
	if v.Major != o.Major {
		return v.Major < o.Major
	}
	if v.Minor != o.Minor {
		return v.Minor < o.Minor
	}
	return v.Patch < o.Patch
}

// howHint leads to the one place that knows how each system gets a Nix.
const howHint = "See the command for this computer: piwiz check --builder local"

func startError(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Lacks: true, Headline: "Nix is not installed on this computer.", Todo: []string{howHint}, Err: ErrNotFound}
	}
	return fmt.Errorf("start nix: %w", err)
}

// "nix (Nix) 2.26.3", "nix (Nix) 2.35.0pre20260301_abcdef", "nix (Lix, like Nix) 2.91.1"
var versionText = regexp.MustCompile(`^nix \([^)]*\) (\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?`)

func parseVersion(out string) (Version, error) {
	m := versionText.FindStringSubmatch(out)
	if m == nil {
		first, _, _ := strings.Cut(clean.Text(out), "\n")
		return Version{}, fmt.Errorf("nix --version answered %q, which is not a version", first)
	}
	var v Version
	for i, part := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if m[i+1] != "" {
			n, err := strconv.Atoi(m[i+1])
			if err != nil {
				return Version{}, err
			}
			*part = n
		}
	}
	return v, nil
}

// FindVersion asks nix for its version. The error is ErrNotFound when there is
// no nix in PATH.
func FindVersion(ctx context.Context) (Version, error) {
	out, err := Run(ctx, Command{Args: []string{"--version"}}, nil)
	if err != nil {
		return Version{}, err
	}
	return parseVersion(string(out))
}

// Check says whether nix is there, new enough, and can reach its store. The
// error has hints.
func Check(ctx context.Context) error {
	v, err := FindVersion(ctx)
	if err != nil {
		return err
	}
	if v.Before(Oldest) {
		return &fault.Error{
			Lacks:    true,
			Headline: fmt.Sprintf("Nix %s is too old. NixOS needs Nix %s or newer.", v, Oldest),
			Todo:     []string{howHint},
		}
	}
	limited, stop := context.WithTimeout(ctx, Patience)
	defer stop()
	if _, said, err := AskStore(limited); err != nil {
		return StoreError(ctx, said, err)
	}
	return nil
}

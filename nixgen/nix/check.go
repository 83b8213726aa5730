package nix

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Version is a version of Nix.
type Version struct{ Major, Minor, Patch int }

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

var versionForm = regexp.MustCompile(`\b(\d+)\.(\d+)(?:\.(\d+))?`)

// FindVersion asks the nix on PATH for its version.
func FindVersion(ctx context.Context) (Version, error) {
	cmd, err := command(ctx, []string{"--version"})
	if err != nil {
		return Version{}, err
	}
	out, err := cmd.Output()
	if err != nil {
		return Version{}, fmt.Errorf("ask nix for its version: %w", err)
	}
	m := versionForm.FindStringSubmatch(string(out))
	if m == nil {
		return Version{}, errors.New("nix does not tell its version; is it really Nix?")
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // digits, or nothing, which is 0
	}
	return Version{n[0], n[1], n[2]}, nil
}

// oldest is the first version that nixpkgs accepts (nixpkgs, lib/minver.nix).
var oldest = Version{2, 18, 0}

// Check tells whether there is a Nix that is new enough and whose store
// answers.
func Check(ctx context.Context) error {
	v, err := FindVersion(ctx)
	if err != nil {
		return err
	}
	if v.Major < oldest.Major || v.Major == oldest.Major && v.Minor < oldest.Minor {
		return &Problem{fmt.Errorf("Nix %s is too old: NixOS needs %d.%d or newer", v, oldest.Major, oldest.Minor), []string{
			"Install a current one beside it, as https://nixos.org/download says; Debian 13 and Ubuntu 25.04 have one as well.",
		}}
	}
	cmd, err := command(ctx, []string{"store", "ping"})
	if err != nil {
		return err
	}
	cmd.Stderr = nil
	if _, err := cmd.Output(); err != nil {
		var exit *exec.ExitError
		said := ""
		if errors.As(err, &exit) {
			said = string(exit.Stderr)
		}
		return storeProblem(said)
	}
	return nil
}

func storeProblem(said string) error {
	switch {
	case strings.Contains(said, "Permission denied"):
		return &Problem{errors.New("you may not use the Nix of this computer yet"), []string{
			"Run: sudo adduser $USER nix-users", "Then log out and in again.",
		}}
	case strings.Contains(said, "daemon-socket"):
		return &Problem{errors.New("the Nix daemon is not running"), []string{"Run: sudo systemctl enable --now nix-daemon.socket nix-daemon"}}
	}
	return &Problem{errors.New("the Nix store does not answer"), []string{"Run this and read what it says: nix store ping --extra-experimental-features nix-command"}}
}

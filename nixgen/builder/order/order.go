// Package order is what nix is told to build for an image. Every builder takes an
// order; how and where it runs nix with it is its own affair.
//
// Rule: the flake is named by path:, never as a git tree, so that every file in it
// counts.
package order

import (
	"net/url"

	"piwiz/nixgen/nix"
)

// Order is for one run of nix build. Paths are absolute.
type Order struct {
	Flake   string // folder with flake.nix
	Host    string // name under nixosConfigurations
	OutLink string // becomes a link to the result and keeps it from garbage collection
	Nixpkgs string // flake URL instead of the pinned nixpkgs; "" is the pinned one
	DryRun  bool   // Nix says what it would do, and does nothing
	Log     string // file for what Nix says to programs, "" for none
}

// Copies is where a builder keeps what link points to when it copied that from a
// store that is not on this computer: beside the link, as if it were the root of
// the file system.
func Copies(link string) string { return link + ".copy" }

// mostLog bounds that file in bytes, as package logfile does. Of a NixOS image Nix
// says 10 MiB.
const mostLog = 16 << 20

// URL is the flake for nix. A folder's name may hold what means something in a
// URL.
func (o Order) URL() string { return "path:" + (&url.URL{Path: o.Flake}).EscapedPath() }

// Args are those of nix.
func (o Order) Args() []string {
	args := []string{
		"--extra-experimental-features", "nix-command flakes",
		"build", o.URL() + "#nixosConfigurations." + o.Host + ".config.system.build.sdImage",
		"--option", "extra-platforms", "aarch64-linux",
		"--out-link", o.OutLink,
		"--json", "--log-format", "internal-json", "-v",
		"--show-trace", // Nix cuts off the end, and that is where the user's own file is
	}
	if o.Nixpkgs != "" {
		args = append(args, "--override-input", "nixpkgs", o.Nixpkgs, "--no-write-lock-file")
	}
	if o.DryRun {
		args = append(args, "--dry-run")
	}
	return args
}

// Command runs nix with Args on this computer, and keeps what it says.
func (o Order) Command() nix.Command {
	return nix.Command{Args: o.Args(), LogFile: o.Log, LogMost: mostLog}
}

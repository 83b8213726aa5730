package nix

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/xdg"
)

// Install is the command for a shell (bash or zsh) that installs Nix on any Linux
// with systemd. It stands here alone: package preflight knows when a system has a
// package of its own.
const Install = "sh <(curl -fL https://nixos.org/nix/install) --daemon"

// Places are the folders where an installed Nix can be that PATH knows only in a
// session that begins later. Sources: NixOS/nix scripts/nix-profile.sh.in and
// nix-profile-daemon.sh.in; NixOS/nixpkgs nixos/modules/programs/environment.nix.
func Places() []string {
	var places []string
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, filepath.Join(home, ".nix-profile/bin"))
	}
	if state, err := xdg.State(); err == nil {
		places = append(places, filepath.Join(state, "nix/profile/bin"))
	}
	if u, err := user.Current(); err == nil {
		places = append(places, filepath.Join("/etc/profiles/per-user", u.Username, "bin"))
	}
	return append(places, "/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin")
}

// Reach adds Places to the end of this process's PATH, and so to that of what it
// starts: a Nix that was installed a moment ago is found, and so are the programs
// beside it.
func Reach() error {
	path := filepath.SplitList(os.Getenv("PATH"))
	for _, p := range Places() {
		if !slices.Contains(path, p) {
			path = append(path, p)
		}
	}
	return os.Setenv("PATH", strings.Join(path, string(filepath.ListSeparator)))
}

// HomeStore is the root of the store of an ordinary user's Nix on a computer
// without /nix, which links to it as if it were at /nix; "" when it can be
// nowhere. Source: NixOS/nix src/libstore/store-api.cc.
func HomeStore() string {
	data, err := xdg.Data()
	if err != nil {
		return ""
	}
	return filepath.Join(data, "nix/root")
}

package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"piwiz/nixgen/nix"
)

const (
	// bash keeps the terminal for the installer's questions, which a pipe
	// into sh would take away.
	installer = `bash -c "` + nix.Install + `"`
	newMember = "Then log out and in again: only a new session is in the group."
	whyNix    = "Nix is the program that builds the system of the Raspberry Pi."
)

// Nix says whether Nix is there and new enough.
func (c Computer) Nix(ctx context.Context) (string, error) {
	v, err := nix.FindVersion(ctx)
	switch {
	case err == nil && !v.Before(nix.Oldest):
		return fmt.Sprintf("Nix %s is installed.", v), nil
	case err == nil:
		return "", (&Problem{
			Headline: fmt.Sprintf("Nix %s is too old: NixOS needs %s or newer.", v, nix.Oldest), Why: whyNix + " Older ones cannot read the descriptions of today's packages.",
		}).with(c.upgrade())
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, nix.ErrNotFound):
		return "", c.missing(err)
	}
	return "", &Problem{
		Headline: "Nix is installed but does not start: " + err.Error() + ".", Why: whyNix,
		Todo: []string{"See what it says: nix --version"}, Err: err,
	}
}

func (c Computer) missing(err error) *Problem {
	return (&Problem{Headline: "Nix is not installed on this computer.", Why: whyNix, Err: err}).with(c.install())
}

// install is the system's own package where that is new enough.
func (c Computer) install() remedy {
	join := "sudo usermod -aG nix-users " + c.user
	const start = "sudo systemctl enable --now nix-daemon.socket"
	switch {
	case c.system.Is("nixos"):
		return line("nix.enable = true;")
	case c.packaged():
		return remedy{[]string{newMember}, "sudo apt-get update && sudo apt-get install nix-setup-systemd && " + join}
	case c.system.Is("arch") && c.systemd:
		return remedy{[]string{newMember}, "sudo pacman -S nix && " + start + " && " + join}
	case c.system.Is("fedora") && c.system.Version >= 44 && c.systemd:
		return remedy{command: "sudo dnf install nix nix-daemon && " + start}
	case c.systemd:
		return remedy{command: installer}
	}
	// The installer's service needs systemd; without it Nix is for one user.
	return remedy{command: strings.Replace(installer, "--daemon", "--no-daemon", 1)}
}

// packaged says whether the system has a package of Nix that is new enough:
// Debian from 13 on has 2.26, Ubuntu from 24.04 on 2.18. What is made from
// them has numbers of its own.
func (c Computer) packaged() bool {
	if len(c.system.IDs) == 0 || !c.systemd {
		return false
	}
	switch c.system.IDs[0] {
	case "debian":
		return c.system.Version >= 13 || c.system.Version == 0 // testing has no number
	case "ubuntu":
		return c.system.Version >= 24.04
	}
	return false
}

// upgrade depends on where the nix in PATH came from.
func (c Computer) upgrade() remedy {
	where, err := exec.LookPath("nix")
	if err == nil {
		where, _ = filepath.EvalSymlinks(where)
	}
	ofSystem := strings.HasPrefix(where, "/usr/")
	switch {
	case c.system.Is("nixos"):
		return remedy{todo: []string{"Upgrade this computer to a current NixOS, or add to its configuration: nix.package = pkgs.nixVersions.latest;", "Then: sudo nixos-rebuild switch"}}
	case ofSystem && c.packaged():
		return remedy{command: "sudo apt-get update && sudo apt-get install nix-bin nix-setup-systemd"}
	case ofSystem && c.system.Is("debian", "ubuntu"):
		return remedy{[]string{"This removes this system's own package of Nix, which is too old, and installs Nix from nixos.org."}, "sudo apt-get remove nix-bin && " + installer}
	case ofSystem && c.system.Is("arch"):
		return remedy{command: "sudo pacman -Syu nix"}
	case ofSystem && c.system.Is("fedora"):
		return remedy{command: "sudo dnf upgrade nix"}
	case os.Getenv("HOME") != "" && strings.HasPrefix(where, "/nix/store/") && !c.has("nix/var/nix/profiles/default/bin/nix"):
		return remedy{command: "nix-env --install --file '<nixpkgs>' --attr nix cacert -I nixpkgs=channel:nixpkgs-unstable"}
	case strings.HasPrefix(where, "/nix/store/"):
		return remedy{command: "sudo -i nix-env --install --file '<nixpkgs>' --attr nix cacert -I nixpkgs=channel:nixpkgs-unstable && sudo systemctl daemon-reload && sudo systemctl restart nix-daemon"}
	}
	r := c.install()
	r.todo = append([]string{"Remove the old one first (" + where + ")."}, r.todo...)
	return r
}

package computer

import (
	"piwiz/nixgen/diagnose/row"
	"piwiz/nixgen/nix"
)

// Service is Nix itself, and its daemon, of the computer that says it.
var Service = bySpeaker([]row.Row{{
	Name: "feature-off", Verbatim: true, Nix: []string{`experimental Nix feature '([^']+)' is disabled`},
	Headline: "The configuration uses a feature of Nix that is switched off: $1.",
	Why:      "piwiz switches on what it needs itself (nix-command, flakes).",
	Page:     "preview", Do: []string{"Take it out of configuration.nix, or put into /etc/nix/nix.conf: extra-experimental-features = $1"},
}, {
	Name: "nix-too-old-flag", Nix: []string{`unrecognised flag '([^']+)'`},
	Headline: "This Nix is too old: it does not know $1.",
	Why:      "NixOS needs Nix 2.18 or newer.",
	Page:     "check", Do: []string{"See which one you have: nix --version", row.Check},
}, {
	Name: "lock-newer", Nix: []string{`unsupported (?:\S+ )?input attribute '([^']+)'`},
	Headline: "The file that records the versions (flake.lock) was written by a newer Nix than this one.",
	Why:      "It has something that this Nix does not know: $1.",
	Page:     "check", Do: []string{"See which one you have: nix --version", row.Check},
}, {
	Name: "nix-too-old", Nix: []string{`This version of Nixpkgs requires`},
	Headline: "This Nix is too old for today's NixOS.",
	Why:      "NixOS needs Nix 2.18 or newer.",
	Page:     "check", Do: []string{"See which one you have: nix --version", row.Check},
}, {
	Name: "daemon-refuses", Nix: []string{`daemon-socket/socket['"]?: Permission denied`},
	Headline: "You are not allowed to use Nix on COMPUTER yet.",
	Why:      "Its service answers only members of the group that its socket belongs to (Debian and Ubuntu: nix-users).",
	Page:     "check", Do: []string{"See which: ls -ld /nix/var/nix/daemon-socket", "Join it: sudo usermod --append --groups nix-users $USER", "Then log out and in again."},
}, {
	Name: "daemon-down", Nix: []string{`cannot connect to socket at ['"][^'"]+['"]: (?:No such file or directory|Connection refused)`},
	Headline: "The Nix service (nix-daemon) is not running.",
	Why:      "You build through it, and its socket is missing or dead.",
	Page:     "check", Do: []string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
}, {
	Name:     "daemon-missing",
	Nix:      []string{`big-lock['"]?: Permission denied`, `could not set permissions on '/nix/var/`, `non-root in a single-user Nix`},
	Headline: "Nix on COMPUTER belongs to root, and its service (nix-daemon) is not running.",
	Why:      "Without the service only root can build.",
	Page:     "check", Do: []string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
}, {
	Name: "daemon-hangs-up", Nix: []string{`cannot open connection to remote store '(?:daemon|auto|unix:[^']*)'.*(?:Broken pipe|Connection reset by peer|unexpected end-of-file|disconnected unexpectedly)`},
	Headline: "The Nix service (nix-daemon) closes the connection at once.",
	Why:      "It does that to users whom its setting allowed-users does not name, and says why only in its own log.",
	Page:     "check", Do: []string{"Read it: sudo journalctl -u nix-daemon -n 20", "If it says \"not allowed to connect\": add yourself to allowed-users in /etc/nix/nix.conf, then: sudo systemctl restart nix-daemon"},
}, {
	Name: "daemon-died", Nix: row.HungUp,
	Headline: "The Nix service (nix-daemon) stopped in the middle of the build.",
	Why:      "It was restarted, or it crashed.",
	Page:     "check", Do: []string{"See why: sudo journalctl -u nix-daemon -n 30", "Start it: sudo systemctl restart nix-daemon", row.Again},
}, {
	Name: "no-build-users", Nix: []string{`the group '([^']+)' specified in 'build-users-group' does not exist`, `the build users group '([^']+)' has no members`},
	Headline: "The users that build for Nix are missing: the group $1 is not there, or empty.",
	Why:      "When root builds, Nix gives the work to users made for that; its installer makes them.",
	Page:     "check", Do: []string{"In a container, or for root alone: put into /etc/nix/nix.conf: build-users-group =", "Else install Nix again, its installer makes them: " + nix.Install},
}, {
	Name: "no-static-bash", Nix: []string{`['"]/usr/bin/bash-static['"]: No such file`},
	Headline: "A part of Debian's Nix is not installed: bash-static.",
	Why:      "Every build uses it as its /bin/sh.",
	Page:     "check", Do: []string{"sudo apt-get install bash-static", row.Again},
}, {
	Name: "no-git", Nix: []string{`executing ['"]git['"]: No such file`},
	Headline: "Nix needs git to fetch something, and git is not installed.",
	Why:      "configuration.nix or the flake names a git repository.",
	Page:     "check", Do: []string{"Install it. Debian and Ubuntu: sudo apt-get install git; Fedora: sudo dnf install git; Arch: sudo pacman -S git", row.Again},
}})

func bySpeaker(rows []row.Row) []row.Row {
	for i := range rows {
		rows[i].Side = row.Spoke
	}
	return rows
}

package computer

import "piwiz/nixgen/diagnose/row"

// Emulation is whether programs of the Pi run here.
var Emulation = []row.Row{{
	Name: "not-registered", Side: row.Builds, Nix: []string{`executing ['"][^'"]+['"]: Exec format error`}, Log: []string{`executing ['"][^'"]+['"]: Exec format error`},
	Headline: "COMPUTER does not run programs for the Raspberry Pi: no emulator is registered.",
	Why:      "The build runs a few programs made for the Pi's processor (aarch64). Linux must know an emulator (QEMU) for them.",
	Page:     "check", Do: []string{row.Check, "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"},
	Remote: &row.Instead{Do: []string{"Register one. Debian and Ubuntu: sudo apt-get install qemu-user-static", "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"}},
	Boxed:  &row.Instead{Do: []string{"Build again: piwiz registers one for containers when there is none.", "If that does not help: sudo apt-get install qemu-user-static"}},
}, {
	Name: "emulator-outside", Side: row.Builds,
	Nix:      []string{notThere},
	Log:      []string{notThere},
	Headline: "A program of the build does not start, though it is there.",
	Why:      "Either the emulator is missing inside Nix's sandbox: it must be a static one, registered with flag F, so that Linux keeps it open. Or Nix builds without a sandbox (sandbox = false), in a store that is not at /nix.",
	Page:     "check", Do: []string{row.Check, "See whether Nix uses its sandbox: nix --extra-experimental-features nix-command config show sandbox"},
	Remote: &row.Instead{Do: []string{
		"Register a static emulator. Debian and Ubuntu: sudo apt-get install qemu-user-static",
		"See whether Nix uses its sandbox: nix --extra-experimental-features nix-command config show sandbox",
	}},
	Boxed: &row.Instead{
		Why: "The emulator is registered, but the container does not see it: it must be registered with flag F, so that Linux keeps it open.",
		Do:  []string{"Register a static one: sudo apt-get install qemu-user-static", row.Again},
	},
}, {
	Name: "wrong-processor", Log: []string{`cannot execute binary file(?:$|: Exec format error)`},
	Headline: "The build ran into a program for another type of processor.",
	Why:      "Programs for this computer and for the Pi are mixed, most often by nixpkgs.buildPlatform.",
	Page:     "preview", Do: []string{"Take out of configuration.nix what sets nixpkgs.buildPlatform, crossSystem or packages of another system.", row.Check},
}, {
	Name: "qemu-crash", Side: row.Builds, Log: []string{`qemu: uncaught target signal`, `accel/tcg/`},
	Headline: "The emulator (QEMU) crashed.",
	Why:      "Old versions have bugs that only some programs hit.",
	Page:     "check", Do: []string{"See its version, and how to get a newer one: piwiz check", row.Again},
}, {
	Name: "fakeroot", Side: row.Builds, Log: []string{`semop\(\d+\): encountered an error: Function not implemented`},
	Headline: "The emulator (QEMU) is too old to make the card's file system.",
	Why:      "fakeroot needs a system call (semop) that it does not know.",
	Page:     "check", Do: []string{"See its version, and how to get a newer one: piwiz check", row.Again},
}, {
	Name: "nix-emulated", Side: row.Builds, Nix: []string{`unable to load seccomp BPF program`}, Log: []string{`unable to load seccomp BPF program`},
	Headline: "Nix itself runs emulated.",
	Why:      "It was installed for a different type of processor than this computer has, as in a container made for another computer.",
	Page:     "check", Do: []string{"See both: uname -m; file -L \"$(command -v nix)\"", "Use a Nix (or a container) made for the type of processor that uname names."},
	Boxed: &row.Instead{
		Why: "The container image is for a different type of processor than this computer has.",
		Do:  []string{"Fetch the one for this computer's architecture: ENGINE pull docker.io/nixos/nix", "Or leave the name of the image out: --builder ENGINE"},
	},
}, {
	Name: "no-namespaces", Side: row.Builds,
	Nix:      []string{`user namespaces are not enabled`, `does not support the kernel namespaces`, `(?:cloning builder process|unable to fork): Invalid argument`},
	Log:      []string{`user namespaces are not enabled`},
	Headline: "COMPUTER does not let Nix build in a sandbox (user namespaces are off).",
	Why:      "Nix builds every step apart from everything else, and Linux or a container around it forbids that.",
	Page:     "check", Do: []string{"Turn them on: sudo sysctl user.max_user_namespaces=15000", row.Again},
	Boxed: noBox,
}, {
	Name: "sandbox-forbidden", Side: row.Builds,
	Nix:      []string{noSandbox, `unable to start build process`, `getting sandbox mount namespace: `},
	Log:      []string{noSandbox},
	Headline: "COMPUTER does not let Nix build in a sandbox.",
	Why:      "Nix builds every step apart from everything else. A container around it, or a rule for ordinary users, forbids that.",
	Page:     "check", Do: []string{
		"On Ubuntu 24.04 and newer: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
		"In a container: start it with --privileged, or build outside of it.", row.Again,
	},
	Boxed: noBox,
}}

// noBox are the words where the box would be one inside a container.
var noBox = &row.Instead{
	Headline: "ENGINE does not let Nix build in its container.",
	Why:      "The rules of ENGINE on this computer are stricter than usual.",
	Do:       row.WithoutContainer,
}

// notThere is about a program, of which only the interpreter can be missing.
const notThere = `executing ['"]/nix/store/[^'"]+['"]: No such file or directory`

// noSandbox is the kernel's no to one of the steps that make the box. Source:
// NixOS/nix src/libstore/unix/build/linux-derivation-builder.cc.
const noSandbox = `(?:cloning builder process|unable to fork|setting up a private mount namespace|mounting /\S+|cannot pivot old root directory onto '[^']+'|cannot change root directory to '[^']+'|unable to make filesystem '[^']+' private|bind mount from '[^']+' to '[^']+' failed|cannot set (?:host|domain) name|(?:setuid|setgid|setgroups) failed): (?:Operation not permitted|Permission denied|Invalid argument)`

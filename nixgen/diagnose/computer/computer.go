// Package computer has the failures of the computer that builds: what it lacks,
// what its Nix refuses, and what is damaged on it.
package computer

import "piwiz/nixgen/diagnose/row"

// Resources are disk and memory.
var Resources = []row.Row{{
	Name: "no-namespaces-left", Side: row.Builds,
	Nix:      []string{`(?:cloning builder process|unable to fork): No space left on device`},
	Log:      []string{`(?:cloning builder process|unable to fork): No space left on device`},
	Headline: "COMPUTER does not let Nix build in a sandbox: no user namespace is left.",
	Why:      "Linux says \"no space\" then, but no disk is full.",
	Page:     "check", Do: []string{"Allow more: sudo sysctl user.max_user_namespaces=15000", row.Again},
}, {
	Name: "xattrs", Side: row.Ran, Log: []string{`set_inode_xattr: `, `while setting xattrs for`},
	Headline: "The card's file system cannot take over the security labels (SELinux) of the files of COMPUTER.",
	Why:      "That happens when Nix builds without its sandbox (sandbox = false).",
	Page:     "check", Do: []string{"Put into /etc/nix/nix.conf: sandbox = true", "sudo systemctl restart nix-daemon", row.Again},
	Boxed: &row.Instead{Why: "ENGINE shows them to the build, and Nix has no sandbox in there.", Do: row.WithoutContainer},
}, {
	Name: "image-too-small", Log: []string{`Could not allocate (?:inode|block)`, `failed to allocate (?:inode|block)`, `No space left on device while looking up`},
	Headline: "The file system of the card came out too small for its files.",
	Why:      "nixpkgs estimates the size, and was wrong. No disk is full.",
	Page:     "preview", Do: []string{"Take large things out of configuration.nix, then build again."},
}, {
	Name: "firmware-too-small", Log: []string{`(?m)^Disk full$`},
	Headline: "The small first partition of the card (FIRMWARE) came out too small for its files.",
	Why:      "Its size is fixed, and what the Pi needs to start has grown. No disk is full.",
	Page:     "preview", Do: []string{"Add to configuration.nix: sdImage.firmwareSize = 128;"},
}, {
	Name: "disk-full", Early: true, Side: row.Either,
	Nix:      []string{`No space left on device`, `lack of free disk space`, `database or disk is full`},
	Log:      []string{`No space left on device`},
	Headline: "The disk of COMPUTER is full.",
	Why:      "Building an image takes up to 15 GiB, in /nix and in the build folder.",
	Page:     "check", Do: []string{"See what is full: df -h /nix /tmp", "Remove what Nix no longer needs: nix-collect-garbage", row.Again},
	Boxed: &row.Instead{Do: []string{"See what is full: df -h", "See what ENGINE keeps: ENGINE system df", "Remove what it no longer needs: ENGINE system prune", row.Again}},
}, {
	Name: "quota", Early: true, Side: row.Either, Nix: []string{`Disk quota exceeded`}, Log: []string{`Disk quota exceeded`},
	Headline: "Your share of the disk (quota) is used up.",
	Why:      "Whoever looks after this computer has set a limit for you.",
	Page:     "check", Do: []string{"See the limit: quota -s", "Remove what Nix no longer needs: nix-collect-garbage", row.Again},
	Boxed: &row.Instead{Do: []string{"See the limit: quota -s", "Remove what ENGINE no longer needs: ENGINE system prune", row.Again}},
}, {
	Name: "read-only", Side: row.Either, Nix: []string{`Read-only file system`},
	Headline: "Nix cannot write: its disk is read-only.",
	Why:      "Linux turns a disk read-only when it has errors, and some systems mount /nix so.",
	Page:     "check", Do: []string{"See how it is mounted: findmnt -T /nix/store", "See whether the disk has errors: sudo dmesg | grep -i error"},
	Boxed: &row.Instead{Why: "Linux turns a disk read-only when it has errors.", Do: []string{"See whether the disk has errors: sudo dmesg | grep -i error"}},
}, {
	Name: "killed", Side: row.Ran,
	Nix: []string{`failed due to signal 9 \(Killed\)`, `failed with exit code 137`},
	Log: []string{`Killed signal terminated program`, `(?m)^\S*: line \d+: +\d+ Killed `},

	Headline: "A step of the build was killed.",
	Why:      "Almost always it is Linux that does this, because memory ran out.",
	Page:     "check", Do: []string{"See whether it was so: sudo dmesg | grep -i 'out of memory'", "Close other programs, see how much is free (free -h), and build again."},
}, {
	Name: "emulator-folders", Side: row.Builds, Log: []string{`error while reading directory \S+: Cannot allocate memory`},
	Headline: "The emulator (QEMU) is too old to list folders of this file system.",
	Why:      "It says that memory is missing, but none is.",
	Page:     "check", Do: []string{"See its version, and how to get a newer one: piwiz check", row.Again},
}, {
	Name: "no-memory", Side: row.Ran,
	Nix:      []string{`Cannot allocate memory`, `std::bad_alloc`, `(?i)(?:^|^Nix daemon )out of memory`, `Too many heap sections`},
	Log:      []string{`virtual memory exhausted`, `[Cc]annot allocate memory`, `std::bad_alloc`},
	Headline: "There is not enough memory.",
	Why:      "Reading the configuration takes about 2 GiB, some steps more. Old emulators (QEMU below 5) fail like this too.",
	Page:     "check", Do: []string{"See how much is free: free -h", "Close other programs, then build again.", row.Check},
}, {
	Name: "open-files", Side: row.Ran, Nix: []string{`Too many open files`}, Log: []string{`Too many open files`},
	Headline: "Nix has too many files open.",
	Why:      "The limit of this terminal or of the Nix service is too low.",
	Page:     "check", Do: []string{"In this terminal: ulimit -n 65536", "For the service: sudo systemctl edit nix-daemon, with [Service] and LimitNOFILE=1048576", row.Again},
	Boxed: &row.Instead{Why: "ENGINE gives a container its own limit.", Do: row.WithoutContainer},
}}

// Steps are the steps of a build.
var Steps = []row.Row{{
	Name: "silent", Side: row.Ran, Nix: []string{`timed out after (\d+) seconds of silence`},
	Headline: "A step of the build printed nothing for $1 seconds, and Nix stopped it.",
	Why:      "Emulated steps can be slow; Nix is set to allow no more.",
	Page:     "check", Do: []string{"Put into /etc/nix/nix.conf: max-silent-time = 0", "sudo systemctl restart nix-daemon", row.Again},
}, {
	Name: "timeout", Side: row.Ran, Nix: []string{`timed out after (\d+) seconds`},
	Headline: "A step of the build took longer than the $1 seconds that Nix allows.",
	Why:      "Emulated steps can be slow; the limits are timeout and max-silent-time.",
	Page:     "check", Do: []string{"See both: nix --extra-experimental-features nix-command config show | grep -E '^(timeout|max-silent-time)'", "Put into /etc/nix/nix.conf: timeout = 0 and max-silent-time = 0, then: sudo systemctl restart nix-daemon"},
}, {
	Name: "missing-module", Log: []string{`modprobe: FATAL: Module (\S+) not found in directory`},
	Headline: "The kernel has no module $1, but the image asks for it.",
	Why:      "Kernels made for one board lack modules that the image lists for every board.",
	Page:     "preview", Do: []string{"Take the other kernel (boot.kernelPackages, nixos-hardware) out of configuration.nix, or add: boot.initrd.allowMissingModules = true;"},
}, {
	Name: "sshd-settings", Log: []string{`(?m)sshd\S* line \d+: ((?:[Bb]ad|unsupported|missing|keyword|[Ii]nvalid) .+)$`},
	Headline: "The SSH server does not understand one of its settings: $1.",
	Why:      "NixOS has the server check them while it builds.",
	Page:     "preview", Do: []string{"Fix it in configuration.nix under services.openssh.settings."},
}, {
	Name: "interrupted", Nix: []string{`^interrupted by the user`},
	Headline: "The build was interrupted.",
	Why:      "Something other than piwiz stopped Nix. What was built already is kept.",
	Do:       []string{"Build again."},
}}

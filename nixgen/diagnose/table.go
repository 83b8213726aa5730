package diagnose

import "slices"

// known is read from the top: the special before the general. What breaks the
// computer itself comes before what that looks like from inside a build.
var known = slices.Concat(Resources, Emulation, Others, Service, Store, Network, Inside, Steps, Settings)

const (
	Again = "Then build again: what is done already is kept."
	Check = "See what is missing and the command for this computer: piwiz check"
)

// Resources are disk and memory.
var Resources = []Row{{
	Name: "no-namespaces-left", Side: Builds,
	Nix:      []string{`(?:cloning builder process|unable to fork): No space left on device`},
	Log:      []string{`(?:cloning builder process|unable to fork): No space left on device`},
	Headline: "COMPUTER does not let Nix build in a sandbox: no user namespace is left.",
	Why:      "Linux says \"no space\" then, but no disk is full.",
	Page:     "check", Do: []string{"Allow more: sudo sysctl user.max_user_namespaces=15000", Again},
}, {
	Name: "xattrs", Side: Ran, Log: []string{`set_inode_xattr: `, `while setting xattrs for`},
	Headline: "The card's file system cannot take over the security labels (SELinux) of the files of COMPUTER.",
	Why:      "That happens when Nix builds without its sandbox (sandbox = false).",
	Page:     "check", Do: []string{"Put into /etc/nix/nix.conf: sandbox = true", "sudo systemctl restart nix-daemon", Again},
	Boxed: &Instead{Why: "ENGINE shows them to the build, and Nix has no sandbox in there.", Do: WithoutContainer},
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
	Name: "disk-full", Early: true, Side: Either,
	Nix:      []string{`No space left on device`, `lack of free disk space`, `database or disk is full`},
	Log:      []string{`No space left on device`},
	Headline: "The disk of COMPUTER is full.",
	Why:      "Building an image takes up to 15 GiB, in /nix and in the build folder.",
	Page:     "check", Do: []string{"See what is full: df -h /nix /tmp", "Remove what Nix no longer needs: nix-collect-garbage", Again},
	Boxed: &Instead{Do: []string{"See what is full: df -h", "See what ENGINE keeps: ENGINE system df", "Remove what it no longer needs: ENGINE system prune", Again}},
}, {
	Name: "quota", Early: true, Side: Either, Nix: []string{`Disk quota exceeded`}, Log: []string{`Disk quota exceeded`},
	Headline: "Your share of the disk (quota) is used up.",
	Why:      "Whoever looks after this computer has set a limit for you.",
	Page:     "check", Do: []string{"See the limit: quota -s", "Remove what Nix no longer needs: nix-collect-garbage", Again},
	Boxed: &Instead{Do: []string{"See the limit: quota -s", "Remove what ENGINE no longer needs: ENGINE system prune", Again}},
}, {
	Name: "read-only", Side: Either, Nix: []string{`Read-only file system`},
	Headline: "Nix cannot write: its disk is read-only.",
	Why:      "Linux turns a disk read-only when it has errors, and some systems mount /nix so.",
	Page:     "check", Do: []string{"See how it is mounted: findmnt -T /nix/store", "See whether the disk has errors: sudo dmesg | grep -i error"},
	Boxed: &Instead{Why: "Linux turns a disk read-only when it has errors.", Do: []string{"See whether the disk has errors: sudo dmesg | grep -i error"}},
}, {
	Name: "killed", Side: Ran,
	Nix: []string{`failed due to signal 9 \(Killed\)`, `failed with exit code 137`},
	Log: []string{`Killed signal terminated program`, `(?m)^\S*: line \d+: +\d+ Killed `},

	Headline: "A step of the build was killed.",
	Why:      "Almost always it is Linux that does this, because memory ran out.",
	Page:     "check", Do: []string{"See whether it was so: sudo dmesg | grep -i 'out of memory'", "Close other programs, see how much is free (free -h), and build again."},
}, {
	Name: "emulator-folders", Side: Builds, Log: []string{`error while reading directory \S+: Cannot allocate memory`},
	Headline: "The emulator (QEMU) is too old to list folders of this file system.",
	Why:      "It says that memory is missing, but none is.",
	Page:     "check", Do: []string{"See its version, and how to get a newer one: piwiz check", Again},
}, {
	Name: "no-memory", Side: Ran,
	Nix:      []string{`Cannot allocate memory`, `std::bad_alloc`, `(?i)(?:^|^Nix daemon )out of memory`, `Too many heap sections`},
	Log:      []string{`virtual memory exhausted`, `[Cc]annot allocate memory`, `std::bad_alloc`},
	Headline: "There is not enough memory.",
	Why:      "Reading the configuration takes about 2 GiB, some steps more. Old emulators (QEMU below 5) fail like this too.",
	Page:     "check", Do: []string{"See how much is free: free -h", "Close other programs, then build again.", Check},
}, {
	Name: "open-files", Side: Ran, Nix: []string{`Too many open files`}, Log: []string{`Too many open files`},
	Headline: "Nix has too many files open.",
	Why:      "The limit of this terminal or of the Nix service is too low.",
	Page:     "check", Do: []string{"In this terminal: ulimit -n 65536", "For the service: sudo systemctl edit nix-daemon, with [Service] and LimitNOFILE=1048576", Again},
	Boxed: &Instead{Why: "ENGINE gives a container its own limit.", Do: WithoutContainer},
}}

// Emulation is whether programs of the Pi run here.
var Emulation = []Row{{
	Name: "not-registered", Side: Builds, Nix: []string{`executing ['"][^'"]+['"]: Exec format error`}, Log: []string{`executing ['"][^'"]+['"]: Exec format error`},
	Headline: "COMPUTER does not run programs for the Raspberry Pi: no emulator is registered.",
	Why:      "The build runs a few programs made for the Pi's processor (aarch64). Linux must know an emulator (QEMU) for them.",
	Page:     "check", Do: []string{Check, "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"},
	Remote: &Instead{Do: []string{"Register one. Debian and Ubuntu: sudo apt-get install qemu-user-static", "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"}},
	Boxed:  &Instead{Do: []string{"Build again: piwiz registers one for containers when there is none.", "If that does not help: sudo apt-get install qemu-user-static"}},
}, {
	Name: "emulator-outside", Side: Builds,
	Nix:      []string{notThere},
	Log:      []string{notThere},
	Headline: "A program of the build does not start, though it is there.",
	Why:      "Either the emulator is missing inside Nix's sandbox: it must be a static one, registered with flag F, so that Linux keeps it open. Or Nix builds without a sandbox (sandbox = false), in a store that is not at /nix.",
	Page:     "check", Do: []string{Check, "See whether Nix uses its sandbox: nix --extra-experimental-features nix-command config show sandbox"},
	Remote: &Instead{Do: []string{
		"Register a static emulator. Debian and Ubuntu: sudo apt-get install qemu-user-static",
		"See whether Nix uses its sandbox: nix --extra-experimental-features nix-command config show sandbox",
	}},
	Boxed: &Instead{
		Why: "The emulator is registered, but the container does not see it: it must be registered with flag F, so that Linux keeps it open.",
		Do:  []string{"Register a static one: sudo apt-get install qemu-user-static", Again},
	},
}, {
	Name: "wrong-processor", Log: []string{`cannot execute binary file(?:$|: Exec format error)`},
	Headline: "The build ran into a program for another type of processor.",
	Why:      "Programs for this computer and for the Pi are mixed, most often by nixpkgs.buildPlatform.",
	Page:     "preview", Do: []string{"Take out of configuration.nix what sets nixpkgs.buildPlatform, crossSystem or packages of another system.", Check},
}, {
	Name: "qemu-crash", Side: Builds, Log: []string{`qemu: uncaught target signal`, `accel/tcg/`},
	Headline: "The emulator (QEMU) crashed.",
	Why:      "Old versions have bugs that only some programs hit.",
	Page:     "check", Do: []string{"See its version, and how to get a newer one: piwiz check", Again},
}, {
	Name: "fakeroot", Side: Builds, Log: []string{`semop\(\d+\): encountered an error: Function not implemented`},
	Headline: "The emulator (QEMU) is too old to make the card's file system.",
	Why:      "fakeroot needs a system call (semop) that it does not know.",
	Page:     "check", Do: []string{"See its version, and how to get a newer one: piwiz check", Again},
}, {
	Name: "nix-emulated", Side: Builds, Nix: []string{`unable to load seccomp BPF program`}, Log: []string{`unable to load seccomp BPF program`},
	Headline: "Nix itself runs emulated.",
	Why:      "It was installed for a different type of processor than this computer has, as in a container made for another computer.",
	Page:     "check", Do: []string{"See both: uname -m; file -L \"$(command -v nix)\"", "Use a Nix (or a container) made for the type of processor that uname names."},
	Boxed: &Instead{
		Why: "The container image is for a different type of processor than this computer has.",
		Do:  []string{"Fetch the one for this computer's architecture: ENGINE pull docker.io/nixos/nix", "Or leave the name of the image out: --builder ENGINE"},
	},
}, {
	Name: "no-namespaces", Side: Builds,
	Nix:      []string{`user namespaces are not enabled`, `does not support the kernel namespaces`, `(?:cloning builder process|unable to fork): Invalid argument`},
	Log:      []string{`user namespaces are not enabled`},
	Headline: "COMPUTER does not let Nix build in a sandbox (user namespaces are off).",
	Why:      "Nix builds every step apart from everything else, and Linux or a container around it forbids that.",
	Page:     "check", Do: []string{"Turn them on: sudo sysctl user.max_user_namespaces=15000", Again},
	Boxed: noBox,
}, {
	Name: "sandbox-forbidden", Side: Builds,
	Nix:      []string{noSandbox, `unable to start build process`, `getting sandbox mount namespace: `},
	Log:      []string{noSandbox},
	Headline: "COMPUTER does not let Nix build in a sandbox.",
	Why:      "Nix builds every step apart from everything else. A container around it, or a rule for ordinary users, forbids that.",
	Page:     "check", Do: []string{
		"On Ubuntu 24.04 and newer: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
		"In a container: start it with --privileged, or build outside of it.", Again,
	},
	Boxed: noBox,
}}

// noBox are the words where the box would be one inside a container.
var noBox = &Instead{
	Headline: "ENGINE does not let Nix build in its container.",
	Why:      "The rules of ENGINE on this computer are stricter than usual.",
	Do:       WithoutContainer,
}

// notThere is about a program, of which only the interpreter can be missing.
const notThere = `executing ['"]/nix/store/[^'"]+['"]: No such file or directory`

// noSandbox is the kernel's no to one of the steps that make the box. Source:
// NixOS/nix src/libstore/unix/build/linux-derivation-builder.cc.
const noSandbox = `(?:cloning builder process|unable to fork|setting up a private mount namespace|mounting /\S+|cannot pivot old root directory onto '[^']+'|cannot change root directory to '[^']+'|unable to make filesystem '[^']+' private|bind mount from '[^']+' to '[^']+' failed|cannot set (?:host|domain) name|(?:setuid|setgid|setgroups) failed): (?:Operation not permitted|Permission denied|Invalid argument)`

// Steps are the steps of a build.
var Steps = []Row{{
	Name: "silent", Side: Ran, Nix: []string{`timed out after (\d+) seconds of silence`},
	Headline: "A step of the build printed nothing for $1 seconds, and Nix stopped it.",
	Why:      "Emulated steps can be slow; Nix is set to allow no more.",
	Page:     "check", Do: []string{"Put into /etc/nix/nix.conf: max-silent-time = 0", "sudo systemctl restart nix-daemon", Again},
}, {
	Name: "timeout", Side: Ran, Nix: []string{`timed out after (\d+) seconds`},
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

package diagnose

import "slices"

// known is read from the top: the special before the general. What breaks the
// computer itself comes before what that looks like from inside a build.
var known = slices.Concat(resources, emulation, others, service, store, network, inside, builders, settings)

const (
	again    = "Then build again: what is done already is kept."
	checkCmd = "See what is missing and the command for this computer: piwiz check"
)

// resources are disk and memory.
var resources = []row{{
	name: "no-namespaces-left", side: builds,
	nix:      []string{`(?:cloning builder process|unable to fork): No space left on device`},
	log:      []string{`(?:cloning builder process|unable to fork): No space left on device`},
	headline: "COMPUTER does not let Nix build in a sandbox: no user namespace is left.",
	why:      "Linux says \"no space\" then, but no disk is full.",
	page:     "check", do: []string{"Allow more: sudo sysctl user.max_user_namespaces=15000", again},
}, {
	name: "xattrs", side: ran, log: []string{`set_inode_xattr: `, `while setting xattrs for`},
	headline: "The card's file system cannot take over the security labels (SELinux) of the files of COMPUTER.",
	why:      "That happens when Nix builds without its sandbox (sandbox = false).",
	page:     "check", do: []string{"Put into /etc/nix/nix.conf: sandbox = true", "sudo systemctl restart nix-daemon", again},
	boxed: &instead{why: "ENGINE shows them to the build, and Nix has no sandbox in there.", do: withoutContainer},
}, {
	name: "image-too-small", log: []string{`Could not allocate (?:inode|block)`, `failed to allocate (?:inode|block)`, `No space left on device while looking up`},
	headline: "The file system of the card came out too small for its files.",
	why:      "nixpkgs estimates the size, and was wrong. No disk is full.",
	page:     "preview", do: []string{"Take large things out of configuration.nix, then build again."},
}, {
	name: "firmware-too-small", log: []string{`(?m)^Disk full$`},
	headline: "The small first partition of the card (FIRMWARE) came out too small for its files.",
	why:      "Its size is fixed, and what the Pi needs to start has grown. No disk is full.",
	page:     "preview", do: []string{"Add to configuration.nix: sdImage.firmwareSize = 128;"},
}, {
	name: "disk-full", early: true, side: either,
	nix:      []string{`No space left on device`, `lack of free disk space`, `database or disk is full`},
	log:      []string{`No space left on device`},
	headline: "The disk of COMPUTER is full.",
	why:      "Building an image takes up to 15 GiB, in /nix and in the build folder.",
	page:     "check", do: []string{"See what is full: df -h /nix /tmp", "Remove what Nix no longer needs: nix-collect-garbage", again},
	boxed: &instead{do: []string{"See what is full: df -h", "See what ENGINE keeps: ENGINE system df", "Remove what it no longer needs: ENGINE system prune", again}},
}, {
	name: "quota", early: true, side: either, nix: []string{`Disk quota exceeded`}, log: []string{`Disk quota exceeded`},
	headline: "Your share of the disk (quota) is used up.",
	why:      "Whoever looks after this computer has set a limit for you.",
	page:     "check", do: []string{"See the limit: quota -s", "Remove what Nix no longer needs: nix-collect-garbage", again},
	boxed: &instead{do: []string{"See the limit: quota -s", "Remove what ENGINE no longer needs: ENGINE system prune", again}},
}, {
	name: "read-only", side: either, nix: []string{`Read-only file system`},
	headline: "Nix cannot write: its disk is read-only.",
	why:      "Linux turns a disk read-only when it has errors, and some systems mount /nix so.",
	page:     "check", do: []string{"See how it is mounted: findmnt -T /nix/store", "See whether the disk has errors: sudo dmesg | grep -i error"},
	boxed: &instead{why: "Linux turns a disk read-only when it has errors.", do: []string{"See whether the disk has errors: sudo dmesg | grep -i error"}},
}, {
	name: "killed", side: ran,
	nix: []string{`failed due to signal 9 \(Killed\)`, `failed with exit code 137`},
	log: []string{`Killed signal terminated program`, `(?m)^\S*: line \d+: +\d+ Killed `},

	headline: "A step of the build was killed.",
	why:      "Almost always it is Linux that does this, because memory ran out.",
	page:     "check", do: []string{"See whether it was so: sudo dmesg | grep -i 'out of memory'", "Close other programs, see how much is free (free -h), and build again."},
}, {
	name: "emulator-folders", side: builds, log: []string{`error while reading directory \S+: Cannot allocate memory`},
	headline: "The emulator (QEMU) is too old to list folders of this file system.",
	why:      "It says that memory is missing, but none is.",
	page:     "check", do: []string{"See its version, and how to get a newer one: piwiz check", again},
}, {
	name: "no-memory", side: ran,
	nix:      []string{`Cannot allocate memory`, `std::bad_alloc`, `(?i)(?:^|^Nix daemon )out of memory`, `Too many heap sections`},
	log:      []string{`virtual memory exhausted`, `[Cc]annot allocate memory`, `std::bad_alloc`},
	headline: "There is not enough memory.",
	why:      "Reading the configuration takes about 2 GiB, some steps more. Old emulators (QEMU below 5) fail like this too.",
	page:     "check", do: []string{"See how much is free: free -h", "Close other programs, then build again.", checkCmd},
}, {
	name: "open-files", side: ran, nix: []string{`Too many open files`}, log: []string{`Too many open files`},
	headline: "Nix has too many files open.",
	why:      "The limit of this terminal or of the Nix service is too low.",
	page:     "check", do: []string{"In this terminal: ulimit -n 65536", "For the service: sudo systemctl edit nix-daemon, with [Service] and LimitNOFILE=1048576", again},
	boxed: &instead{why: "ENGINE gives a container its own limit.", do: withoutContainer},
}}

// emulation is whether programs of the Pi run here.
var emulation = []row{{
	name: "not-registered", side: builds, nix: []string{`executing ['"][^'"]+['"]: Exec format error`}, log: []string{`executing ['"][^'"]+['"]: Exec format error`},
	headline: "COMPUTER does not run programs for the Raspberry Pi: no emulator is registered.",
	why:      "The build runs a few programs made for the Pi's processor (aarch64). Linux must know an emulator (QEMU) for them.",
	page:     "check", do: []string{checkCmd, "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"},
	remote: &instead{do: []string{"Register one. Debian and Ubuntu: sudo apt-get install qemu-user-static", "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"}},
	boxed:  &instead{do: []string{"Build again: piwiz registers one for containers when there is none.", "If that does not help: sudo apt-get install qemu-user-static"}},
}, {
	name: "emulator-outside", side: builds,
	nix:      []string{notThere},
	log:      []string{notThere},
	headline: "A program of the build does not start, though it is there.",
	why:      "Either the emulator is missing inside Nix's sandbox: it must be a static one, registered with flag F, so that Linux keeps it open. Or Nix builds without a sandbox (sandbox = false), in a store that is not at /nix.",
	page:     "check", do: []string{checkCmd, "See whether Nix uses its sandbox: nix --extra-experimental-features nix-command config show sandbox"},
	remote: &instead{do: []string{
		"Register a static emulator. Debian and Ubuntu: sudo apt-get install qemu-user-static",
		"See whether Nix uses its sandbox: nix --extra-experimental-features nix-command config show sandbox",
	}},
	boxed: &instead{
		why: "The emulator is registered, but the container does not see it: it must be registered with flag F, so that Linux keeps it open.",
		do:  []string{"Register a static one: sudo apt-get install qemu-user-static", again},
	},
}, {
	name: "wrong-processor", log: []string{`cannot execute binary file(?:$|: Exec format error)`},
	headline: "The build ran into a program for another type of processor.",
	why:      "Programs for this computer and for the Pi are mixed, most often by nixpkgs.buildPlatform.",
	page:     "preview", do: []string{"Take out of configuration.nix what sets nixpkgs.buildPlatform, crossSystem or packages of another system.", checkCmd},
}, {
	name: "qemu-crash", side: builds, log: []string{`qemu: uncaught target signal`, `accel/tcg/`},
	headline: "The emulator (QEMU) crashed.",
	why:      "Old versions have bugs that only some programs hit.",
	page:     "check", do: []string{"See its version, and how to get a newer one: piwiz check", again},
}, {
	name: "fakeroot", side: builds, log: []string{`semop\(\d+\): encountered an error: Function not implemented`},
	headline: "The emulator (QEMU) is too old to make the card's file system.",
	why:      "fakeroot needs a system call (semop) that it does not know.",
	page:     "check", do: []string{"See its version, and how to get a newer one: piwiz check", again},
}, {
	name: "nix-emulated", side: builds, nix: []string{`unable to load seccomp BPF program`}, log: []string{`unable to load seccomp BPF program`},
	headline: "Nix itself runs emulated.",
	why:      "It was installed for a different type of processor than this computer has, as in a container made for another computer.",
	page:     "check", do: []string{"See both: uname -m; file -L \"$(command -v nix)\"", "Use a Nix (or a container) made for the type of processor that uname names."},
	boxed: &instead{
		why: "The container image is for a different type of processor than this computer has.",
		do:  []string{"Fetch the one for this computer's architecture: ENGINE pull docker.io/nixos/nix", "Or leave the name of the image out: --builder ENGINE"},
	},
}, {
	name: "no-namespaces", side: builds,
	nix:      []string{`user namespaces are not enabled`, `does not support the kernel namespaces`, `(?:cloning builder process|unable to fork): Invalid argument`},
	log:      []string{`user namespaces are not enabled`},
	headline: "COMPUTER does not let Nix build in a sandbox (user namespaces are off).",
	why:      "Nix builds every step apart from everything else, and Linux or a container around it forbids that.",
	page:     "check", do: []string{"Turn them on: sudo sysctl user.max_user_namespaces=15000", again},
	boxed: noBox,
}, {
	name: "sandbox-forbidden", side: builds,
	nix:      []string{noSandbox, `unable to start build process`, `getting sandbox mount namespace: `},
	log:      []string{noSandbox},
	headline: "COMPUTER does not let Nix build in a sandbox.",
	why:      "Nix builds every step apart from everything else. A container around it, or a rule for ordinary users, forbids that.",
	page:     "check", do: []string{
		"On Ubuntu 24.04 and newer: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
		"In a container: start it with --privileged, or build outside of it.", again,
	},
	boxed: noBox,
}}

// noBox are the words where the box would be one inside a container.
var noBox = &instead{
	headline: "ENGINE does not let Nix build in its container.",
	why:      "The rules of ENGINE on this computer are stricter than usual.",
	do:       withoutContainer,
}

// notThere is about a program, of which only the interpreter can be missing.
const notThere = `executing ['"]/nix/store/[^'"]+['"]: No such file or directory`

// noSandbox is the kernel's no to one of the steps that make the box. Source:
// NixOS/nix src/libstore/unix/build/linux-derivation-builder.cc.
const noSandbox = `(?:cloning builder process|unable to fork|setting up a private mount namespace|mounting /\S+|cannot pivot old root directory onto '[^']+'|cannot change root directory to '[^']+'|unable to make filesystem '[^']+' private|bind mount from '[^']+' to '[^']+' failed|cannot set (?:host|domain) name|(?:setuid|setgid|setgroups) failed): (?:Operation not permitted|Permission denied|Invalid argument)`

// builders are the steps of a build.
var builders = []row{{
	name: "silent", side: ran, nix: []string{`timed out after (\d+) seconds of silence`},
	headline: "A step of the build printed nothing for $1 seconds, and Nix stopped it.",
	why:      "Emulated steps can be slow; Nix is set to allow no more.",
	page:     "check", do: []string{"Put into /etc/nix/nix.conf: max-silent-time = 0", "sudo systemctl restart nix-daemon", again},
}, {
	name: "timeout", side: ran, nix: []string{`timed out after (\d+) seconds`},
	headline: "A step of the build took longer than the $1 seconds that Nix allows.",
	why:      "Emulated steps can be slow; the limits are timeout and max-silent-time.",
	page:     "check", do: []string{"See both: nix --extra-experimental-features nix-command config show | grep -E '^(timeout|max-silent-time)'", "Put into /etc/nix/nix.conf: timeout = 0 and max-silent-time = 0, then: sudo systemctl restart nix-daemon"},
}, {
	name: "missing-module", log: []string{`modprobe: FATAL: Module (\S+) not found in directory`},
	headline: "The kernel has no module $1, but the image asks for it.",
	why:      "Kernels made for one board lack modules that the image lists for every board.",
	page:     "preview", do: []string{"Take the other kernel (boot.kernelPackages, nixos-hardware) out of configuration.nix, or add: boot.initrd.allowMissingModules = true;"},
}, {
	name: "sshd-settings", log: []string{`(?m)sshd\S* line \d+: ((?:[Bb]ad|unsupported|missing|keyword|[Ii]nvalid) .+)$`},
	headline: "The SSH server does not understand one of its settings: $1.",
	why:      "NixOS has the server check them while it builds.",
	page:     "preview", do: []string{"Fix it in configuration.nix under services.openssh.settings."},
}, {
	name: "interrupted", nix: []string{`^interrupted by the user`},
	headline: "The build was interrupted.",
	why:      "Something other than piwiz stopped Nix. What was built already is kept.",
	do:       []string{"Build again."},
}}

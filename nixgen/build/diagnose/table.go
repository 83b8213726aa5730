package diagnose

import "slices"

// known is read from the top: the special before the general. What breaks the
// computer itself comes before what that looks like from inside a build.
var known = slices.Concat(resources, emulation, service, network, builders, settings)

const (
	again    = "Then build again: what is done already is kept."
	checkCmd = "See what is missing and the command for this computer: piwiz check"
)

// resources are disk and memory.
var resources = []row{{
	name: "xattrs", log: []string{`set_inode_xattr: `, `while setting xattrs for`},
	headline: "The card's file system cannot take over the security labels (SELinux) of this computer's files.",
	why:      "That happens when Nix builds without its closed box (sandbox = false).",
	page:     "check", do: []string{"Put into /etc/nix/nix.conf: sandbox = true", "sudo systemctl restart nix-daemon", again},
}, {
	name: "image-too-small", log: []string{`Could not allocate (?:inode|block)`, `No space left on device while looking up`},
	headline: "The file system of the card came out too small for its files.",
	why:      "nixpkgs estimates the size, and was wrong. The disk of this computer is not the cause.",
	page:     "preview", do: []string{"Take large things out of configuration.nix, then build again."},
}, {
	name: "firmware-too-small", log: []string{`(?m)^Disk full$`},
	headline: "The small first partition of the card (FIRMWARE) came out too small for its files.",
	why:      "Its size is fixed, and what the Pi needs to start has grown. The disk of this computer is not the cause.",
	page:     "preview", do: []string{"Add to configuration.nix: sdImage.firmwareSize = 128;"},
}, {
	name: "disk-full", early: true,
	nix:      []string{`No space left on device`, `lack of free disk space`, `database or disk is full`},
	log:      []string{`No space left on device`},
	headline: "The disk of this computer is full.",
	why:      "Building an image takes up to 15 GiB, in /nix and in the build folder.",
	page:     "check", do: []string{"See what is full: df -h /nix /tmp", "Remove what Nix no longer needs: nix-collect-garbage", again},
}, {
	name: "quota", early: true, nix: []string{`Disk quota exceeded`}, log: []string{`Disk quota exceeded`},
	headline: "Your share of the disk (quota) is used up.",
	why:      "Whoever looks after this computer has set a limit for you.",
	page:     "check", do: []string{"See the limit: quota -s", "Remove what Nix no longer needs: nix-collect-garbage", again},
}, {
	name: "read-only", nix: []string{`Read-only file system`},
	headline: "Nix cannot write: its disk is read-only.",
	why:      "Linux turns a disk read-only when it has errors, and some systems mount /nix so.",
	page:     "check", do: []string{"See how it is mounted: findmnt -T /nix/store", "See whether the disk has errors: sudo dmesg | grep -i error"},
}, {
	name: "killed",
	nix:  []string{`failed due to signal 9 \(Killed\)`, `failed with exit code 137`},
	log:  []string{`Killed signal terminated program`, `(?m)^\S*: line \d+: +\d+ Killed `},

	headline: "A step of the build was killed.",
	why:      "Nearly always Linux does that, because memory ran out.",
	page:     "check", do: []string{"See whether it was so: sudo dmesg | grep -i 'out of memory'", "Close other programs, see how much is free (free -h), and build again."},
}, {
	name:     "no-memory",
	nix:      []string{`Cannot allocate memory`, `std::bad_alloc`, `(?i)^out of memory`, `Too many heap sections`},
	log:      []string{`virtual memory exhausted`, `[Cc]annot allocate memory`, `std::bad_alloc`},
	headline: "There is not enough memory.",
	why:      "Reading the configuration takes about 2 GiB, some steps more. Old emulators (QEMU below 5) fail like this too.",
	page:     "check", do: []string{"See how much is free: free -h", "Close other programs, then build again.", checkCmd},
}, {
	name: "open-files", nix: []string{`Too many open files`}, log: []string{`Too many open files`},
	headline: "Nix may not open more files.",
	why:      "The limit of this terminal or of the Nix service is too low.",
	page:     "check", do: []string{"In this terminal: ulimit -n 65536", "For the service: sudo systemctl edit nix-daemon, with [Service] and LimitNOFILE=1048576", again},
}}

// emulation is whether programs of the Pi run here.
var emulation = []row{{
	name: "not-registered", nix: []string{`executing ['"][^'"]+['"]: Exec format error`}, log: []string{`executing ['"][^'"]+['"]: Exec format error`},
	headline: "This computer does not run programs for the Raspberry Pi: no emulator is registered.",
	why:      "The build runs a few programs made for the Pi's processor (aarch64). Linux must know an emulator (QEMU) for them.",
	page:     "check", do: []string{checkCmd, "On NixOS: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"},
}, {
	name:     "emulator-outside",
	nix:      []string{`executing ['"]/nix/store/[^'"]+['"]: No such file or directory`},
	log:      []string{`executing ['"]/nix/store/[^'"]+['"]: No such file or directory`},
	headline: "The emulator is registered, but it is not there inside Nix's build box.",
	why:      "It must be a static one, registered with flag F: Linux then keeps it open, wherever it lies.",
	page:     "check", do: []string{checkCmd},
}, {
	name: "wrong-processor", log: []string{`cannot execute binary file: Exec format error`},
	headline: "The build met a program for another kind of processor.",
	why:      "Programs for this computer and for the Pi are mixed, most often by nixpkgs.buildPlatform.",
	page:     "preview", do: []string{"Take out of configuration.nix what sets nixpkgs.buildPlatform, crossSystem or packages of another system.", checkCmd},
}, {
	name: "qemu-crash", log: []string{`qemu: uncaught target signal`, `accel/tcg/`},
	headline: "The emulator (QEMU) crashed.",
	why:      "Old versions have faults that only some programs hit.",
	page:     "check", do: []string{"See its version, and how to get a newer one: piwiz check", again},
}, {
	name: "fakeroot", log: []string{`semop\(\d+\): encountered an error: Function not implemented`},
	headline: "The emulator (QEMU) is too old to make the card's file system.",
	why:      "fakeroot needs a system call (semop) that it does not know.",
	page:     "check", do: []string{"See its version, and how to get a newer one: piwiz check", again},
}, {
	name: "nix-emulated", nix: []string{`unable to load seccomp BPF program`}, log: []string{`unable to load seccomp BPF program`},
	headline: "Nix itself runs emulated.",
	why:      "It was installed for another kind of processor than this computer has, as in a foreign container.",
	page:     "check", do: []string{"See both: uname -m; file -L \"$(command -v nix)\"", "Use the Nix (or the container) for this computer's own processor."},
}, {
	name:     "no-namespaces",
	nix:      []string{`user namespaces are not enabled`, `does not support the kernel namespaces`},
	log:      []string{`user namespaces are not enabled`},
	headline: "This computer does not let Nix build in a closed box (user namespaces are off).",
	why:      "Nix builds every step apart from everything else, and Linux or the container forbids it.",
	page:     "check", do: []string{"Turn them on: sudo sysctl user.max_user_namespaces=15000", again},
}, {
	name:     "sandbox-forbidden",
	nix:      []string{`(?:cloning builder process|unable to fork|setting up a private mount namespace|mounting /proc): Operation not permitted`},
	log:      []string{`(?:cloning builder process|unable to fork|setting up a private mount namespace|mounting /proc): Operation not permitted`},
	headline: "This computer does not let Nix build in a closed box.",
	why:      "Nix builds every step apart from everything else. A container, or a rule for ordinary users, forbids that.",
	page:     "check", do: []string{
		"On Ubuntu 24.04 and newer: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
		"In a container: start it with --privileged, or build outside of it.", again,
	},
}, {
	name: "missing-feature", when: lacksFeature, verbatim: true,
	nix:      []string{`^an? '.* with features .* is required to build`, `Reason: required system or feature not available`, `Reason: missing system features`},
	headline: "A step of the build wants a feature that Nix does not have here.",
	why:      "An SD card image needs none: something in configuration.nix does.",
	page:     "preview", do: []string{"Take it out, or see what Nix has: nix --extra-experimental-features nix-command config show system-features"},
}, {
	name: "not-trusted", nix: platform, with: []string{`ignoring the client-specified setting 'extra-platforms'`},
	headline: "Nix does not let you build for the Raspberry Pi's processor: it does not trust you yet.",
	why:      "Only a trusted user may add a processor (extra-platforms); the settings of Nix may, for everybody.",
	page:     "check", do: allow,
}, {
	name: "builder-host-key", nix: noBuilder, with: []string{`Host key verification failed`, `REMOTE HOST IDENTIFICATION HAS CHANGED`},
	headline: "The other computer that should build is not known to the Nix service.",
	why:      "The service runs as root: root's known_hosts counts, not yours.",
	page:     "check", do: []string{"Log in once as root and check the key: sudo ssh USER@HOST true"},
}, {
	name: "builder-login", nix: noBuilder, with: []string{`Permission denied \(`, `Too many authentication failures`},
	headline: "The other computer that should build refuses the Nix service's key.",
	why:      "The service runs as root, without your agent: it needs a key of its own, without a passphrase.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST true"},
}, {
	name: "builder-unreachable", nix: noBuilder, with: []string{`Connection refused`, `Connection timed out`, `No route to host`, `Could not resolve hostname`, `Network is unreachable`},
	headline: "The other computer that should build does not answer.",
	why:      "ssh could not reach it.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST true"},
}, {
	name: "builder-ssh", nix: noBuilder, with: []string{`failed to start SSH connection to`, `cannot build on '`},
	headline: "The other computer that should build cannot be used.",
	why:      "Nix could not start a session with it.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version"},
}, {
	name: "platform", nix: platform,
	headline: "Nix does not want to build for the Raspberry Pi's processor (aarch64) on this computer.",
	why:      "It was not told that this computer can run such programs.",
	page:     "check", do: allow,
}}

var (
	platform = []string{
		`^an? 'aarch64-linux' with features .* is required to build`,
		`(?s)Reason: required system or feature not available\nRequired system: 'aarch64-linux'`,
		`(?s)Reason: platform mismatch\nRequired system: 'aarch64-linux'`,
	}
	noJobs    = []string{`^[Uu]nable to start any build`, `local builds are disabled \(max-jobs = 0\)`}
	noBuilder = slices.Concat(platform, noJobs, []string{`^failed to start SSH connection to`})
	allow     = []string{"Add to /etc/nix/nix.conf: extra-platforms = aarch64-linux", "sudo systemctl restart nix-daemon", "On NixOS instead: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"}
)

// builders are the steps of a build.
var builders = []row{{
	name: "no-jobs", nix: noJobs,
	headline: "Nix is told to build nothing on this computer, and has no other.",
	why:      "Its setting max-jobs is 0.",
	page:     "check", do: []string{"Put into /etc/nix/nix.conf: max-jobs = auto", "sudo systemctl restart nix-daemon"},
}, {
	name: "silent", nix: []string{`timed out after (\d+) seconds of silence`},
	headline: "A step of the build said nothing for $1 seconds, and Nix stopped it.",
	why:      "Emulated steps can be slow; Nix is set to allow no more.",
	page:     "check", do: []string{"Put into /etc/nix/nix.conf: max-silent-time = 0", "sudo systemctl restart nix-daemon", again},
}, {
	name: "timeout", nix: []string{`timed out after (\d+) seconds`},
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
	page:     "preview", do: []string{"Put it right in configuration.nix under services.openssh.settings."},
}, {
	name: "interrupted", nix: []string{`^interrupted by the user`},
	headline: "The build was interrupted.",
	why:      "Something other than piwiz stopped Nix. What was built already is kept.",
	do:       []string{"Build again."},
}}

package diagnose

// said is one way in which a failure shows.
type said struct {
	want    string   // row of the table
	nix     []string // causes, each by itself
	log     []string // last lines of a builder, each by itself
	warning string   // that came before
	program string   // line of a program that Nix ran
}

const (
	old28  = "a 'aarch64-linux' with features {} is required to build '" + drv + "', but I am a 'x86_64-linux' with features {benchmark, big-parallel, kvm, nixos-test}"
	old29  = "an 'aarch64-linux' with features {} is required to build '" + drv + "', but I am an 'x86_64-linux' with features {benchmark}"
	mid30  = "Cannot build '" + drv + "'.\nReason: required system or feature not available\nRequired system: 'aarch64-linux' with features {}\nCurrent system: 'x86_64-linux' with features {benchmark, big-parallel}"
	new34  = "Cannot build '" + drv + "'.\nReason: platform mismatch\nRequired system: 'aarch64-linux'\nCurrent system: 'x86_64-linux'"
	nojobs = "Cannot build '" + drv + "'.\nReason: local builds are disabled (max-jobs = 0)\nHint: set 'max-jobs' to a non-zero value to enable local builds, or configure remote builders via 'builders'"
	noSSH  = "failed to start SSH connection to 'pi@builder'"
	nar    = "https://cache.nixos.org/nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz"
	copied = "/nix/store/pslz09zi416axinpx9abkf22h9fpm6y1-source"
)

var (
	platforms  = []string{old28, old29, mid30, new34}
	startNone  = "unable to start any build; either increase '--max-jobs' or enable remote builds.\nhttps://nixos.org/manual"
	machines   = []string{old28, old29, mid30, new34, startNone, nojobs, noSSH}
	cannotFind = []string{"path '/nix/store/x' is required, but there is no substituter that can build it", "don't know how to build these paths: /nix/store/x"}
)

func download(url, why string) string { return "unable to download '" + url + "': " + why }

// spoken has every wording of every failure. Sources: NixOS/nix of the tags
// 2.8 to 2.35 (src/libstore, src/libexpr, src/libfetchers), NixOS/nixpkgs
// (lib/modules.nix, pkgs/stdenv/generic/check-meta.nix), e2fsprogs, QEMU,
// OpenSSH, curl.
var spoken = []said{
	{want: "xattrs", log: []string{
		"set_inode_xattr: Operation not supported while listing attributes of \"./nix\"\n__populate_fs: Operation not supported while setting xattrs for \"nix\"",
		"__populate_fs: Operation not supported while setting xattrs for \"nix\"",
	}},
	{want: "image-too-small", log: []string{
		"__populate_fs: Could not allocate inode in ext2 filesystem while creating directory \"x\"",
		"mkfs.ext4: Could not allocate block in ext2 filesystem while populating file system",
		"__populate_fs: No space left on device while looking up \"x\"",
	}},
	{want: "firmware-too-small", log: []string{"Copying firmware/start4.elf\nDisk full"}},
	{
		want: "disk-full", nix: []string{
			"writing to file: No space left on device", "write of 16384 bytes: No space left on device",
			wordings[1] + "\nnote: build failure may have been caused by lack of free disk space",
			"executing SQLite statement 'insert into ValidPaths': database or disk is full (in '/nix/var/nix/db/db.sqlite')",
		},
		log: []string{"cp: error writing 'x': No space left on device"},
	},
	{want: "quota", nix: []string{"writing to file: Disk quota exceeded"}, log: []string{"dd: error writing 'x': Disk quota exceeded"}},
	{want: "read-only", nix: []string{"creating directory '/nix/store/.links': Read-only file system"}},
	{
		want: "killed", nix: []string{
			"builder for '" + drv + "' failed due to signal 9 (Killed)",
			"Cannot build '" + drv + "'.\nReason: builder failed due to signal 9 (Killed).\nOutput paths:\n  /nix/store/x",
			"builder for '" + drv + "' failed with exit code 137",
			"Cannot build '" + drv + "'.\nReason: builder failed with exit code 137.",
		},
		log: []string{"gcc: fatal error: Killed signal terminated program cc1plus", "/nix/store/x-stdenv-linux/setup: line 1767:   412 Killed                  mkfs.ext4 -L NIXOS_SD"},
	},
	{
		want: "no-memory", nix: []string{"unable to fork: Cannot allocate memory", "std::bad_alloc", "out of memory", "Too many heap sections: Increase MAXHINCR or MAX_HEAP_SECTS"},
		log: []string{"virtual memory exhausted: Cannot allocate memory", "fork: Cannot allocate memory", "terminate called after throwing an instance of 'std::bad_alloc'"},
	},
	{want: "open-files", nix: []string{"opening file '/nix/store/x': Too many open files"}, log: []string{"ld: x.o: Too many open files"}},

	{want: "not-registered", nix: []string{"executing '/nix/store/x-bash/bin/bash': Exec format error"}, log: []string{"executing '/nix/store/x-bash/bin/bash': Exec format error"}},
	{want: "emulator-outside", nix: []string{"executing '/nix/store/x-bash/bin/bash': No such file or directory"}, log: []string{"executing '/nix/store/x-bash/bin/bash': No such file or directory"}},
	{want: "wrong-processor", log: []string{"/nix/store/x-hook: line 3: /nix/store/y/bin/z: cannot execute binary file: Exec format error"}},
	{want: "qemu-crash", log: []string{
		"qemu: uncaught target signal 11 (Segmentation fault) - core dumped",
		"ERROR:../accel/tcg/cpu-exec.c:1022:cpu_exec_loop: assertion failed: (cpu == current_cpu)",
	}},
	{want: "fakeroot", log: []string{"semop(1): encountered an error: Function not implemented"}},
	{
		want: "nix-emulated", nix: []string{"while setting up the build environment: unable to load seccomp BPF program: Invalid argument"},
		log: []string{"error: unable to load seccomp BPF program: Invalid argument"},
	},
	{
		want: "no-namespaces", nix: []string{
			"cannot perform a sandboxed build because user namespaces are not enabled; check /proc/sys/user/max_user_namespaces",
			"this system does not support the kernel namespaces that are required for sandboxing; use '--no-sandbox' to disable sandboxing",
		},
		log: []string{"error: cannot perform a sandboxed build because user namespaces are not enabled; check /proc/sys/user/max_user_namespaces"},
	},
	{
		want: "sandbox-forbidden", nix: []string{"cloning builder process: Operation not permitted", "while setting up the build environment: mounting /proc: Operation not permitted"},
		log: []string{"error: setting up a private mount namespace: Operation not permitted", "error: unable to fork: Operation not permitted"},
	},
	{want: "missing-feature", nix: []string{
		"a 'x86_64-linux' with features {kvm} is required to build '" + drv + "', but I am a 'x86_64-linux' with features {benchmark, big-parallel}",
		"Cannot build '" + drv + "'.\nReason: required system or feature not available\nRequired system: 'aarch64-linux' with features {kvm, nixos-test}\nCurrent system: 'x86_64-linux' with features {nixos-test}",
		"Cannot build '" + drv + "'.\nReason: missing system features\nRequired features: {kvm}\nAvailable features: {benchmark}",
	}},
	{
		want: "not-trusted", nix: platforms,
		warning: "ignoring the client-specified setting 'extra-platforms', because it is a restricted setting and you are not a trusted user",
	},
	{want: "builder-host-key", nix: machines, program: "Host key verification failed."},
	{want: "builder-host-key", nix: machines, program: "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @"},
	{want: "builder-login", nix: machines, program: "pi@builder: Permission denied (publickey)."},
	{want: "builder-login", nix: machines, program: "Received disconnect from 10.0.0.2 port 22:2: Too many authentication failures"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Connection refused"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Connection timed out"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: No route to host"},
	{want: "builder-unreachable", nix: machines, program: "ssh: Could not resolve hostname builder: Name or service not known"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Network is unreachable"},
	{want: "builder-ssh", nix: machines, program: "cannot build on 'ssh://pi@builder': error: failed to start SSH connection to 'pi@builder'"},
	{want: "platform", nix: platforms},

	{want: "no-jobs", nix: []string{startNone, "Unable to start any build;\neither increase '--max-jobs' or enable remote builds.", nojobs}},
	{want: "silent", nix: []string{"building of '" + drv + "^out' timed out after 2 seconds of silence"}},
	{want: "timeout", nix: []string{"building of '" + drv + "' timed out after 3600 seconds", "timed out after 3600 seconds"}},
	{want: "missing-module", log: []string{"modprobe: FATAL: Module dw-hdmi not found in directory /nix/store/x-linux-6.18-modules/lib/modules/6.18"}},
	{want: "sshd-settings", log: []string{"/nix/store/x-sshd.conf-final line 3: Deprecated option UsePrivilegeSeparation\n/nix/store/x-sshd.conf-final line 12: Bad configuration option: PaswordAuthentication", "/build/sshd_config line 3: unsupported option \"maybe\"."}},
	{want: "interrupted", nix: []string{"interrupted by the user"}},

	{want: "feature-off", nix: []string{
		"experimental Nix feature 'ca-derivations' is disabled; use '--extra-experimental-features ca-derivations' to override",
		"experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it",
	}},
	{want: "nix-too-old-flag", nix: []string{"unrecognised flag '--print-out-paths'"}},
	{want: "nix-too-old", nix: []string{
		"evaluation aborted with the following error message: '\nThis version of Nixpkgs requires an implementation of Nix with the following features:\n- `builtins.nixVersion` reports at least 2.18",
		"evaluation aborted with the following error message: 'This version of Nixpkgs requires Nix >= 2.3.17, please upgrade'",
	}},
	{want: "daemon-refuses", nix: []string{"cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Permission denied"}},
	{want: "daemon-down", nix: []string{
		"cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file or directory",
		"cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused",
	}},
	{want: "daemon-missing", nix: []string{
		"opening lock file '/nix/var/nix/db/big-lock': Permission denied", "opening lock file \"/nix/var/nix/db/big-lock\": Permission denied",
		"could not set permissions on '/nix/var/nix/profiles/per-user' to 755: Operation not permitted",
		"cannot open store as non-root in a single-user Nix installation",
	}},
	{want: "daemon-hangs-up", nix: []string{
		"cannot open connection to remote store 'daemon': error: writing to file: Broken pipe", "cannot open connection to remote store 'daemon': error: reading from file: Connection reset by peer",
	}},
	{want: "daemon-died", nix: []string{"Nix daemon disconnected unexpectedly (maybe it crashed?)", "unexpected end-of-file"}},
	{want: "no-build-users", nix: []string{"the group 'nixbld' specified in 'build-users-group' does not exist", "the build users group 'nixbld' has no members"}},
	{want: "no-static-bash", nix: []string{"getting attributes of path '/usr/bin/bash-static': No such file or directory", "getting status of \"/usr/bin/bash-static\": No such file or directory"}},
	{want: "no-git", nix: []string{"executing 'git': No such file or directory", "executing \"git\": No such file or directory"}},
	{want: "eval-cache", nix: []string{
		"cannot open SQLite database '/home/me/.cache/nix/eval-cache-v5/x.sqlite': database disk image is malformed",
		"executing SQLite query: database disk image is malformed (in '/home/me/.cache/nix/fetcher-cache-v2.sqlite')",
	}},

	{want: "github-limit", nix: []string{
		download("https://api.github.com/repos/NixOS/nixpkgs/commits/nixos-26.05", "HTTP error 403\n\nresponse body:\n\n{\"message\":\"API rate limit exceeded\"}"),
		download("https://api.github.com/repos/NixOS/nixpkgs/tarball/x", "HTTP error 429"),
	}},
	{want: "too-many-requests", nix: []string{download(nar, "HTTP error 429 (Too Many Requests)")}},
	{want: "proxy-login", nix: []string{download(nar, "HTTP error 407"), download(nar, "CONNECT tunnel failed: Proxy Authentication Required (56)")}},
	{want: "refused", nix: []string{download(nar, "HTTP error 401"), download(nar, "HTTP error 403")}},
	{want: "not-found", nix: []string{download(nar, "HTTP error 404"), download(nar, "HTTP error 410")}},
	{want: "server-trouble", nix: []string{download(nar, "HTTP error 503 (Service Unavailable)")}},
	{want: "clock", nix: []string{
		download(nar, "SSL peer certificate or SSH remote key was not OK (60) SSL certificate problem: certificate is not yet valid"),
		download(nar, "SSL certificate problem: certificate has expired (60)"),
	}},
	{want: "certificate", nix: []string{
		download(nar, "SSL peer certificate or SSH remote key was not OK (60)"), download(nar, "Problem with the SSL CA cert (path? access rights?) (77)"),
		download(nar, "SSL certificate problem: self-signed certificate in certificate chain (60)"),
	}},
	{want: "offline", nix: []string{download(nar, "Couldn't resolve host name (6)"), download(nar, "Could not resolve hostname (6) Could not resolve host: cache.nixos.org")}},
	{want: "no-connection", nix: []string{
		download(nar, "Couldn't connect to server (7)"), download(nar, "Could not connect to server (7)"), download(nar, "Failed to connect to cache.nixos.org port 443 (7)"),
		download(nar, "Timeout was reached (28)"), download(nar, "Network is unreachable"), download(nar, "SSL connect error (35)"),
	}},
	{want: "broken-off", nix: []string{
		download(nar, "Transferred a partial file (18)"), download(nar, "Recv failure: Connection reset by peer (56)"), download(nar, "Stream error in the HTTP/2 framing layer (92)"),
		download(nar, "Failure when receiving data from the peer (56)"), download(nar, "HTTP/2 stream 1 was not closed cleanly"), download(nar, "Operation too slow"),
	}},
	{want: "lock-mismatch", nix: []string{
		"NAR hash mismatch in input 'github:NixOS/nixpkgs/abc' (/nix/store/x-source), expected 'sha256-A=', got 'sha256-B='",
		"NAR hash mismatch in input 'github:NixOS/nixpkgs/abc', expected 'sha256-A=' but got 'sha256-B='",
	}},
	{want: "hash-mismatch", nix: []string{
		"hash mismatch in fixed-output derivation '/nix/store/7rr0bbfza29kxn2jwhwba2bmybwnlqf8-source.tar.gz.drv':\n  specified: sha256-A=\n     got:    sha256-B=",
	}},
	{want: "damaged-download", nix: []string{
		"hash mismatch importing path '/nix/store/x';\n  specified: sha256:a\n  got:       sha256:b", "NAR hash mismatch in file '/x'",
		"hash mismatch in file downloaded from 'https://example.org/x':\n  specified: a\n  got: b", "failed to extract archive (Truncated tar archive detected while reading data)",
	}},
	{want: "download", nix: []string{download(nar, "something new (99)")}},
	{
		want: "unsigned-cache", nix: cannotFind,
		warning: "ignoring substitute for '/nix/store/x' from 'https://x.cachix.org', as it's not signed by any of the keys in 'trusted-public-keys'",
	},
	{
		want: "untrusted-cache", nix: cannotFind,
		warning: "ignoring untrusted substituter 'https://x.cachix.org', you are not a trusted user.",
	},
	{
		want: "untrusted-cache", nix: cannotFind,
		warning: "ignoring untrusted flake configuration setting 'extra-substituters'.\nPass '--accept-flake-config' to trust it",
	},
	{want: "lacks-signature", nix: []string{
		"cannot add path '/nix/store/x' because it lacks a signature by a trusted key", "cannot add path '/nix/store/x' because it lacks a valid signature",
	}},
	{want: "fetch-failed", nix: []string{"some substitutes for the outputs of derivation '" + drv + "' failed (usually happens due to networking issues); try '--fallback' to build derivation from source "}},

	{want: "binfmt-on-the-pi", nix: []string{
		"\nFailed assertions:\n- boot.binfmt.emulatedSystems holds the system itself", "assertion '(system != pkgs.stdenv.hostPlatform.system)' failed",
	}},
	{want: "no-option", nix: []string{
		"The option `services.avahi.enabel' does not exist. Definition values:\n- In `" + copied + "/configuration.nix': true",
	}},
	{want: "wrong-type", nix: []string{
		"A definition for option `time.timeZone' is not of type `null or string without spaces'. Definition values:\n- In `" + copied + "/configuration.nix': 5",
	}},
	{want: "conflict", nix: []string{
		"The option `networking.hostName' has conflicting definition values:\n- In `a': \"a\"\n- In `b': \"b\"",
		"The option `networking.hostName' has conflicting definitions, in `a' and `b'.",
	}},
	{want: "set-twice", nix: []string{
		"The option `system.build.x' is defined multiple times while it's expected to be unique.", "The unique option `x.y' is defined multiple times.",
		"The option `x.y' is read-only, but it's set multiple times. Definition values:",
	}},
	{want: "declared-twice", nix: []string{"The option `services.x.enable' in `/nix/store/x/nixos/x.nix' is already declared in `" + copied + "/configuration.nix'."}},
	{want: "mixed-module", nix: []string{"Module `" + copied + "/configuration.nix' has an unsupported attribute `time'. This is caused by introducing a top-level `config' or `options' attribute."}},
	{want: "no-value", nix: []string{
		"The option `users.users.pi.group' is used but not defined.", "The option `fileSystems./.fsType' was accessed but has no value defined. Try setting the option.",
	}},
	{want: "assertion", nix: []string{"\nFailed assertions:\n- Neither the root account nor any wheel user has a password or SSH authorized key."}},
	{want: "zfs", nix: []string{
		"Package 'zfs-kernel-2.3.4-6.18.2' in /nix/store/x/zfs.nix:12 is marked as broken, refusing to evaluate.", "Package ‘zfs-kernel-2.3.4-6.18.2’ in /nix/store/x/zfs.nix:12 is marked as broken, refusing to evaluate.",
	}},
	{want: "broken", nix: []string{"Package 'x-1.0' in /nix/store/x/x.nix:12 is marked as broken, refusing to evaluate."}},
	{want: "insecure", nix: []string{"Package 'openssl-1.1.1w' in /nix/store/x/x.nix:12 is marked as insecure, refusing to evaluate."}},
	{want: "unfree", nix: []string{"Package 'b43-firmware-6' in /nix/store/x/x.nix:12 has an unfree license ('unfree'), refusing to evaluate."}},
	{want: "not-for-the-pi", nix: []string{"Package 'steam-1.0' in /nix/store/x/x.nix:12 is not available on the requested hostPlatform:\n  hostPlatform.config = \"aarch64-unknown-linux-gnu\""}},
	{want: "not-in-git", nix: []string{"Path 'bach.nix' in the repository \"/home/me/flake\" is not tracked by Git."}},
	{want: "no-host", nix: []string{
		"flake 'path:/home/me/flake' does not provide attribute 'packages.x86_64-linux.nixosConfigurations.bach.config.system.build.sdImage', 'legacyPackages.x86_64-linux.x' or 'x'",
	}},
	{want: "absolute-path", nix: []string{"access to absolute path '/home/me/x' is forbidden in pure evaluation mode (use '--impure' to override)"}},
	{want: "file-missing", nix: []string{
		"path '" + copied + "/more.nix' does not exist", "Path 'more.nix' does not exist in Git repository \"/home/me/flake\".",
		"getting status of '" + copied + "/more.nix': No such file or directory", "opening file '" + copied + "/more.nix': No such file or directory",
	}},
	{want: "search-path", nix: []string{"file 'nixpkgs' was not found in the Nix search path (add it using $NIX_PATH or -I)", "cannot look up '<nixpkgs>' in pure evaluation mode (use '--impure' to override)"}},
	{want: "syntax", nix: []string{"syntax error, unexpected ';'", "syntax error, unexpected invalid token", "path has a trailing slash"}},
	{want: "undefined-variable", nix: []string{"undefined variable 'berlin'"}},
	{want: "no-function", nix: []string{"attempt to call something which is not a function but a set", "attempt to call something which is not a function but a string: \"x\""}},
	{want: "unpinned-download", nix: []string{
		"in pure evaluation mode, 'fetchTarball' requires a 'sha256' argument", "'fetchurl' requires a 'sha256' argument",
		"in pure evaluation mode, 'fetchGit' will not fetch unlocked input 'git+https://example.org/x'", "in pure evaluation mode, 'fetchGit' doesn't fetch unlocked input 'git+https://example.org/x'",
	}},
	{want: "missing-attribute", nix: []string{"attribute 'hello2' missing"}},
	{want: "duplicate-attribute", nix: []string{"attribute 'time.timeZone' already defined at " + copied + "/configuration.nix:3:3"}},
	{want: "recursion", nix: []string{"infinite recursion encountered", "stack overflow (possible infinite recursion)", "stack overflow; max-call-depth exceeded"}},
	{want: "arguments", nix: []string{"function 'anonymous lambda' called without required argument 'pkg'", "function 'anonymous lambda' called with unexpected argument 'x'"}},
	{want: "wrong-value", nix: []string{
		"value is an integer while a string was expected", "expected a string but found an integer: 5", "cannot coerce an integer to a string: 5", "cannot add a string to an integer", "cannot compare a string with an integer",
	}},
	{want: "gone", nix: []string{
		"hardware.opengl.enable has been renamed to hardware.graphics.enable", "'hello' was removed because it is not needed",
		"The option definition `sound.enable' in `" + copied + "/configuration.nix' no longer has any effect; please remove it.",
	}},
}

package diagnose

// said is one way in which a failure shows.
type said struct {
	want    string   // row of the table
	nix     []string // causes, each by itself
	log     []string // last lines of a builder, each by itself
	warning string   // that came before
	program string   // line of a program that Nix ran
	notice  string   // of Nix, at the level of an error, as a daemon passes it on
	where   Where    // it ran
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

// asked28 and asked226 are what Nix 2.8 and 2.26 say when no machine took a step.
func asked28(system, features, machine string) string {
	return "Failed to find a machine for remote build!\nderivation: x.drv\nrequired (system, features): (" + system + ", " + features + ")\n1 available machines:\n(systems, maxjobs, supportedFeatures, mandatoryFeatures)\n" + machine
}

func asked226(system, features, machine string) string {
	return asked28(system, "["+features+"]", machine)
}

func cannotDownload(url, why string) string { return "unable to download '" + url + "': " + why }

// spoken has every wording of every failure. Sources: NixOS/nix of the tags
// 2.8 to 2.35 (src/libstore, src/libexpr, src/libfetchers), NixOS/nixpkgs
// (lib/modules.nix, pkgs/stdenv/generic/check-meta.nix), e2fsprogs, QEMU,
// OpenSSH, curl.
var spoken = []said{
	{
		want: "no-namespaces-left", nix: []string{"cloning builder process: No space left on device", "unable to fork: No space left on device"},
		log: []string{"error: cloning builder process: No space left on device"},
	},
	{want: "emulator-folders", log: []string{"error while reading directory .: Cannot allocate memory"}},
	{want: "xattrs", log: []string{
		"set_inode_xattr: Operation not supported while listing attributes of \"./nix\"\n__populate_fs: Operation not supported while setting xattrs for \"nix\"",
		"__populate_fs: Operation not supported while setting xattrs for \"nix\"",
	}},
	{want: "image-too-small", log: []string{
		"__populate_fs: Could not allocate inode in ext2 filesystem while creating directory \"x\"",
		"mkfs.ext4: Could not allocate block in ext2 filesystem while populating file system",
		"error: make_file: failed to allocate inode", "__populate_fs: No space left on device while looking up \"x\"",
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
		want: "no-memory", nix: []string{"unable to fork: Cannot allocate memory", "std::bad_alloc", "out of memory", "Nix daemon out of memory", "Too many heap sections: Increase MAXHINCR or MAX_HEAP_SECTS"},
		log: []string{"virtual memory exhausted: Cannot allocate memory", "fork: Cannot allocate memory", "terminate called after throwing an instance of 'std::bad_alloc'"},
	},
	{want: "open-files", nix: []string{"opening file '/nix/store/x': Too many open files"}, log: []string{"ld: x.o: Too many open files"}},

	{want: "not-registered", nix: []string{"executing '/nix/store/x-bash/bin/bash': Exec format error"}, log: []string{"executing '/nix/store/x-bash/bin/bash': Exec format error"}},
	{want: "emulator-outside", nix: []string{"executing '/nix/store/x-bash/bin/bash': No such file or directory"}, log: []string{"executing '/nix/store/x-bash/bin/bash': No such file or directory"}},
	{want: "wrong-processor", log: []string{"/nix/store/x/bin/bash: /nix/store/x/bin/bash: cannot execute binary file", "/nix/store/x-hook: line 3: /nix/store/y/bin/z: cannot execute binary file: Exec format error"}},
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
			"cloning builder process: Invalid argument",
		},
		log: []string{"error: cannot perform a sandboxed build because user namespaces are not enabled; check /proc/sys/user/max_user_namespaces"},
	},
	{
		want: "sandbox-forbidden", nix: []string{
			"cloning builder process: Operation not permitted", "while setting up the build environment: mounting /proc: Operation not permitted",
			"mounting /proc: Invalid argument", "while setting up the build environment: cannot pivot old root directory onto '/nix/store/x.drv.chroot/root/real-root': Invalid argument",
			"unable to make filesystem '/nix/store/x' private: Permission denied", "setuid failed: Invalid argument",
			"getting sandbox mount namespace: No such file or directory", "unable to start build process", // 2.8, of the helper that makes the box
		},
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
	{
		want: "builders-not-trusted", nix: machines,
		warning: "ignoring the client-specified setting 'builders', because it is a restricted setting and you are not a trusted user",
	},
	{
		want: "builders-not-trusted", nix: machines, where: Where{Hosts: []string{"pi@builder"}},
		warning: "ignoring the client-specified setting 'extra-platforms', because it is a restricted setting and you are not a trusted user\nignoring the client-specified setting 'builders', because it is a restricted setting and you are not a trusted user",
	},
	{want: "builder-host-key", nix: machines, program: "No ED25519 host key is known for builder and you have requested strict checking."},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Operation timed out"},
	{want: "builder-system", nix: machines, notice: asked28("aarch64-linux", "", "(x86_64-linux, 1, , )")},
	{want: "builder-system", nix: machines, notice: asked226("aarch64-linux", "", "([x86_64-linux, i686-linux], 1, [kvm], [])")},
	{want: "builder-foreign", nix: []string{startNone, nojobs}, notice: asked28("x86_64-linux", "", "(aarch64-linux, 4, big-parallel, )")},
	{want: "builder-foreign", nix: machines, notice: asked226("x86_64-linux", "", "([aarch64-linux], 4, [benchmark, big-parallel], [])")},
	{want: "builder-feature", nix: machines, notice: asked28("aarch64-linux", "kvm", "(aarch64-linux, 4, benchmark, big-parallel, )")},
	{want: "builder-feature", nix: machines, notice: asked226("aarch64-linux", "big-parallel, kvm", "([aarch64-linux], 4, [benchmark, big-parallel], [])")},
	{want: "builder-none", nix: machines, notice: asked28("aarch64-linux", "big-parallel", "(aarch64-linux, 4, benchmark, big-parallel, )")},
	{want: "builder-none", nix: machines, notice: asked226("aarch64-linux", "", "([aarch64-linux], 4, [benchmark, big-parallel], [])")},
	{want: "builder-idle", nix: []string{old28, mid30, new34, "Unable to start any build;\nremote machines may not have all required system features.", nojobs}, where: Where{Hosts: []string{"pi@builder"}}},
	{want: "builder-host-key", nix: machines, program: "Host key verification failed."},
	{want: "builder-host-key", nix: machines, program: "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @"},
	{want: "builder-login", nix: machines, program: "pi@builder: Permission denied (publickey)."},
	{want: "builder-login", nix: machines, program: "Received disconnect from 10.0.0.2 port 22:2: Too many authentication failures"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Connection refused"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Connection timed out"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: No route to host"},
	{want: "builder-unreachable", nix: machines, program: "ssh: Could not resolve hostname builder: Name or service not known"},
	{want: "builder-unreachable", nix: machines, program: "ssh: connect to host builder port 22: Network is unreachable"},
	{want: "builder-lost", nix: []string{"Nix daemon disconnected unexpectedly (maybe it crashed?)", "unexpected end-of-file", "writing to file: Broken pipe", "reading from file: Connection reset by peer"}, program: "builder for '" + drv + "' failed with exit code 1"},
	{want: "builder-lost", nix: []string{"Nix daemon disconnected unexpectedly (maybe it crashed?)"}, program: wordings[1]},
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
	{want: "root-cache", nix: []string{
		"executing SQLite query 'x': database disk image is malformed, database disk image is malformed (in '/root/.cache/nix/binary-cache-v6.sqlite')",
		"cannot open SQLite database '/root/.cache/nix/fetcher-cache-v2.sqlite': unable to open database file",
	}},
	{want: "box-cache", nix: []string{
		"executing SQLite query 'x': database disk image is malformed, database disk image is malformed (in '/nix/var/cache/nix/binary-cache-v6.sqlite')",
		"cannot open SQLite database '/nix/var/cache/nix/fetcher-cache-v2.sqlite': file is not a database",
	}},
	{want: "database", nix: []string{
		"executing SQLite statement 'pragma synchronous = normal': unable to open database file, unable to open database file (in '/nix/var/nix/db/db.sqlite')",
		"executing SQLite query 'select id from ValidPaths': database disk image is malformed, database disk image is malformed (in '/nix/var/nix/db/db.sqlite')",
		"cannot open Nix database '/nix/var/nix/db/db.sqlite'", "\"/nix/var/nix/db/schema\" is corrupt", "executing SQLite statement 'x': file is not a database, file is not a database (in '/nix/var/nix/db/db.sqlite')",
		"executing SQLite statement 'x': disk I/O error, disk I/O error (in '/nix/var/nix/db/db.sqlite')", "executing SQLite statement 'x': attempt to write a readonly database (in '/nix/var/nix/db/db.sqlite')",
	}},
	{want: "recipe-gone", nix: []string{
		"opening file '/nix/store/xb930mfx1ky8xczf4kzlil8ibwdac19m-x.drv': No such file or directory", "error parsing derivation '/nix/store/xb930mfx1ky8xczf4kzlil8ibwdac19m-x.drv': expected string 'Derive(['",
		"path '/nix/store/xb930mfx1ky8xczf4kzlil8ibwdac19m-x.drv' is not valid",
	}},
	{want: "store-damaged", nix: []string{
		"path '/oix/store/1ijz8ihxk4na7d9kjprg8d8i63fb80n0-x.txt.drv' is not in the Nix store", "path '/nix/store/1ijz8ihxk4na7d9kjprg8d8i63fb80n0-x' is not valid",
		"path '/nix/store/1ijz8ihxk4na7d9kjprg8d8i63fb80n0-x' disappeared, but it still has valid referrers!",
		"reading from file: Input/output error", "opening file '/nix/store/xb930mfx1ky8xczf4kzlil8ibwdac19m-x': No such file or directory",
	}},
	{want: "eval-cache", nix: []string{
		"cannot open SQLite database '/home/me/.cache/nix/eval-cache-v5/x.sqlite': database disk image is malformed",
		"executing SQLite query: database disk image is malformed (in '/home/me/.cache/nix/fetcher-cache-v2.sqlite')",
	}},

	{want: "github-limit", nix: []string{
		cannotDownload("https://api.github.com/repos/NixOS/nixpkgs/commits/nixos-26.05", "HTTP error 403\n\nresponse body:\n\n{\"message\":\"API rate limit exceeded\"}"),
		cannotDownload("https://api.github.com/repos/NixOS/nixpkgs/tarball/x", "HTTP error 429"),
	}},
	{want: "too-many-requests", nix: []string{cannotDownload(nar, "HTTP error 429 (Too Many Requests)")}},
	{want: "proxy-login", nix: []string{cannotDownload(nar, "HTTP error 407"), cannotDownload(nar, "CONNECT tunnel failed: Proxy Authentication Required (56)")}},
	{want: "refused", nix: []string{cannotDownload(nar, "HTTP error 401"), cannotDownload(nar, "HTTP error 403")}},
	{want: "not-found", nix: []string{cannotDownload(nar, "HTTP error 404"), cannotDownload(nar, "HTTP error 410")}},
	{want: "server-trouble", nix: []string{cannotDownload(nar, "HTTP error 503 (Service Unavailable)")}},
	{want: "clock", nix: []string{
		cannotDownload(nar, "SSL peer certificate or SSH remote key was not OK (60) SSL certificate problem: certificate is not yet valid"),
		cannotDownload(nar, "SSL certificate problem: certificate has expired (60)"),
	}},
	{want: "certificate", nix: []string{
		cannotDownload(nar, "SSL peer certificate or SSH remote key was not OK (60)"), cannotDownload(nar, "Problem with the SSL CA cert (path? access rights?) (77)"),
		cannotDownload(nar, "SSL certificate problem: self-signed certificate in certificate chain (60)"),
	}},
	{want: "offline", nix: []string{cannotDownload(nar, "Couldn't resolve host name (6)"), cannotDownload(nar, "Could not resolve hostname (6) Could not resolve host: cache.nixos.org")}},
	{want: "no-connection", nix: []string{
		cannotDownload(nar, "Couldn't connect to server (7)"), cannotDownload(nar, "Could not connect to server (7)"), cannotDownload(nar, "Failed to connect to cache.nixos.org port 443 (7)"),
		cannotDownload(nar, "Timeout was reached (28)"), cannotDownload(nar, "Network is unreachable"), cannotDownload(nar, "SSL connect error (35)"),
	}},
	{want: "broken-off", nix: []string{
		cannotDownload(nar, "Transferred a partial file (18)"), cannotDownload(nar, "Recv failure: Connection reset by peer (56)"), cannotDownload(nar, "Stream error in the HTTP/2 framing layer (92)"),
		cannotDownload(nar, "Failure when receiving data from the peer (56)"), cannotDownload(nar, "HTTP/2 stream 1 was not closed cleanly"), cannotDownload(nar, "Operation too slow"),
	}},
	{want: "builder-no-ssh", nix: []string{"unable to execute 'ssh': No such file or directory", "executing 'ssh': No such file or directory"}},
	{want: "lock-newer", nix: []string{"unsupported tarball input attribute 'lastModified'", "unsupported input attribute '__final'"}},
	{want: "lock-mismatch", nix: []string{
		"mismatch in field 'narHash' of input '{\"narHash\":\"sha256-A=\"}', got '{\"narHash\":\"sha256-B=\"}'",
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
	{want: "damaged-download", nix: []string{
		"failed to read compressed data (Zstd decompression failed: Data corruption detected)", "failed to read compressed data (Lzma library error: Corrupted input data)",
		"failed to read compressed data (truncated gzip input)", "input doesn't look like a Nix archive", "bad archive: input doesn't look like a Nix archive", "error while decompressing: bzip2",
		"Failed to open archive (Lzma library error: Corrupted input data)", "Failed to open archive (Lzma library error:  No progress is possible)", // of a cache, through a daemon
	}},
	{want: "cache-lost", nix: []string{"file 'nar/0278zmdj.nar.xz' does not exist in binary cache 'https://cache.nixos.org'"}},
	{want: "step-offline", log: []string{
		"curl: (6) Could not resolve host: github.com", "curl: (5) Could not resolve proxy: proxy", "fatal: unable to look up github.com (port 9418) (Name or service not known)",
		"error: unable to download 'http://tarballs.nixos.org/x': Couldn't resolve host name (6)", "fatal: unable to access 'https://github.com/x/': Could not resolve host: github.com",
		"Temporary failure in name resolution",
	}},
	{want: "step-certificate", log: []string{
		"curl: (60) SSL certificate problem: unable to get local issuer certificate\nMore details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the server and therefore could not\nestablish a secure connection to it. To learn more about this situation and\nhow to fix it, please visit the web page mentioned above.",
		"fatal: unable to access 'https://github.com/x/': SSL certificate problem: self-signed certificate", "fatal: unable to access 'https://github.com/x/': server certificate verification failed. CAfile: none CRLfile: none",
		"curl: (77) error setting certificate file: /no-cert-file.crt",
	}},
	{want: "step-refused", log: []string{
		"curl: (22) The requested URL returned error: 404\nerror: cannot download x.tar.gz from any mirror", "curl: (22) The requested URL returned error: 503 Service Unavailable",
		"error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403\nfatal: the remote end hung up unexpectedly", "error: RPC failed; HTTP 503",
	}},
	{want: "step-no-connection", log: []string{
		"curl: (7) Failed to connect to example.org port 443 after 3 ms: Couldn't connect to server\nerror: cannot download x.tar.gz from any mirror", "curl: (28) Operation timed out after 300000 milliseconds with 0 bytes received",
		"fatal: unable to access 'https://github.com/x/': Failed to connect to github.com port 443 after 129 ms", "fatal: unable to connect to github.com:",
		"ssh: connect to host github.com port 22: Connection timed out",
	}},
	{want: "step-broken-off", log: []string{
		"curl: (18) transfer closed with 1024 bytes remaining to read", "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output",
		"fatal: the remote end hung up unexpectedly", "fatal: early EOF",
	}},
	{want: "step-download", log: []string{
		"error: cannot download x-1.0.tar.gz from any mirror", "error: unable to download 'http://tarballs.nixos.org/x': something new (99)",
		"Unable to checkout 01014ade3f8f5ae677df192d7c2a208bd795b96c from git://github.com/x/y.", "fatal: unable to access 'https://github.com/x/': something new",
	}},
	{want: "damaged-archive", log: []string{
		"/nix/store/x/bin/xz: (stdin): Compressed data is corrupt\n/nix/store/y/bin/tar: Skipping to next header\n/nix/store/y/bin/tar: Exiting with failure status due to previous errors",
		"xz: (stdin): Unexpected end of input\ntar: Child returned status 1\ntar: Error is not recoverable: exiting now\ndo not know how to unpack source archive /nix/store/x.tar.xz",
		"gzip: stdin: unexpected end of file\ntar: Child returned status 1", "zstd: /*stdin*\\: Decoding error (36) : Data corruption detected", "zstd: x: premature end",
		"bzip2: Compressed file ends unexpectedly;", "tar: Unexpected EOF in archive", "  End-of-central-directory signature not found.  Either this file is not",
	}},
	{want: "download", nix: []string{cannotDownload(nar, "something new (99)")}},
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
		"The option `services.avahi.enabel' defined in `" + copied + "/configuration.nix' does not exist.",
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
	{want: "parent-option", nix: []string{"The option `boot.loader.raspberryPi' in module `/nix/store/x-source/nixos/modules/rename.nix' would be a parent of the following options, but its type `<no description>' does not support nested options."}},
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
	{
		want: "not-added", warning: "Git tree '/home/me/flake' is dirty",
		nix: []string{
			"getting status of '" + copied + "/flake.nix': No such file or directory", "path '" + copied + "/flake.nix' does not exist",
			"source tree referenced by 'git+file:///home/me/flake' does not contain a '/flake.nix' file",
		},
	},
	{want: "foreign-repository", program: "fatal: unsafe repository ('/home/me/dotfiles' is owned by someone else)", nix: []string{"program 'git' failed with exit code 128"}},
	{want: "foreign-repository", program: "fatal: detected dubious ownership in repository at '/home/me/dotfiles'", nix: []string{"program 'git' failed with exit code 128"}},
	{want: "foreign-folder", nix: []string{"repository path '/home/me/dotfiles' is not owned by current user"}},
	{want: "lock-file", nix: []string{
		"lock file '" + copied + "/flake.lock' has unsupported version '9'", "cannot write modified lock file of flake 'path:/home/me/flake' (use '--no-write-lock-file' to ignore)",
		"flake 'path:/home/me/flake' requires lock file changes but they're not allowed due to '--no-update-lock-file'", "opening file '/home/me/flake/flake.lock': Permission denied",
	}},
	{want: "input-file", nix: []string{
		"getting status of '" + copied + "/nixos/modules/virtualisation/disk-size-option.nix': No such file or directory", "path '" + copied + "/nixos/modules/x.nix' does not exist",
	}},
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

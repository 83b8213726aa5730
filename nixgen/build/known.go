package build

// knownCause is a failure whose words are known. Marks are parts of Nix's
// message or of the builder's last lines; quotes and wording differ between
// versions, so they are short.
type knownCause struct {
	marks    []string
	headline string
	page     string
	hints    []string
}

// known is read from the top: the special before the general. Wordings are
// those of Nix 2.18 to 2.35 (NixOS/nix src/libstore, src/libutil).
var known = []knownCause{
	{
		[]string{"Exec format error"},
		"This computer does not run programs for the Raspberry Pi: no emulator is registered.", "check",
		[]string{"The check page shows the command for this computer: piwiz check"},
	},
	{
		[]string{"executing '/nix/store"},
		"The emulator is registered, but it is not there inside Nix's build box.", "check",
		[]string{
			"Register a static one with flag F: sudo apt-get install --reinstall qemu-user-static",
			"The check page tries it: piwiz check",
		},
	},
	{
		[]string{"platform mismatch", "is required to build '", "required system or feature not available"},
		"Nix does not want to build for the Raspberry Pi's processor (aarch64) on this computer.", "check",
		[]string{
			"Add to /etc/nix/nix.conf: extra-platforms = aarch64-linux",
			"Then: sudo systemctl restart nix-daemon",
		},
	},
	{
		[]string{"qemu: uncaught target signal", "accel/tcg/"},
		"The emulator (QEMU) crashed.", "check",
		[]string{"Install a newer one: sudo apt-get update && sudo apt-get install qemu-user-static", "Then build again."},
	},
	{
		[]string{"Could not allocate inode", "__populate_fs: Could not allocate"},
		"The file system of the card came out too small for its files.", "preview",
		[]string{"Take large things out of configuration.nix, then build again. The disk of this computer is not the cause."},
	},
	{
		[]string{"No space left on device", "lack of free disk space"},
		"The disk of this computer is full.", "check",
		[]string{"Remove what Nix no longer needs: nix-collect-garbage", "See what fills it: df -h /nix"},
	},
	{
		[]string{"signal 9 (Killed)", "exit code 137"},
		"A step of the build was killed, most often because memory ran out.", "check",
		[]string{"Close other programs and build again.", "See how much memory is free: free -h"},
	},
	{
		[]string{"daemon-socket", "cannot connect to socket", "big-lock", "daemon disconnected unexpectedly"},
		"The Nix service (nix-daemon) does not answer.", "check",
		[]string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
	},
	{
		[]string{"user namespaces are not enabled", "does not support the kernel namespaces"},
		"This computer does not let Nix build in a closed box (user namespaces are off).", "check",
		[]string{"Turn them on: sudo sysctl user.max_user_namespaces=15000"},
	},
	{
		[]string{"experimental Nix feature", "requires Nix >=", "requires an implementation of Nix"},
		"This Nix is too old for NixOS.", "check",
		[]string{"See which one you have: nix --version", "Install a newer one: sh <(curl -L https://nixos.org/nix/install) --daemon"},
	},
	{
		[]string{"HTTP error 403", "HTTP error 429"},
		"The server refuses more downloads for now.", "check",
		[]string{"Wait an hour and build again. What was fetched already is kept."},
	},
	{
		[]string{"unable to download", "resolve host", "due to networking issues"},
		"A download failed: is this computer on the internet?", "check",
		[]string{"See whether the server answers: curl -I https://cache.nixos.org", "Then build again. What was fetched already is kept."},
	},
	{
		[]string{"hash mismatch", "NAR hash mismatch"},
		"A download is not what it should be. A login page of the network can be the cause.", "check",
		[]string{"Open a web page in a browser and log in to the network if it asks, then build again."},
	},
	{
		[]string{"timed out after"},
		"A step of the build took longer than Nix allows.", "check",
		[]string{"See the limits: nix --extra-experimental-features nix-command config show | grep -E 'timeout|max-silent'", "Then build again."},
	},
}

package diagnose

// settings are mistakes in the text of the flake. Nix's own words name what is
// wrong, so they are shown, with the line of the user's file.
var settings = inTheText([]row{{
	name: "binfmt-on-the-pi", nix: []string{`emulatedSystems`, `hostPlatform\.system\)' failed`},
	headline: "The Pi is told to emulate its own processor.",
	why:      "boot.binfmt.emulatedSystems belongs to the computer that builds.",
	do:       []string{"Take boot.binfmt.emulatedSystems out of configuration.nix."},
}, {
	name: "no-option", nix: []string{"The option [`']([^`']+)' (?:defined in [`'][^`']+' )?does not exist"},
	headline: "The option $1 does not exist.",
	do:       []string{"Look up its name: https://search.nixos.org/options"},
}, {
	name: "wrong-type", nix: []string{"A definition for option [`']([^`']+)' is not of type [`'](.+?)'\\."},
	headline: "The option $1 has a value of the wrong type: it expects $2.",
	do:       []string{"Look up what it expects: https://search.nixos.org/options"},
}, {
	name: "conflict", nix: []string{"The option [`']([^`']+)' has conflicting definition"},
	headline: "The option $1 is set twice, to different values.",
	do:       []string{"Take one of them out, or put lib.mkForce before the value in configuration.nix that should count."},
}, {
	name: "set-twice", nix: []string{"The (?:unique )?option [`']([^`']+)' is (?:defined multiple times|read-only)"},
	headline: "The option $1 may be set only once.",
	do:       []string{"Take it out of configuration.nix."},
}, {
	name: "declared-twice", nix: []string{"The option [`']([^`']+)' in [`'][^`']+' is already declared"},
	headline: "The option $1 is declared a second time.",
	why:      "It exists already. Setting it needs no options = ... around it.",
	do:       []string{"Take the declaration (options.$1) out of configuration.nix."},
}, {
	name: "parent-option", nix: []string{"The option [`']([^`']+)' in module .* would be a parent of the following options"},
	headline: "Two of the inputs both declare the option $1.",
	why:      "Most often a flake for boards wants its own nixpkgs.",
	do:       []string{"Take the module of one of them out of configuration.nix, or build with the nixpkgs that the flake for the board asks for."},
}, {
	name: "mixed-module", nix: []string{"has an unsupported attribute [`']([^`']+)'"},
	headline: "A file has an options or config block, and settings outside of it: $1.",
	why:      "Then all settings must be in the config block.",
	do:       []string{"Move $1 into config = { ... };"},
}, {
	name: "no-value", nix: []string{"The option [`']([^`']+)' (?:is used but not defined|was accessed but has no value defined)"},
	headline: "The option $1 has no value, but something needs it.",
	do:       []string{"Give it a value in configuration.nix."},
}, {
	name: "assertion", nix: []string{`Failed assertions:`},
	headline: "NixOS refuses this combination of settings.",
	do:       []string{"Change in configuration.nix what the lines above name."},
}, {
	name: "zfs", nix: []string{`(?s)ackage ['‘]zfs-kernel[^'’]*['’] .*(?:marked as broken|problems: broken)`},
	headline: "ZFS does not fit this kernel.",
	why:      "piwiz leaves ZFS out; configuration.nix brings it or another kernel back in.",
	do:       []string{"Add to configuration.nix: boot.supportedFilesystems.zfs = lib.mkForce false;"},
}, {
	name: "broken", nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*(?:marked as broken|problems: broken)`},
	headline: "The package $1 is known not to work.",
	do:       []string{"Take it out of configuration.nix, or use another version of it."},
}, {
	name: "insecure", nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*marked as insecure`},
	headline: "The package $1 has known security holes.",
	do:       []string{"Take it out or, if you must: nixpkgs.config.permittedInsecurePackages = [ \"$1\" ];"},
}, {
	name: "unfree", nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*has an unfree license`},
	headline: "The package $1 is not free software.",
	do:       []string{"Allow that in configuration.nix: nixpkgs.config.allowUnfree = true;"},
}, {
	name: "not-for-the-pi", nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*is not available on the requested hostPlatform`},
	headline: "There is no $1 for the Raspberry Pi's processor.",
	do:       []string{"Take it out of configuration.nix."},
}, {
	name: "not-added", nix: []string{`-source/flake\.nix['"]: No such file`, `does not contain a '[^']*flake\.nix' file`, `-source/flake\.nix' does not exist`}, with: []string{`Git tree '([^']+)' is dirty`},
	headline: "Git does not know flake.nix in $1 yet, so Nix does not see it.",
	do:       []string{"In that folder: git add flake.nix"},
}, {
	name: "foreign-repository", nix: []string{`git.* failed with exit code 128`}, with: []string{`unsafe repository \('([^']+)'`, `dubious ownership in repository at '([^']+)'`},
	headline: "The git repository $1 belongs to another user, so git does not read it.",
	why:      "Somebody else could put commands into it.",
	do:       []string{"If you trust it: git config --global --add safe.directory '$1'"},
}, {
	name: "foreign-folder", nix: []string{`repository path '([^']+)' is not owned by current user`},
	headline: "The git repository $1 belongs to another user, so Nix does not read it.",
	why:      "Somebody else could put commands into it.",
	do:       []string{"If you trust it: git config --global --add safe.directory '$1'"},
}, {
	name: "lock-file", nix: []string{`lock file '([^']+)' (?:has|contains)`, `cannot write modified lock file`, `requires lock file changes`, `opening (?:lock )?file ['"]([^'"]*flake\.lock)['"]`},
	headline: "Nix cannot use the file that records the versions (flake.lock).",
	why:      "It is damaged, was written by another version of Nix, or cannot be written.",
	do:       []string{"See whose it is: ls -l FLAKE/flake.lock", "Let Nix choose the versions again: rm FLAKE/flake.lock, then build again."},
}, {
	name: "not-in-git", nix: []string{`Path '([^']+)' in the repository .* is not tracked by Git`},
	headline: "Git does not know the file $1 yet, so Nix does not see it.",
	do:       []string{"In that repository: git add '$1'"},
}, {
	name: "no-host", nix: []string{`does not provide attribute '[^']*'`},
	headline: "The flake has no image for this host.",
	do:       []string{"Go back to the preview and forward again: piwiz writes flake.nix again.", "See what it has: nix --extra-experimental-features 'nix-command flakes' flake show path:FLAKE"},
}, {
	name: "absolute-path", nix: []string{`access to absolute path '([^']+)' is forbidden in pure`},
	headline: "configuration.nix uses a file outside of its folder: $1.",
	do:       []string{"Copy the file into FLAKE and write ./NAME. Not a secret: everybody on this computer can read what Nix copies."},
}, {
	name: "input-file", when: ofAnInput, nix: []string{`(?:getting status of|opening file|path) ['"](/nix/store/[^/'"]+-source)/([^'"]+)['"](?: does not exist|: No such file)`},
	headline: "An input of the flake has no file $2.",
	why:      "The inputs are from releases that do not fit together. Your own files are not the cause.",
	do:       []string{"Fetch the inputs again: nix --extra-experimental-features 'nix-command flakes' flake update --flake path:FLAKE", again},
}, {
	name: "file-missing", nix: []string{`[Pp]ath '(?:/nix/store/[^/']+-source/)?([^']+)' does not exist`, `(?:getting status of|opening file) ['"]/nix/store/[^/'"]+-source/([^'"]+)['"]: No such file`},
	headline: "A file that the configuration names is not there: $1.",
	do:       []string{"Put it into FLAKE, or take its name out of configuration.nix."},
}, {
	name: "search-path", nix: []string{`file '([^']+)' was not found in the Nix search path`, `cannot look up '<([^>']+)>' in pure`},
	headline: "configuration.nix asks for <$1>, which a flake does not have.",
	do:       []string{"Write pkgs for packages, and (modulesPath + \"/...\") for modules of NixOS."},
}, {
	name: "syntax", nix: []string{`^syntax error`, `^path has a trailing slash`},
	headline: "Syntax error: a character is missing, or there is one too many.",
}, {
	name: "undefined-variable", nix: []string{`^undefined variable '([^']+)'`},
	headline: "The name $1 is not known.",
	why:      "Text needs quotation marks; packages are pkgs.NAME.",
}, {
	name: "no-function", nix: []string{`^attempt to call something which is not a function`},
	headline: "Something is used like a function, but is not one.",
	why:      "Most often a ; is missing at the end of the line before, or parentheses around an item of a list.",
}, {
	name: "unpinned-download", nix: []string{`in pure evaluation mode, '([^']+)' (?:requires a|(?:will not|doesn't) fetch unlocked)`, `'([^']+)' requires a 'sha256' argument`},
	headline: "A download in the configuration ($1) has no hash.",
	why:      "Without one the same card could not be made again.",
	do:       []string{"For fetchTarball and fetchurl add: sha256 = \"\"; and build: Nix then prints the right one. For fetchGit add: rev = \"COMMIT\";"},
}, {
	name: "missing-attribute", nix: []string{`^attribute '([^']+)' missing`},
	headline: "There is nothing called $1.",
	do:       []string{"If it is a package, look up its name: https://search.nixos.org/packages"},
}, {
	name: "duplicate-attribute", nix: []string{`^attribute '([^']+)' already defined`},
	headline: "$1 is set twice in one file.",
}, {
	name: "recursion", nix: []string{`^infinite recursion encountered`, `^stack overflow`},
	headline: "The configuration depends on its own value.",
	why:      "Most often config or pkgs is used inside imports.",
}, {
	name: "arguments", nix: []string{`called (?:without required|with unexpected) argument '([^']+)'`},
	headline: "A function is called with the wrong arguments: $1.",
}, {
	name: "wrong-value", nix: []string{`(?s)^(?:expected|value is) an? .* (?:but found|while) `, `^cannot coerce `, `^cannot (?:add|compare|concatenate) `},
	headline: "A value has the wrong type.",
}, {
	name: "gone", nix: []string{"^'?[\\w.\"-]+'? (?:has been|was) (?:renamed|removed|replaced|deprecated|moved)", "The option definition [`'][^`']+' in .* no longer has any effect"},
	headline: "Something in the configuration was renamed or removed.",
	do:       []string{"Nix says above what to write instead."},
}})

// ofAnInput says whether a missing file belongs to an input of the flake, such
// as nixpkgs, and not to the user's folder.
func ofAnInput(s statement) bool {
	m := find([]string{`(/nix/store/[^/'"]+-source)/(?:(?:nixos|pkgs|lib)/)?`}, s.cause)
	if s.flake != "" && m != nil {
		return m[1] != s.flake
	}
	return find([]string{`-source/(?:nixos/modules|pkgs/\S+|lib/\S+)`}, s.cause) != nil
}

func inTheText(rows []row) []row {
	for i := range rows {
		rows[i].verbatim, rows[i].page = true, "preview"
	}
	return rows
}

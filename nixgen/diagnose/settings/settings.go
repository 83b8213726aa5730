// Package settings has the mistakes in the text of a flake.
package settings

import "piwiz/nixgen/diagnose/row"

// Rows are mistakes in the text of the flake. Nix's own words name what is
// wrong, so they are shown, with the line of the user's file.
var Rows = inTheText([]row.Row{{
	Name: "binfmt-on-the-pi", Nix: []string{`emulatedSystems`, `hostPlatform\.system\)' failed`},
	Headline: "The Pi is told to emulate its own processor.",
	Why:      "boot.binfmt.emulatedSystems belongs to the computer that builds.",
	Do:       []string{"Take boot.binfmt.emulatedSystems out of configuration.nix."},
}, {
	Name: "no-option", Nix: []string{"The option [`']([^`']+)' (?:defined in [`'][^`']+' )?does not exist"},
	Headline: "The option $1 does not exist.",
	Do:       []string{"Look up its name: https://search.nixos.org/options"},
}, {
	Name: "wrong-type", Nix: []string{"A definition for option [`']([^`']+)' is not of type [`'](.+?)'\\."},
	Headline: "The option $1 has a value of the wrong type: it expects $2.",
	Do:       []string{"Look up what it expects: https://search.nixos.org/options"},
}, {
	Name: "conflict", Nix: []string{"The option [`']([^`']+)' has conflicting definition"},
	Headline: "The option $1 is set twice, to different values.",
	Do:       []string{"Take one of them out, or put lib.mkForce before the value in configuration.nix that should count."},
}, {
	Name: "set-twice", Nix: []string{"The (?:unique )?option [`']([^`']+)' is (?:defined multiple times|read-only)"},
	Headline: "The option $1 may be set only once.",
	Do:       []string{"Take it out of configuration.nix."},
}, {
	Name: "declared-twice", Nix: []string{"The option [`']([^`']+)' in [`'][^`']+' is already declared"},
	Headline: "The option $1 is declared a second time.",
	Why:      "It exists already. Setting it needs no options = ... around it.",
	Do:       []string{"Take the declaration (options.$1) out of configuration.nix."},
}, {
	Name: "parent-option", Nix: []string{"The option [`']([^`']+)' in module .* would be a parent of the following options"},
	Headline: "Two of the inputs both declare the option $1.",
	Why:      "Most often a flake for boards wants its own nixpkgs.",
	Do:       []string{"Take the module of one of them out of configuration.nix, or build with the nixpkgs that the flake for the board asks for."},
}, {
	Name: "mixed-module", Nix: []string{"has an unsupported attribute [`']([^`']+)'"},
	Headline: "A file has an options or config block, and settings outside of it: $1.",
	Why:      "Then all settings must be in the config block.",
	Do:       []string{"Move $1 into config = { ... };"},
}, {
	Name: "no-value", Nix: []string{"The option [`']([^`']+)' (?:is used but not defined|was accessed but has no value defined)"},
	Headline: "The option $1 has no value, but something needs it.",
	Do:       []string{"Give it a value in configuration.nix."},
}, {
	Name: "assertion", Nix: []string{`Failed assertions:`},
	Headline: "NixOS refuses this combination of settings.",
	Do:       []string{"Change in configuration.nix what the lines above name."},
}, {
	Name: "zfs", Nix: []string{`(?s)ackage ['‘]zfs-kernel[^'’]*['’] .*(?:marked as broken|problems: broken)`},
	Headline: "ZFS does not fit this kernel.",
	Why:      "piwiz leaves ZFS out; configuration.nix brings it or another kernel back in.",
	Do:       []string{"Add to configuration.nix: boot.supportedFilesystems.zfs = lib.mkForce false;"},
}, {
	Name: "broken", Nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*(?:marked as broken|problems: broken)`},
	Headline: "The package $1 is known not to work.",
	Do:       []string{"Take it out of configuration.nix, or use another version of it."},
}, {
	Name: "insecure", Nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*marked as insecure`},
	Headline: "The package $1 has known security holes.",
	Do:       []string{"Take it out or, if you must: nixpkgs.config.permittedInsecurePackages = [ \"$1\" ];"},
}, {
	Name: "unfree", Nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*has an unfree license`},
	Headline: "The package $1 is not free software.",
	Do:       []string{"Allow that in configuration.nix: nixpkgs.config.allowUnfree = true;"},
}, {
	Name: "not-for-the-pi", Nix: []string{`(?s)ackage ['‘]([^'’]+)['’] .*is not available on the requested hostPlatform`},
	Headline: "There is no $1 for the Raspberry Pi's processor.",
	Do:       []string{"Take it out of configuration.nix."},
}, {
	Name: "not-added", Nix: []string{`-source/flake\.nix['"]: No such file`, `does not contain a '[^']*flake\.nix' file`, `-source/flake\.nix' does not exist`}, With: []string{`Git tree '([^']+)' is dirty`},
	Headline: "Git does not know flake.nix in $1 yet, so Nix does not see it.",
	Do:       []string{"In that folder: git add flake.nix"},
}, {
	Name: "foreign-repository", Nix: []string{`git.* failed with exit code 128`}, With: []string{`unsafe repository \('([^']+)'`, `dubious ownership in repository at '([^']+)'`},
	Headline: "The git repository $1 belongs to another user, so git does not read it.",
	Why:      "Somebody else could put commands into it.",
	Do:       []string{"If you trust it: git config --global --add safe.directory '$1'"},
}, {
	Name: "foreign-folder", Nix: []string{`repository path '([^']+)' is not owned by current user`},
	Headline: "The git repository $1 belongs to another user, so Nix does not read it.",
	Why:      "Somebody else could put commands into it.",
	Do:       []string{"If you trust it: git config --global --add safe.directory '$1'"},
}, {
	Name: "lock-file", Nix: []string{`lock file '([^']+)' (?:has|contains)`, `cannot write modified lock file`, `requires lock file changes`, `opening (?:lock )?file ['"]([^'"]*flake\.lock)['"]`},
	Headline: "Nix cannot use the file that records the versions (flake.lock).",
	Why:      "It is damaged, was written by another version of Nix, or cannot be written.",
	Do:       []string{"See whose it is: ls -l FLAKE/flake.lock", "Let Nix choose the versions again: rm FLAKE/flake.lock, then build again."},
}, {
	Name: "not-in-git", Nix: []string{`Path '([^']+)' in the repository .* is not tracked by Git`},
	Headline: "Git does not know the file $1 yet, so Nix does not see it.",
	Do:       []string{"In that repository: git add '$1'"},
}, {
	Name: "no-host", Nix: []string{`does not provide attribute '[^']*'`},
	Headline: "The flake has no image for this host.",
	Do:       []string{"Go back to the preview and forward again: piwiz writes flake.nix again.", "See what it has: nix --extra-experimental-features 'nix-command flakes' flake show path:FLAKE"},
}, {
	Name: "absolute-path", Nix: []string{`access to absolute path '([^']+)' is forbidden in pure`},
	Headline: "configuration.nix uses a file outside of its folder: $1.",
	Do:       []string{"Copy the file into FLAKE and write ./NAME. Not a secret: everybody on this computer can read what Nix copies."},
}, {
	Name: "input-file", When: ofAnInput, Nix: []string{`(?:getting status of|opening file|path) ['"](/nix/store/[^/'"]+-source)/([^'"]+)['"](?: does not exist|: No such file)`},
	Headline: "An input of the flake has no file $2.",
	Why:      "The inputs are from releases that do not fit together. Your own files are not the cause.",
	Do:       []string{"Fetch the inputs again: nix --extra-experimental-features 'nix-command flakes' flake update --flake path:FLAKE", row.Again},
}, {
	Name: "file-missing", Nix: []string{`[Pp]ath '(?:/nix/store/[^/']+-source/)?([^']+)' does not exist`, `(?:getting status of|opening file) ['"]/nix/store/[^/'"]+-source/([^'"]+)['"]: No such file`},
	Headline: "A file that the configuration names is not there: $1.",
	Do:       []string{"Put it into FLAKE, or take its name out of configuration.nix."},
}, {
	Name: "search-path", Nix: []string{`file '([^']+)' was not found in the Nix search path`, `cannot look up '<([^>']+)>' in pure`},
	Headline: "configuration.nix asks for <$1>, which a flake does not have.",
	Do:       []string{"Write pkgs for packages, and (modulesPath + \"/...\") for modules of NixOS."},
}, {
	Name: "syntax", Nix: []string{`^syntax error`, `^path has a trailing slash`},
	Headline: "Syntax error: a character is missing, or there is one too many.",
}, {
	Name: "undefined-variable", Nix: []string{`^undefined variable '([^']+)'`},
	Headline: "The name $1 is not known.",
	Why:      "Text needs quotation marks; packages are pkgs.NAME.",
}, {
	Name: "no-function", Nix: []string{`^attempt to call something which is not a function`},
	Headline: "Something is used like a function, but is not one.",
	Why:      "Most often a ; is missing at the end of the line before, or parentheses around an item of a list.",
}, {
	Name: "unpinned-download", Nix: []string{`in pure evaluation mode, '([^']+)' (?:requires a|(?:will not|doesn't) fetch unlocked)`, `'([^']+)' requires a 'sha256' argument`},
	Headline: "A download in the configuration ($1) has no hash.",
	Why:      "Without one the same card could not be made again.",
	Do:       []string{"For fetchTarball and fetchurl add: sha256 = \"\"; and build: Nix then prints the right one. For fetchGit add: rev = \"COMMIT\";"},
}, {
	Name: "missing-attribute", Nix: []string{`^attribute '([^']+)' missing`},
	Headline: "There is nothing called $1.",
	Do:       []string{"If it is a package, look up its name: https://search.nixos.org/packages"},
}, {
	Name: "duplicate-attribute", Nix: []string{`^attribute '([^']+)' already defined`},
	Headline: "$1 is set twice in one file.",
}, {
	Name: "recursion", Nix: []string{`^infinite recursion encountered`, `^stack overflow`},
	Headline: "The configuration depends on its own value.",
	Why:      "Most often config or pkgs is used inside imports.",
}, {
	Name: "arguments", Nix: []string{`called (?:without required|with unexpected) argument '([^']+)'`},
	Headline: "A function is called with the wrong arguments: $1.",
}, {
	Name: "wrong-value", Nix: []string{`(?s)^(?:expected|value is) an? .* (?:but found|while) `, `^cannot coerce `, `^cannot (?:add|compare|concatenate) `},
	Headline: "A value has the wrong type.",
}, {
	Name: "gone", Nix: []string{"^'?[\\w.\"-]+'? (?:has been|was) (?:renamed|removed|replaced|deprecated|moved)", "The option definition [`'][^`']+' in .* no longer has any effect"},
	Headline: "Something in the configuration was renamed or removed.",
	Do:       []string{"Nix says above what to write instead."},
}})

// ofAnInput says whether a missing file belongs to an input of the flake, such
// as nixpkgs, and not to the user's folder.
func ofAnInput(s row.Statement) bool {
	m := row.Find([]string{`(/nix/store/[^/'"]+-source)/(?:(?:nixos|pkgs|lib)/)?`}, s.Cause)
	if s.Flake != "" && m != nil {
		return m[1] != s.Flake
	}
	return row.Find([]string{`-source/(?:nixos/modules|pkgs/\S+|lib/\S+)`}, s.Cause) != nil
}

func inTheText(rows []row.Row) []row.Row {
	for i := range rows {
		rows[i].Verbatim, rows[i].Page = true, "preview"
	}
	return rows
}

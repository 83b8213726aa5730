package computer

import "piwiz/nixgen/diagnose/row"

// repair checks every file of the store against its database, and fetches
// again what is damaged.
var repair = []string{"Check the store, and fetch again what is damaged: sudo nix-store --verify --check-contents --repair", row.Again}

// Store are damaged files of Nix: its database, its store, its notes.
var Store = []row.Row{{
	Name: "root-cache", Nix: []string{`(?s)(?:malformed|not a database|unable to open).*'(/root/\.cache/nix)/`, `'(/root/\.cache/nix)/.*(?:malformed|not a database|unable to open)`},
	Headline: "The local cache of root's Nix is damaged.",
	Why:      "It only saves time, and Nix makes it again. It is root's, not yours: the Nix service wrote it.",
	Page:     "check", Do: []string{"Remove it: sudo rm -r $1", row.Again},
}, {
	Name: "eval-cache", Nix: []string{`'(/\S+/\.cache/nix)/.*(?:malformed|not a database|unable to open)`, `(?s)(?:malformed|not a database|unable to open).*'(/\S+/\.cache/nix)/`},
	Headline: "Nix's local cache is damaged.",
	Why:      "It only saves time, and Nix makes it again.",
	Page:     "check", Do: []string{"Remove it: rm -r ~/.cache/nix", row.Again},
}, {
	Name: "box-cache", Nix: []string{`/nix/var/cache/.*(?:malformed|not a database|unable to open)`, `(?s)(?:malformed|not a database|unable to open).*'/nix/var/cache/`},
	Headline: "Nix's local cache is damaged.",
	Why:      "It only saves time, and Nix makes it again.",
	Page:     "check", Do: []string{"Remove it: sudo rm -r /nix/var/cache", row.Again}, Boxed: row.RemoveStore,
}, {
	Name: "database", Side: row.Either,
	Nix:      []string{`disk I/O error`, `attempt to write a readonly database`, `cannot open Nix database`, `database disk image is malformed`, `unable to open database file`, `file is not a database`, `/db/schema['"] is corrupt`},
	Headline: "The database of Nix on COMPUTER is damaged or cannot be opened.",
	Why:      "It says what is in the store. A crash, a full disk or a failing disk causes that.",
	Page:     "check", Do: []string{"See whether it is there, and whose it is: ls -l /nix/var/nix/db", "See whether the disk has errors: sudo dmesg | grep -i error", "Check the store, and fetch again what is damaged: sudo nix-store --verify --check-contents --repair"},
	Boxed: row.RemoveStore,
}, {
	Name: "recipe-gone", Side: row.Either,
	Nix: []string{
		`(?:opening file|getting status of|getting attributes of path) ['"]/nix/store/[^'"]+\.drv['"]: No such file`, `error parsing derivation '?/nix/store/`,
		`path '[^']+\.drv' is not valid`,
	},
	Headline: "The Nix store on COMPUTER is damaged: a build recipe (.drv) that its database knows is missing or empty.",
	Why:      "A crash causes that, or deleting files in /nix/store by hand.",
	Page:     "check", Do: repair, Boxed: row.RemoveStore,
}, {
	Name: "store-damaged", Side: row.Either,
	Nix: []string{
		`path '[^']+' is not in the Nix store`, `path '/nix/store/[^']+' is not valid`, `path '/nix/store/[^']+' disappeared`,
		`(?:Input/output error|Structure needs cleaning)$`, `(?:opening file|getting status of|getting attributes of path) ['"]/nix/store/[0-9a-z]{32}-[^/'"]+['"]: No such file`,
	},
	Headline: "The Nix store on COMPUTER is damaged.",
	Why:      "Its database and its files do not match. A crash or a failing disk causes that.",
	Page:     "check", Do: append([]string{"See whether the disk has errors: sudo dmesg | grep -i error"}, repair...), Boxed: row.RemoveStore,
}}

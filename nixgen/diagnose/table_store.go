package diagnose

// repair checks every file of the store against its database, and fetches
// again what is damaged. anew makes the store of the container from nothing.
var (
	repair = []string{"Check the store, and fetch again what is damaged: sudo nix-store --verify --check-contents --repair", again}
	anew   = &instead{why: "The store of the container is damaged; it holds nothing that cannot be made again.", do: []string{
		"Remove it: ENGINE volume rm $(ENGINE volume ls --quiet --filter name=piwiz-nix)", again,
	}}
)

// store are damaged files of Nix: its database, its store, its notes.
var store = []row{{
	name: "root-cache", nix: []string{`(?s)(?:malformed|not a database|unable to open).*'(/root/\.cache/nix)/`, `'(/root/\.cache/nix)/.*(?:malformed|not a database|unable to open)`},
	headline: "The local cache of root's Nix is damaged.",
	why:      "It only saves time, and Nix makes it again. It is root's, not yours: the Nix service wrote it.",
	page:     "check", do: []string{"Remove it: sudo rm -r $1", again},
}, {
	name: "eval-cache", nix: []string{`'(/\S+/\.cache/nix)/.*(?:malformed|not a database|unable to open)`, `(?s)(?:malformed|not a database|unable to open).*'(/\S+/\.cache/nix)/`},
	headline: "Nix's local cache is damaged.",
	why:      "It only saves time, and Nix makes it again.",
	page:     "check", do: []string{"Remove it: rm -r ~/.cache/nix", again},
}, {
	name: "box-cache", nix: []string{`/nix/var/cache/.*(?:malformed|not a database|unable to open)`, `(?s)(?:malformed|not a database|unable to open).*'/nix/var/cache/`},
	headline: "Nix's local cache is damaged.",
	why:      "It only saves time, and Nix makes it again.",
	page:     "check", do: []string{"Remove it: sudo rm -r /nix/var/cache", again}, boxed: anew,
}, {
	name: "database", side: either,
	nix:      []string{`disk I/O error`, `attempt to write a readonly database`, `cannot open Nix database`, `database disk image is malformed`, `unable to open database file`, `file is not a database`, `/db/schema['"] is corrupt`},
	headline: "The database of Nix on COMPUTER is damaged or cannot be opened.",
	why:      "It says what is in the store. A crash, a full disk or a failing disk causes that.",
	page:     "check", do: []string{"See whether it is there, and whose it is: ls -l /nix/var/nix/db", "See whether the disk has errors: sudo dmesg | grep -i error", "Check the store, and fetch again what is damaged: sudo nix-store --verify --check-contents --repair"},
	boxed: anew,
}, {
	name: "recipe-gone", side: either,
	nix: []string{
		`(?:opening file|getting status of|getting attributes of path) ['"]/nix/store/[^'"]+\.drv['"]: No such file`, `error parsing derivation '?/nix/store/`,
		`path '[^']+\.drv' is not valid`,
	},
	headline: "The Nix store on COMPUTER is damaged: a build recipe (.drv) that its database knows is missing or empty.",
	why:      "A crash causes that, or deleting files in /nix/store by hand.",
	page:     "check", do: repair, boxed: anew,
}, {
	name: "store-damaged", side: either,
	nix: []string{
		`path '[^']+' is not in the Nix store`, `path '/nix/store/[^']+' is not valid`, `path '/nix/store/[^']+' disappeared`,
		`(?:Input/output error|Structure needs cleaning)$`, `(?:opening file|getting status of|getting attributes of path) ['"]/nix/store/[0-9a-z]{32}-[^/'"]+['"]: No such file`,
	},
	headline: "The Nix store on COMPUTER is damaged.",
	why:      "Its database and its files do not match. A crash or a failing disk causes that.",
	page:     "check", do: append([]string{"See whether the disk has errors: sudo dmesg | grep -i error"}, repair...), boxed: anew,
}}

package download

import "piwiz/nixgen/diagnose/row"

// Inside are downloads that a step of the build makes itself: curl and git of
// nixpkgs' fetchurl and fetchgit, and Nix's own builtin:fetchurl. Sources: curl
// 8, git 2, NixOS/nixpkgs pkgs/build-support/fetchurl/builder.sh.
var Inside = []row.Row{{
	Name: "step-offline", Side: row.Ran,
	Log:      []string{`[Cc]ould(?:n't| not) resolve (?:host|proxy)(?:name|:)?(?: name)? ?([^\s;']*)`, `unable to look up (\S+)`, `(?:Temporary failure in name resolution|Name or service not known)()`},
	Headline: "A name on the internet was not found while a step of the build downloaded: is COMPUTER on the internet?",
	Why:      "The step downloads from another server, not from the cache of NixOS.",
	Page:     "check", Do: []string{"See whether names are found: curl -I https://cache.nixos.org", "If all else works, the address is wrong or gone: see it in the last lines of the step.", row.Again},
}, {
	Name: "step-certificate", Side: row.Ran,
	Log:      []string{`curl: \(60\)`, `SSL certificate problem`, `server certificate verification failed`, `curl: \(77\)`},
	Headline: "Something in the network of COMPUTER stands between a step of the build and the server.",
	Why:      "Instead of the server's certificate, that of a login page or a company's proxy came. A step trusts only the certificate authorities in nixpkgs, not those added on this computer.",
	Page:     "check", Do: []string{"Open a web page in a browser and log in to the network if it asks.", "In a company's network: build where no proxy replaces certificates.", row.Again},
}, {
	Name: "step-refused", Side: row.Ran,
	Log:      []string{`The requested URL returned error: (\d+)`, `error: RPC failed; HTTP (\d+)`},
	Headline: "A server refused a download of a step of the build, with error $1.",
	Why:      "404 and 410: the file is gone. 403 and 429: too many downloads, or not for everybody. 5xx: the server itself has a problem.",
	Page:     "check", Do: []string{"Wait some minutes, or for 429 an hour, and build again.", "If it stays so and configuration.nix names the file, fix its address."},
}, {
	Name: "step-no-connection", Side: row.Ran,
	Log: []string{
		`curl: \((?:5|7|28|35|55)\)`, `unable to access '\S+: (?:Failed to connect|Recv failure|OpenSSL|gnutls_handshake)`,
		`fatal: unable to connect to \S+`, `connect to host \S+ port \d+:`,
	},
	Headline: "A server does not answer a step of the build.",
	Why:      "The step downloads from another server, not from the cache of NixOS. Behind a proxy git needs it too.",
	Page:     "check", Do: []string{"See in its last lines which one, and whether it answers: curl -I ADDRESS", "See which proxy is set: env | grep -i proxy", row.Again},
}, {
	Name: "step-broken-off", Side: row.Ran,
	Log:      []string{`curl: \((?:16|18|52|56|92)\)`, `early EOF`, `RPC failed; curl`, `the remote end hung up unexpectedly`},
	Headline: "A download of a step of the build broke off.",
	Why:      "The connection was lost on the way.",
	Page:     "check", Do: []string{"Build again: what is fetched already is kept."},
}, {
	Name: "step-download", Side: row.Ran,
	Log:      []string{`cannot download (\S+) from any mirror`, `unable to download '([^']+)'`, `Unable to checkout \S+ from (\S+)`, `fatal: unable to access '([^']+)'`},
	Headline: "A download of a step of the build failed: $1.",
	Why:      "No server delivered it.",
	Page:     "check", Do: []string{"See in the last lines what the server said.", row.Again},
}, {
	Name: "damaged-archive", Side: row.Ran,
	Log: []string{
		`[Cc]ompressed data is corrupt`, `xz: \S+: (?:Unexpected end of input|File format not recognized)`,
		`gzip: \S+: (?:unexpected end of file|invalid compressed data|not in gzip format)`, `zstd: .*(?:Data corruption detected|premature end)`,
		`bzip2: Compressed file ends unexpectedly`, `Unexpected EOF in archive`, `End-of-central-directory signature not found`,
	},
	Headline: "A step of the build met a damaged archive.",
	Why:      "It was damaged on the way, or on the disk.",
	Page:     "check", Do: []string{"Build again: what is fetched already is kept."},
}}

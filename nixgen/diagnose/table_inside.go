package diagnose

// inside are downloads that a step of the build makes itself: curl and git of
// nixpkgs' fetchurl and fetchgit, and Nix's own builtin:fetchurl. Sources: curl
// 8, git 2, NixOS/nixpkgs pkgs/build-support/fetchurl/builder.sh.
var inside = []row{{
	name: "step-offline", side: ran,
	log:      []string{`[Cc]ould(?:n't| not) resolve (?:host|proxy)(?:name|:)?(?: name)? ?([^\s;']*)`, `unable to look up (\S+)`, `(?:Temporary failure in name resolution|Name or service not known)()`},
	headline: "A name on the internet was not found while a step of the build downloaded: is COMPUTER on the internet?",
	why:      "The step downloads from another server, not from the cache of NixOS.",
	page:     "check", do: []string{"See whether names are found: curl -I https://cache.nixos.org", "If all else works, the address is wrong or gone: see it in the last lines of the step.", again},
}, {
	name: "step-certificate", side: ran,
	log:      []string{`curl: \(60\)`, `SSL certificate problem`, `server certificate verification failed`, `curl: \(77\)`},
	headline: "Something in the network of COMPUTER stands between a step of the build and the server.",
	why:      "Instead of the server's certificate, that of a login page or a company's proxy came. A step trusts only the certificate authorities in nixpkgs, not those added on this computer.",
	page:     "check", do: []string{"Open a web page in a browser and log in to the network if it asks.", "In a company's network: build where no proxy replaces certificates.", again},
}, {
	name: "step-refused", side: ran,
	log:      []string{`The requested URL returned error: (\d+)`, `error: RPC failed; HTTP (\d+)`},
	headline: "A server refused a download of a step of the build, with error $1.",
	why:      "404 and 410: the file is gone. 403 and 429: too many downloads, or not for everybody. 5xx: the server itself has a problem.",
	page:     "check", do: []string{"Wait some minutes, or for 429 an hour, and build again.", "If it stays so and configuration.nix names the file, fix its address."},
}, {
	name: "step-no-connection", side: ran,
	log: []string{
		`curl: \((?:5|7|28|35|55)\)`, `unable to access '\S+: (?:Failed to connect|Recv failure|OpenSSL|gnutls_handshake)`,
		`fatal: unable to connect to \S+`, `connect to host \S+ port \d+:`,
	},
	headline: "A server does not answer a step of the build.",
	why:      "The step downloads from another server, not from the cache of NixOS. Behind a proxy git needs it too.",
	page:     "check", do: []string{"See in its last lines which one, and whether it answers: curl -I ADDRESS", "See which proxy is set: env | grep -i proxy", again},
}, {
	name: "step-broken-off", side: ran,
	log:      []string{`curl: \((?:16|18|52|56|92)\)`, `early EOF`, `RPC failed; curl`, `the remote end hung up unexpectedly`},
	headline: "A download of a step of the build broke off.",
	why:      "The connection was lost on the way.",
	page:     "check", do: []string{"Build again: what is fetched already is kept."},
}, {
	name: "step-download", side: ran,
	log:      []string{`cannot download (\S+) from any mirror`, `unable to download '([^']+)'`, `Unable to checkout \S+ from (\S+)`, `fatal: unable to access '([^']+)'`},
	headline: "A download of a step of the build failed: $1.",
	why:      "No server delivered it.",
	page:     "check", do: []string{"See in the last lines what the server said.", again},
}, {
	name: "damaged-archive", side: ran,
	log: []string{
		`[Cc]ompressed data is corrupt`, `xz: \S+: (?:Unexpected end of input|File format not recognized)`,
		`gzip: \S+: (?:unexpected end of file|invalid compressed data|not in gzip format)`, `zstd: .*(?:Data corruption detected|premature end)`,
		`bzip2: Compressed file ends unexpectedly`, `Unexpected EOF in archive`, `End-of-central-directory signature not found`,
	},
	headline: "A step of the build met a damaged archive.",
	why:      "It was damaged on the way, or on the disk.",
	page:     "check", do: []string{"Build again: what is fetched already is kept."},
}}

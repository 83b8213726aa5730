package diagnose

import "piwiz/nixgen/nix"

// service is Nix itself, and its daemon, of the computer that says it.
var service = bySpeaker([]row{{
	name: "feature-off", verbatim: true, nix: []string{`experimental Nix feature '([^']+)' is disabled`},
	headline: "The configuration uses a feature of Nix that is switched off: $1.",
	why:      "piwiz switches on what it needs itself (nix-command, flakes).",
	page:     "preview", do: []string{"Take it out of configuration.nix, or put into /etc/nix/nix.conf: extra-experimental-features = $1"},
}, {
	name: "nix-too-old-flag", nix: []string{`unrecognised flag '([^']+)'`},
	headline: "This Nix is too old: it does not know $1.",
	why:      "NixOS needs Nix 2.18 or newer.",
	page:     "check", do: []string{"See which one you have: nix --version", checkCmd},
}, {
	name: "lock-newer", nix: []string{`unsupported (?:\S+ )?input attribute '([^']+)'`},
	headline: "The file that records the versions (flake.lock) was written by a newer Nix than this one.",
	why:      "It has something that this Nix does not know: $1.",
	page:     "check", do: []string{"See which one you have: nix --version", checkCmd},
}, {
	name: "nix-too-old", nix: []string{`This version of Nixpkgs requires`},
	headline: "This Nix is too old for today's NixOS.",
	why:      "NixOS needs Nix 2.18 or newer.",
	page:     "check", do: []string{"See which one you have: nix --version", checkCmd},
}, {
	name: "daemon-refuses", nix: []string{`daemon-socket/socket['"]?: Permission denied`},
	headline: "You are not allowed to use Nix on COMPUTER yet.",
	why:      "Its service answers only members of the group that its socket belongs to (Debian and Ubuntu: nix-users).",
	page:     "check", do: []string{"See which: ls -ld /nix/var/nix/daemon-socket", "Join it: sudo usermod --append --groups nix-users $USER", "Then log out and in again."},
}, {
	name: "daemon-down", nix: []string{`cannot connect to socket at ['"][^'"]+['"]: (?:No such file or directory|Connection refused)`},
	headline: "The Nix service (nix-daemon) is not running.",
	why:      "You build through it, and its socket is missing or dead.",
	page:     "check", do: []string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
}, {
	name:     "daemon-missing",
	nix:      []string{`big-lock['"]?: Permission denied`, `could not set permissions on '/nix/var/`, `non-root in a single-user Nix`},
	headline: "Nix on COMPUTER belongs to root, and its service (nix-daemon) is not running.",
	why:      "Without the service only root can build.",
	page:     "check", do: []string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
}, {
	name: "daemon-hangs-up", nix: []string{`cannot open connection to remote store '(?:daemon|auto|unix:[^']*)'.*(?:Broken pipe|Connection reset by peer|unexpected end-of-file|disconnected unexpectedly)`},
	headline: "The Nix service (nix-daemon) closes the connection at once.",
	why:      "It does that to users whom its setting allowed-users does not name, and says why only in its own log.",
	page:     "check", do: []string{"Read it: sudo journalctl -u nix-daemon -n 20", "If it says \"not allowed to connect\": add yourself to allowed-users in /etc/nix/nix.conf, then: sudo systemctl restart nix-daemon"},
}, {
	name: "daemon-died", nix: hungUp,
	headline: "The Nix service (nix-daemon) stopped in the middle of the build.",
	why:      "It was restarted, or it crashed.",
	page:     "check", do: []string{"See why: sudo journalctl -u nix-daemon -n 30", "Start it: sudo systemctl restart nix-daemon", again},
}, {
	name: "no-build-users", nix: []string{`the group '([^']+)' specified in 'build-users-group' does not exist`, `the build users group '([^']+)' has no members`},
	headline: "The users that build for Nix are missing: the group $1 is not there, or empty.",
	why:      "When root builds, Nix gives the work to users made for that; its installer makes them.",
	page:     "check", do: []string{"In a container, or for root alone: put into /etc/nix/nix.conf: build-users-group =", "Else install Nix again, its installer makes them: " + nix.Install},
}, {
	name: "no-static-bash", nix: []string{`['"]/usr/bin/bash-static['"]: No such file`},
	headline: "A part of Debian's Nix is not installed: bash-static.",
	why:      "Every build uses it as its /bin/sh.",
	page:     "check", do: []string{"sudo apt-get install bash-static", again},
}, {
	name: "no-git", nix: []string{`executing ['"]git['"]: No such file`},
	headline: "Nix needs git to fetch something, and git is not installed.",
	why:      "configuration.nix or the flake names a git repository.",
	page:     "check", do: []string{"Install it. Debian and Ubuntu: sudo apt-get install git; Fedora: sudo dnf install git; Arch: sudo pacman -S git", again},
}})

func bySpeaker(rows []row) []row {
	for i := range rows {
		rows[i].side = spoke
	}
	return rows
}

// hungUp is what Nix says when another Nix, on this computer or on another one,
// ends in the middle.
var hungUp = []string{`Nix daemon disconnected unexpectedly`, `^unexpected end-of-file$`}

// network is everything that is downloaded.
var network = []row{{
	name: "github-limit", nix: []string{`unable to download 'https://api\.github\.com[^']*'.*HTTP error (?:403|429)`},
	headline: "GitHub allows no more downloads for now.",
	why:      "It counts the requests of everybody behind your internet address, per hour.",
	page:     "check", do: []string{"Wait an hour and build again: what is fetched already is kept."},
}, {
	name: "too-many-requests", nix: []string{`unable to download '([^']+)'.*HTTP error 429`},
	headline: "The server allows no more downloads for now.",
	why:      "It refused $1.",
	page:     "check", do: []string{"Wait an hour and build again: what is fetched already is kept."},
}, {
	name: "proxy-login", nix: []string{`unable to download '([^']+)'.*(?:HTTP error 407|Proxy Authentication Required)`},
	headline: "The proxy of your network requires a login.",
	why:      "It did not let $1 through.",
	page:     "check", do: []string{"See which proxy is set: env | grep -i proxy", again},
}, {
	name: "refused", nix: []string{`unable to download '([^']+)'.*HTTP error 40[13]`},
	headline: "The server refuses a download.",
	why:      "It is $1.",
	page:     "check", do: []string{"See what it says: curl -I '$1'"},
}, {
	name: "not-found", nix: []string{`unable to download '([^']+)'.*HTTP error (?:404|410)`},
	headline: "A file that the build needs is not on the server.",
	why:      "It is $1.",
	page:     "preview", do: []string{"See whether it is really gone: curl -I '$1'", "If configuration.nix names it, fix the address."},
}, {
	name: "cache-lost", nix: []string{`file '([^']+)' does not exist in binary cache '([^']+)'`},
	headline: "The cache $2 does not have a file that it lists.",
	why:      "It is $1. Nix remembers that it was there, or the cache is being cleared.",
	page:     "check", do: []string{
		"Make Nix forget what it remembers of caches: rm -f ~/.cache/nix/binary-cache-v*", "The Nix service remembers it too: sudo sh -c 'rm -f /root/.cache/nix/binary-cache-v*'", again,
	},
	boxed: &instead{do: anew.do},
}, {
	name: "server-trouble", nix: []string{`unable to download '([^']+)'.*HTTP error 5\d\d`},
	headline: "The server itself has a problem.",
	why:      "It could not deliver $1.",
	page:     "check", do: []string{"Wait a few minutes and build again: what is fetched already is kept."},
}, {
	name: "clock", nix: []string{`certificate is not yet valid`, `certificate has expired`},
	headline: "The server's certificate does not fit the date: is the clock of this computer right?",
	why:      "Certificates are valid from one day to another.",
	page:     "check", do: []string{"See the clock: date", "Let the network set it: sudo timedatectl set-ntp true", again},
}, {
	name: "certificate", nix: []string{`unable to download '([^']+)'.*(?:SSL certificate problem|SSL peer certificate|SSL CA cert)`},
	headline: "Something in the network stands between this computer and the server.",
	why:      "The certificate that came for $1 is not trusted: it is that of a login page or a company's proxy, or this computer has no list of certificate authorities.",
	page:     "check", do: []string{"Open a web page in a browser and log in to the network if it asks.", "In a company's network: set NIX_SSL_CERT_FILE to the file with its certificate.", again},
}, {
	name: "offline", nix: []string{`unable to download '([a-z]+://[^/']+)[^']*'.*[Rr]esolve host`},
	headline: "A name on the internet was not found: is this computer on the internet?",
	why:      "Nix looked for the server $1.",
	page:     "check", do: []string{"See whether it is found now: curl -I '$1'", again},
}, {
	name: "no-connection", nix: []string{`unable to download '([^']+)'.*(?:[Cc]ould(?:n't| not) connect|Failed to connect|Timeout was reached|Network is unreachable|SSL connect error)`},
	headline: "A server does not answer.",
	why:      "Nix asked for $1.",
	page:     "check", do: []string{"See whether it does now: curl -I '$1'", again},
}, {
	name: "broken-off", nix: []string{`unable to download '([^']+)'.*(?:partial file|Connection reset|not closed cleanly|[Ff]ailure when receiving|Recv failure|Operation too slow|Stream error|HTTP/2 framing)`},
	headline: "A download broke off.",
	why:      "It was $1.",
	page:     "check", do: []string{"Build again: what is fetched already is kept."},
}, {
	name: "lock-mismatch", nix: []string{`NAR hash mismatch in input '([^']+)'`, `(?s)mismatch in field 'narHash' of input '([^']+)'`},
	headline: "What was downloaded is not what flake.lock says.",
	why:      "The input $1 has changed since it was recorded, or a login page came instead.",
	page:     "preview", do: []string{"Update it: nix --extra-experimental-features 'nix-command flakes' flake update --flake path:FLAKE", again},
}, {
	name: "hash-mismatch", nix: []string{`hash mismatch in fixed-output derivation '/nix/store/[0-9a-z]{32}-([^']+)\.drv'`},
	headline: "A download is not what it should be: $1.",
	why:      "The file on the server has changed, or a login page of the network came instead.",
	page:     "check", do: []string{"Open a web page in a browser and log in to the network if it asks, then build again.", "If configuration.nix names the file: put the hash there that Nix got."},
}, {
	name: "damaged-download",
	nix: []string{
		`hash mismatch importing path`, `NAR hash mismatch`, `hash mismatch in file downloaded from`, `[Tt]runcated (?:tar|gzip|xz|zstd)`, `(?i)failed to (?:extract|read|open) (?:the )?(?:archive|compressed data)`,
		`input doesn't look like a Nix archive`, `bad archive: `, `error while decompressing`,
	},
	headline: "A download arrived damaged.",
	why:      "Nix compares what it fetches with a signed list, and keeps nothing that differs.",
	page:     "check", do: []string{"Build again: what is fetched already is kept."},
}, {
	name: "download", nix: []string{`unable to download '([^']+)'`},
	headline: "A download failed.",
	why:      "It was $1.",
	page:     "check", do: []string{"See what the server says: curl -I '$1'", again},
}, {
	name: "unsigned-cache", nix: nothingToFetch, with: []string{`not signed by any of the keys`},
	headline: "What the build needs is in a cache whose key this Nix does not know.",
	why:      "Nix takes nothing that is not signed by a key it trusts.",
	page:     "check", do: []string{"Add the key of that cache to trusted-public-keys in /etc/nix/nix.conf", "sudo systemctl restart nix-daemon"},
}, {
	name: "untrusted-cache", nix: nothingToFetch, with: []string{`ignoring untrusted (?:substituter|flake configuration setting) '([^']+)'`},
	headline: "What the build needs is in a cache that Nix does not let you add: $1.",
	why:      "Only a trusted user may add caches; the settings of Nix can add them for everybody.",
	page:     "check", do: []string{"Add it to trusted-substituters in /etc/nix/nix.conf", "sudo systemctl restart nix-daemon"},
}, {
	name: "lacks-signature", nix: unsigned,
	headline: "The other Nix accepts no packages from you: it does not trust you.",
	why:      "What is built here is not signed by a key it knows.",
	page:     "preview", do: []string{"On that computer: nix.settings.trusted-users = [ \"@wheel\" ]; or send it as root."},
}, {
	name: "fetch-failed", nix: []string{`^some substitutes for the outputs of derivation .* failed`},
	headline: "Some downloads failed.",
	why:      "The cache has what is needed, but it did not arrive.",
	page:     "check", do: []string{"See whether the cache answers: curl -I https://cache.nixos.org", again},
}}

var nothingToFetch = []string{`is required, but there is no substituter that can build it`, `^don't know how to build these paths`}

var unsigned = []string{`lacks a (?:valid )?signature`}

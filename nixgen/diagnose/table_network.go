package diagnose

import "piwiz/nixgen/nix"

// Service is Nix itself, and its daemon, of the computer that says it.
var Service = bySpeaker([]Row{{
	Name: "feature-off", Verbatim: true, Nix: []string{`experimental Nix feature '([^']+)' is disabled`},
	Headline: "The configuration uses a feature of Nix that is switched off: $1.",
	Why:      "piwiz switches on what it needs itself (nix-command, flakes).",
	Page:     "preview", Do: []string{"Take it out of configuration.nix, or put into /etc/nix/nix.conf: extra-experimental-features = $1"},
}, {
	Name: "nix-too-old-flag", Nix: []string{`unrecognised flag '([^']+)'`},
	Headline: "This Nix is too old: it does not know $1.",
	Why:      "NixOS needs Nix 2.18 or newer.",
	Page:     "check", Do: []string{"See which one you have: nix --version", Check},
}, {
	Name: "lock-newer", Nix: []string{`unsupported (?:\S+ )?input attribute '([^']+)'`},
	Headline: "The file that records the versions (flake.lock) was written by a newer Nix than this one.",
	Why:      "It has something that this Nix does not know: $1.",
	Page:     "check", Do: []string{"See which one you have: nix --version", Check},
}, {
	Name: "nix-too-old", Nix: []string{`This version of Nixpkgs requires`},
	Headline: "This Nix is too old for today's NixOS.",
	Why:      "NixOS needs Nix 2.18 or newer.",
	Page:     "check", Do: []string{"See which one you have: nix --version", Check},
}, {
	Name: "daemon-refuses", Nix: []string{`daemon-socket/socket['"]?: Permission denied`},
	Headline: "You are not allowed to use Nix on COMPUTER yet.",
	Why:      "Its service answers only members of the group that its socket belongs to (Debian and Ubuntu: nix-users).",
	Page:     "check", Do: []string{"See which: ls -ld /nix/var/nix/daemon-socket", "Join it: sudo usermod --append --groups nix-users $USER", "Then log out and in again."},
}, {
	Name: "daemon-down", Nix: []string{`cannot connect to socket at ['"][^'"]+['"]: (?:No such file or directory|Connection refused)`},
	Headline: "The Nix service (nix-daemon) is not running.",
	Why:      "You build through it, and its socket is missing or dead.",
	Page:     "check", Do: []string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
}, {
	Name:     "daemon-missing",
	Nix:      []string{`big-lock['"]?: Permission denied`, `could not set permissions on '/nix/var/`, `non-root in a single-user Nix`},
	Headline: "Nix on COMPUTER belongs to root, and its service (nix-daemon) is not running.",
	Why:      "Without the service only root can build.",
	Page:     "check", Do: []string{"Start it: sudo systemctl enable --now nix-daemon.socket nix-daemon.service"},
}, {
	Name: "daemon-hangs-up", Nix: []string{`cannot open connection to remote store '(?:daemon|auto|unix:[^']*)'.*(?:Broken pipe|Connection reset by peer|unexpected end-of-file|disconnected unexpectedly)`},
	Headline: "The Nix service (nix-daemon) closes the connection at once.",
	Why:      "It does that to users whom its setting allowed-users does not name, and says why only in its own log.",
	Page:     "check", Do: []string{"Read it: sudo journalctl -u nix-daemon -n 20", "If it says \"not allowed to connect\": add yourself to allowed-users in /etc/nix/nix.conf, then: sudo systemctl restart nix-daemon"},
}, {
	Name: "daemon-died", Nix: HungUp,
	Headline: "The Nix service (nix-daemon) stopped in the middle of the build.",
	Why:      "It was restarted, or it crashed.",
	Page:     "check", Do: []string{"See why: sudo journalctl -u nix-daemon -n 30", "Start it: sudo systemctl restart nix-daemon", Again},
}, {
	Name: "no-build-users", Nix: []string{`the group '([^']+)' specified in 'build-users-group' does not exist`, `the build users group '([^']+)' has no members`},
	Headline: "The users that build for Nix are missing: the group $1 is not there, or empty.",
	Why:      "When root builds, Nix gives the work to users made for that; its installer makes them.",
	Page:     "check", Do: []string{"In a container, or for root alone: put into /etc/nix/nix.conf: build-users-group =", "Else install Nix again, its installer makes them: " + nix.Install},
}, {
	Name: "no-static-bash", Nix: []string{`['"]/usr/bin/bash-static['"]: No such file`},
	Headline: "A part of Debian's Nix is not installed: bash-static.",
	Why:      "Every build uses it as its /bin/sh.",
	Page:     "check", Do: []string{"sudo apt-get install bash-static", Again},
}, {
	Name: "no-git", Nix: []string{`executing ['"]git['"]: No such file`},
	Headline: "Nix needs git to fetch something, and git is not installed.",
	Why:      "configuration.nix or the flake names a git repository.",
	Page:     "check", Do: []string{"Install it. Debian and Ubuntu: sudo apt-get install git; Fedora: sudo dnf install git; Arch: sudo pacman -S git", Again},
}})

func bySpeaker(rows []Row) []Row {
	for i := range rows {
		rows[i].Side = Spoke
	}
	return rows
}

// HungUp is what Nix says when another Nix, on this computer or on another one,
// ends in the middle.
var HungUp = []string{`Nix daemon disconnected unexpectedly`, `^unexpected end-of-file$`}

// Network is everything that is downloaded.
var Network = []Row{{
	Name: "github-limit", Nix: []string{`unable to download 'https://api\.github\.com[^']*'.*HTTP error (?:403|429)`},
	Headline: "GitHub allows no more downloads for now.",
	Why:      "It counts the requests of everybody behind your internet address, per hour.",
	Page:     "check", Do: []string{"Wait an hour and build again: what is fetched already is kept."},
}, {
	Name: "too-many-requests", Nix: []string{`unable to download '([^']+)'.*HTTP error 429`},
	Headline: "The server allows no more downloads for now.",
	Why:      "It refused $1.",
	Page:     "check", Do: []string{"Wait an hour and build again: what is fetched already is kept."},
}, {
	Name: "proxy-login", Nix: []string{`unable to download '([^']+)'.*(?:HTTP error 407|Proxy Authentication Required)`},
	Headline: "The proxy of your network requires a login.",
	Why:      "It did not let $1 through.",
	Page:     "check", Do: []string{"See which proxy is set: env | grep -i proxy", Again},
}, {
	Name: "refused", Nix: []string{`unable to download '([^']+)'.*HTTP error 40[13]`},
	Headline: "The server refuses a download.",
	Why:      "It is $1.",
	Page:     "check", Do: []string{"See what it says: curl -I '$1'"},
}, {
	Name: "not-found", Nix: []string{`unable to download '([^']+)'.*HTTP error (?:404|410)`},
	Headline: "A file that the build needs is not on the server.",
	Why:      "It is $1.",
	Page:     "preview", Do: []string{"See whether it is really gone: curl -I '$1'", "If configuration.nix names it, fix the address."},
}, {
	Name: "cache-lost", Nix: []string{`file '([^']+)' does not exist in binary cache '([^']+)'`},
	Headline: "The cache $2 does not have a file that it lists.",
	Why:      "It is $1. Nix remembers that it was there, or the cache is being cleared.",
	Page:     "check", Do: []string{
		"Make Nix forget what it remembers of caches: rm -f ~/.cache/nix/binary-cache-v*", "The Nix service remembers it too: sudo sh -c 'rm -f /root/.cache/nix/binary-cache-v*'", Again,
	},
	Boxed: &Instead{Do: RemoveStore.Do},
}, {
	Name: "server-trouble", Nix: []string{`unable to download '([^']+)'.*HTTP error 5\d\d`},
	Headline: "The server itself has a problem.",
	Why:      "It could not deliver $1.",
	Page:     "check", Do: []string{"Wait a few minutes and build again: what is fetched already is kept."},
}, {
	Name: "clock", Nix: []string{`certificate is not yet valid`, `certificate has expired`},
	Headline: "The server's certificate does not fit the date: is the clock of this computer right?",
	Why:      "Certificates are valid from one day to another.",
	Page:     "check", Do: []string{"See the clock: date", "Let the network set it: sudo timedatectl set-ntp true", Again},
}, {
	Name: "certificate", Nix: []string{`unable to download '([^']+)'.*(?:SSL certificate problem|SSL peer certificate|SSL CA cert)`},
	Headline: "Something in the network stands between this computer and the server.",
	Why:      "The certificate that came for $1 is not trusted: it is that of a login page or a company's proxy, or this computer has no list of certificate authorities.",
	Page:     "check", Do: []string{"Open a web page in a browser and log in to the network if it asks.", "In a company's network: set NIX_SSL_CERT_FILE to the file with its certificate.", Again},
}, {
	Name: "offline", Nix: []string{`unable to download '([a-z]+://[^/']+)[^']*'.*[Rr]esolve host`},
	Headline: "A name on the internet was not found: is this computer on the internet?",
	Why:      "Nix looked for the server $1.",
	Page:     "check", Do: []string{"See whether it is found now: curl -I '$1'", Again},
}, {
	Name: "no-connection", Nix: []string{`unable to download '([^']+)'.*(?:[Cc]ould(?:n't| not) connect|Failed to connect|Timeout was reached|Network is unreachable|SSL connect error)`},
	Headline: "A server does not answer.",
	Why:      "Nix asked for $1.",
	Page:     "check", Do: []string{"See whether it does now: curl -I '$1'", Again},
}, {
	Name: "broken-off", Nix: []string{`unable to download '([^']+)'.*(?:partial file|Connection reset|not closed cleanly|[Ff]ailure when receiving|Recv failure|Operation too slow|Stream error|HTTP/2 framing)`},
	Headline: "A download broke off.",
	Why:      "It was $1.",
	Page:     "check", Do: []string{"Build again: what is fetched already is kept."},
}, {
	Name: "lock-mismatch", Nix: []string{`NAR hash mismatch in input '([^']+)'`, `(?s)mismatch in field 'narHash' of input '([^']+)'`},
	Headline: "What was downloaded is not what flake.lock says.",
	Why:      "The input $1 has changed since it was recorded, or a login page came instead.",
	Page:     "preview", Do: []string{"Update it: nix --extra-experimental-features 'nix-command flakes' flake update --flake path:FLAKE", Again},
}, {
	Name: "hash-mismatch", Nix: []string{`hash mismatch in fixed-output derivation '/nix/store/[0-9a-z]{32}-([^']+)\.drv'`},
	Headline: "A download is not what it should be: $1.",
	Why:      "The file on the server has changed, or a login page of the network came instead.",
	Page:     "check", Do: []string{"Open a web page in a browser and log in to the network if it asks, then build again.", "If configuration.nix names the file: put the hash there that Nix got."},
}, {
	Name: "damaged-download",
	Nix: []string{
		`hash mismatch importing path`, `NAR hash mismatch`, `hash mismatch in file downloaded from`, `[Tt]runcated (?:tar|gzip|xz|zstd)`, `(?i)failed to (?:extract|read|open) (?:the )?(?:archive|compressed data)`,
		`input doesn't look like a Nix archive`, `bad archive: `, `error while decompressing`,
	},
	Headline: "A download arrived damaged.",
	Why:      "Nix compares what it fetches with a signed list, and keeps nothing that differs.",
	Page:     "check", Do: []string{"Build again: what is fetched already is kept."},
}, {
	Name: "download", Nix: []string{`unable to download '([^']+)'`},
	Headline: "A download failed.",
	Why:      "It was $1.",
	Page:     "check", Do: []string{"See what the server says: curl -I '$1'", Again},
}, {
	Name: "unsigned-cache", Nix: nothingToFetch, With: []string{`not signed by any of the keys`},
	Headline: "What the build needs is in a cache whose key this Nix does not know.",
	Why:      "Nix takes nothing that is not signed by a key it trusts.",
	Page:     "check", Do: []string{"Add the key of that cache to trusted-public-keys in /etc/nix/nix.conf", "sudo systemctl restart nix-daemon"},
}, {
	Name: "untrusted-cache", Nix: nothingToFetch, With: []string{`ignoring untrusted (?:substituter|flake configuration setting) '([^']+)'`},
	Headline: "What the build needs is in a cache that Nix does not let you add: $1.",
	Why:      "Only a trusted user may add caches; the settings of Nix can add them for everybody.",
	Page:     "check", Do: []string{"Add it to trusted-substituters in /etc/nix/nix.conf", "sudo systemctl restart nix-daemon"},
}, {
	Name: "lacks-signature", Nix: Unsigned,
	Headline: "The other Nix accepts no packages from you: it does not trust you.",
	Why:      "What is built here is not signed by a key it knows.",
	Page:     "preview", Do: []string{"On that computer: nix.settings.trusted-users = [ \"@wheel\" ]; or send it as root."},
}, {
	Name: "fetch-failed", Nix: []string{`^some substitutes for the outputs of derivation .* failed`},
	Headline: "Some downloads failed.",
	Why:      "The cache has what is needed, but it did not arrive.",
	Page:     "check", Do: []string{"See whether the cache answers: curl -I https://cache.nixos.org", Again},
}}

var nothingToFetch = []string{`is required, but there is no substituter that can build it`, `^don't know how to build these paths`}

var Unsigned = []string{`lacks a (?:valid )?signature`}

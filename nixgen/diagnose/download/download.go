// Package download has the failures of what comes over the network.
package download

import "piwiz/nixgen/diagnose/row"

// Nix is everything that Nix itself downloads.
var Nix = []row.Row{{
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
	Page:     "check", Do: []string{"See which proxy is set: env | grep -i proxy", row.Again},
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
		"Make Nix forget what it remembers of caches: rm -f ~/.cache/nix/binary-cache-v*", "The Nix service remembers it too: sudo sh -c 'rm -f /root/.cache/nix/binary-cache-v*'", row.Again,
	},
	Boxed: &row.Instead{Do: row.RemoveStore.Do},
}, {
	Name: "server-trouble", Nix: []string{`unable to download '([^']+)'.*HTTP error 5\d\d`},
	Headline: "The server itself has a problem.",
	Why:      "It could not deliver $1.",
	Page:     "check", Do: []string{"Wait a few minutes and build again: what is fetched already is kept."},
}, {
	Name: "clock", Nix: []string{`certificate is not yet valid`, `certificate has expired`},
	Headline: "The server's certificate does not fit the date: is the clock of this computer right?",
	Why:      "Certificates are valid from one day to another.",
	Page:     "check", Do: []string{"See the clock: date", "Let the network set it: sudo timedatectl set-ntp true", row.Again},
}, {
	Name: "certificate", Nix: []string{`unable to download '([^']+)'.*(?:SSL certificate problem|SSL peer certificate|SSL CA cert)`},
	Headline: "Something in the network stands between this computer and the server.",
	Why:      "The certificate that came for $1 is not trusted: it is that of a login page or a company's proxy, or this computer has no list of certificate authorities.",
	Page:     "check", Do: []string{"Open a web page in a browser and log in to the network if it asks.", "In a company's network: set NIX_SSL_CERT_FILE to the file with its certificate.", row.Again},
}, {
	Name: "offline", Nix: []string{`unable to download '([a-z]+://[^/']+)[^']*'.*[Rr]esolve host`},
	Headline: "A name on the internet was not found: is this computer on the internet?",
	Why:      "Nix looked for the server $1.",
	Page:     "check", Do: []string{"See whether it is found now: curl -I '$1'", row.Again},
}, {
	Name: "no-connection", Nix: []string{`unable to download '([^']+)'.*(?:[Cc]ould(?:n't| not) connect|Failed to connect|Timeout was reached|Network is unreachable|SSL connect error)`},
	Headline: "A server does not answer.",
	Why:      "Nix asked for $1.",
	Page:     "check", Do: []string{"See whether it does now: curl -I '$1'", row.Again},
}, {
	Name: "broken-off", Nix: []string{`unable to download '([^']+)'.*(?:partial file|Connection reset|not closed cleanly|[Ff]ailure when receiving|Recv failure|Operation too slow|Stream error|HTTP/2 framing)`},
	Headline: "A download broke off.",
	Why:      "It was $1.",
	Page:     "check", Do: []string{"Build again: what is fetched already is kept."},
}, {
	Name: "lock-mismatch", Nix: []string{`NAR hash mismatch in input '([^']+)'`, `(?s)mismatch in field 'narHash' of input '([^']+)'`},
	Headline: "What was downloaded is not what flake.lock says.",
	Why:      "The input $1 has changed since it was recorded, or a login page came instead.",
	Page:     "preview", Do: []string{"Update it: nix --extra-experimental-features 'nix-command flakes' flake update --flake path:FLAKE", row.Again},
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
	Page:     "check", Do: []string{"See what the server says: curl -I '$1'", row.Again},
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
	Name: "lacks-signature", Nix: row.Unsigned,
	Headline: "The other Nix accepts no packages from you: it does not trust you.",
	Why:      "What is built here is not signed by a key it knows.",
	Page:     "preview", Do: []string{"On that computer: nix.settings.trusted-users = [ \"@wheel\" ]; or send it as root."},
}, {
	Name: "fetch-failed", Nix: []string{`^some substitutes for the outputs of derivation .* failed`},
	Headline: "Some downloads failed.",
	Why:      "The cache has what is needed, but it did not arrive.",
	Page:     "check", Do: []string{"See whether the cache answers: curl -I https://cache.nixos.org", row.Again},
}}

var nothingToFetch = []string{`is required, but there is no substituter that can build it`, `^don't know how to build these paths`}

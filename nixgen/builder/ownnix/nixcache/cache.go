// Package nixcache fetches store paths from binary caches of Nix: signed
// narinfos, the closure of some paths, and their NARs, unpacked into a folder.
package nixcache

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
)

var errUnfinished = errors.New("not finished")

// Key is a public key that a cache signs with.
type Key struct {
	Name string // cache.nixos.org-1
	ed25519.PublicKey
}

// ParseKey reads NAME:BASE64, as trusted-public-keys of nix.conf has it.
func ParseKey(text string) (Key, error) { return Key{}, errUnfinished }

// Cache is one or more binary caches with the same store paths.
type Cache struct {
	URLs   []string     // in the order tried: https, http or file
	Keys   []Key        // one of which must have signed
	Client *http.Client // nil for one with proxies by the environment and a limit for silence
}

// Info is what a cache says of one store path. The signature covers Path,
// NarHash, NarSize and References. URL, Compression and FileSize are hearsay:
// they are for a download, and nothing may be trusted or allocated by them.
type Info struct {
	Path       string   // /nix/store/HASH-NAME
	NarHash    string   // sha256:NIX32
	NarSize    int64    // bytes
	References []string // full store paths, sorted; may have Path itself

	URL         string // of the NAR, relative to Source
	Source      string // the cache that said so, one of Cache.URLs
	Compression string
	FileSize    int64 // bytes of the compressed download, as the cache says
}

// Progress is how far a download is.
type Progress struct {
	Parts, AllParts int   // store paths
	Bytes, AllBytes int64 // of the compressed download
}

// Closure reads the verified narinfos of roots, full store paths, and of all
// that they need, roots' references first; sorted by path.
func (c Cache) Closure(ctx context.Context, roots []string) ([]Info, error) {
	return nil, errUnfinished
}

// Fetch puts what is missing of infos into the folder store, which is the store
// folder of a /nix that is elsewhere. Each part has a temporary name, .part-…,
// until it is verified. Nobody else may fetch into store meanwhile.
func (c Cache) Fetch(ctx context.Context, store string, infos []Info, report func(Progress)) error {
	return errUnfinished
}

// Missing are those of infos that are not in the folder store.
func Missing(store string, infos []Info) []Info { return nil }

// Sum is how many bytes infos are to download, as the caches say, and unpacked,
// as was signed.
func Sum(infos []Info) (download, unpacked int64) { return 0, 0 }

// Registration is what nix-store --load-db reads.
func Registration(infos []Info) []byte { return nil }

// Package pins knows which Nix piwiz brings along: one table.
package pins

import (
	"context"
	"errors"

	"piwiz/nixgen/builder/ownnix/nixcache"
)

var errUnfinished = errors.New("not finished")

// override names a file that is read instead of the table; only the linker
// sets it, for tests: trust must not be switchable from outside a build.
var override string

// Pin is one release of Nix for one type of computer.
type Pin struct {
	Version string // 2.35.2
	System  string // x86_64-linux
	Path    string // /nix/store/HASH-nix-VERSION
	NarHash string // of Path, sha256:NIX32; "" when the signature alone must do
	CACert  string // store path with etc/ssl/certs/ca-bundle.crt; "" for none
	Fetched bool   // from a cache, by whoever keeps the table; false: nobody has tried yet
	Tarball Tarball

	Caches   []string       // where to fetch from, in that order
	Keys     []nixcache.Key // who must have signed
	Emulator Emulator
}

// Tarball is the release in one file, the second source.
type Tarball struct {
	URL     string
	SHA256  string // hexadecimal; "" when there is no tarball
	Fetched bool
}

// Emulator is a Debian package with a static qemu-aarch64, the last resort on
// computers that are not aarch64; SHA256 "" when there is none.
type Emulator struct {
	URL     string
	SHA256  string // of the package, hexadecimal
	Program string // its path in the package: usr/bin/qemu-aarch64-static
	Fetched bool
}

// This is the pin for this computer. It fails where there is none.
func This() (Pin, error) { return Pin{}, errUnfinished }

// Roots are the store paths to fetch: Nix, and certificates where they are pinned.
func (p Pin) Roots() []string { return nil }

// Cache is where to fetch from; urls are asked instead of the pin's where there are any.
func (p Pin) Cache(urls ...string) nixcache.Cache { return nixcache.Cache{} }

// FetchTarball is the second source: it puts Nix's closure into the folder
// store as nixcache.Cache.Fetch does, out of the release's tarball, and says what it
// was for nixcache.Registration.
func (p Pin) FetchTarball(ctx context.Context, store string, report func(nixcache.Progress)) ([]nixcache.Info, error) {
	return nil, errUnfinished
}

// Repin is the text of a table with that release of Nix, for each system whose
// path the cache has signed.
func Repin(ctx context.Context, version string, cache nixcache.Cache) (table string, err error) {
	return "", errUnfinished
}

// FetchEmulator puts the static qemu-aarch64 as the file to, mode 0555.
func (p Pin) FetchEmulator(ctx context.Context, to string, report func(nixcache.Progress)) error {
	return errUnfinished
}

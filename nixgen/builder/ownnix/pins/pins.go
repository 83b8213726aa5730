// Package pins knows which Nix piwiz brings along, in one table, and the second
// source of it: the tarball of a release.
//
// A pin is a store path and the keys that may sign it: signatures cover
// references, so all that Nix needs follows, and none of it can be exchanged or
// taken from an older release.
package pins

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"

	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/fault"
)

// override names a file that is read instead of the table. Only the linker sets
// it, for tests: what is trusted must not be switchable from outside a build.
//
//	go build -ldflags "-X piwiz/nixgen/builder/ownnix/pins.override=FILE"
var override string

// Pin is one release of Nix for one type of computer.
type Pin struct {
	Version string // 2.35.2
	System  string // x86_64-linux
	Path    string // /nix/store/HASH-nix-VERSION
	NarHash string // of Path, sha256:NIX32; "" when the signature alone must do
	CACert  string // store path with etc/ssl/certs/ca-bundle.crt; "" for none
	Fetched bool   // by whoever wrote the table; false: nobody could try it there
	Tarball Tarball

	Caches   []string      // where to fetch from, in that order
	Keys     []narinfo.Key // who must have signed
	Emulator Emulator
}

// Tarball is the release in one file, the second source.
type Tarball struct {
	URL     string
	SHA256  string // hexadecimal; "" when there is no tarball
	Fetched bool
}

// Emulator is a Debian package with a static qemu-aarch64, the last resort on
// computers that are not aarch64.
type Emulator struct {
	URL     string
	SHA256  string // of the package, hexadecimal; "" when there is none
	Program string // its path in the package
	Fetched bool
}

var current = sync.OnceValues(func() (table, error) {
	text := embedded
	if override != "" {
		b, err := os.ReadFile(override)
		if err != nil {
			return table{}, err
		}
		text = string(b)
	}
	return parse(text)
})

// This is the pin for this computer. It fails where there is none.
func This() (Pin, error) {
	t, err := current()
	if err != nil {
		return Pin{}, err
	}
	return t.pin(map[string]string{"amd64": "x86_64-linux", "arm64": "aarch64-linux"}[runtime.GOARCH])
}

// All are the pins for every type of computer.
func All() ([]Pin, error) {
	t, err := current()
	if err != nil {
		return nil, err
	}
	return t.all()
}

func (t table) all() (all []Pin, err error) {
	for _, n := range t.Nix {
		p, err := t.pin(n.System)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (t table) pin(system string) (Pin, error) {
	for _, n := range t.Nix {
		if n.System != system {
			continue
		}
		p := Pin{
			Version: n.Version, System: n.System, Path: n.Path, NarHash: n.NarHash, CACert: n.CACert,
			Fetched: n.Fetched, Tarball: Tarball(n.Tarball), Caches: t.Caches,
		}
		for _, text := range t.Keys {
			k, err := narinfo.ParseKey(text)
			if err != nil {
				return Pin{}, err
			}
			p.Keys = append(p.Keys, k)
		}
		for _, e := range t.Emulator {
			if e.System == system {
				p.Emulator = Emulator{e.URL, e.SHA256, e.Program, e.Fetched}
			}
		}
		return p, nil
	}
	return Pin{}, &fault.Error{
		Lacks: true, Headline: fmt.Sprintf("piwiz brings no Nix for this type of computer (%s).", runtime.GOARCH),
		Todo: fault.Todo{"Install Nix, or use another computer to build: --builder ssh://USER@HOST"},
	}
}

// Roots are the store paths to fetch: Nix, and certificates where they are
// pinned.
func (p Pin) Roots() []string {
	if p.CACert == "" {
		return []string{p.Path}
	}
	return []string{p.Path, p.CACert}
}

// Cache is where to fetch from: the caches of the table, or urls where there
// are any. Who must have signed stays the same.
func (p Pin) Cache(urls ...string) nixcache.Cache {
	if len(urls) == 0 {
		urls = p.Caches
	}
	return nixcache.Cache{URLs: urls, Keys: p.Keys}
}

// Closure is Closure of the cache for Roots, and makes sure that Nix is the
// pinned one by its hash too.
func (p Pin) Closure(ctx context.Context, cache nixcache.Cache) ([]narinfo.Info, error) {
	infos, err := cache.Closure(ctx, p.Roots())
	if err != nil {
		return nil, err
	}
	return infos, p.confirm(infos)
}

// confirm makes sure that the pinned Nix is among infos.
func (p Pin) confirm(infos []narinfo.Info) error {
	for _, i := range infos {
		if i.Path == p.Path && (p.NarHash == "" || p.NarHash == i.NarHash) {
			return nil
		}
	}
	return &fault.Error{
		Headline: "What was found is not the Nix that piwiz trusts: " + p.Path + " with " + p.NarHash + ".",
		Todo:     fault.Todo{"Nothing of it is used. Use another cache: --cache https://cache.nixos.org"},
	}
}

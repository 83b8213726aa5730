package pins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
)

// fallback is a line of fallback-paths.nix.
var fallback = regexp.MustCompile(`(?m)^\s*([a-z0-9_]+-linux)\s*=\s*"(/nix/store/[^"/]+)"\s*;`)

// Repin is the text of a table with that release of Nix, for every system of
// piwiz: from the release's own list, fetched whole from the cache, whose
// signatures say what the list means, and from the tarball, which has to be the
// same. Where cache has no keys or addresses, those of the table are taken.
func Repin(ctx context.Context, release string, cache nixcache.Cache) (string, error) {
	t, err := current()
	if err != nil {
		return "", err
	}
	return t.repin(ctx, release, cache)
}

func (t table) repin(ctx context.Context, release string, cache nixcache.Cache) (string, error) {
	if !version.MatchString(release) {
		return "", fmt.Errorf("%q is no version of Nix, such as 2.35.2", release)
	}
	folder := t.Releases + "/nix-" + release
	list, err := nixcache.Read(ctx, folder+"/fallback-paths.nix", 1<<16)
	if err != nil {
		return "", err
	}
	t.Nix = nil
	for _, system := range systems {
		n := nix{Version: release, System: system}
		for _, found := range fallback.FindAllStringSubmatch(string(list), -1) {
			if found[1] == system {
				n.Path = found[2]
			}
		}
		if n.Path == "" {
			continue
		}
		n.Tarball.URL = fmt.Sprintf("%s/nix-%s-%s.tar.xz", folder, release, system)
		if err := n.fetch(ctx, t, cache); err != nil {
			return "", fmt.Errorf("%s: %w", system, err)
		}
		t.Nix = append(t.Nix, n)
	}
	text := t.String()
	if len(t.Nix) == 0 {
		return "", fmt.Errorf("%s/fallback-paths.nix has no path for %s", folder, strings.Join(systems, " or "))
	}
	_, err = parse(text)
	return text, err
}

// fetch fills in what follows from a path, by fetching all of it.
func (n *nix) fetch(ctx context.Context, t table, cache nixcache.Cache) error {
	sum, err := nixcache.Read(ctx, n.Tarball.URL+".sha256", 1<<12)
	if err != nil {
		return err
	}
	digits, _, _ := strings.Cut(strings.TrimSpace(string(sum)), " ")
	n.Tarball.SHA256, n.Tarball.Fetched = digits, true
	p, err := table{Keys: t.Keys, Caches: t.Caches, Nix: []nix{*n}}.pin(n.System)
	if err != nil {
		return err
	}
	if len(cache.URLs) == 0 {
		cache.URLs = p.Caches
	}
	if len(cache.Keys) == 0 {
		cache.Keys = p.Keys
	}
	infos, err := p.Try(ctx, cache)
	if err != nil {
		return err
	}
	for _, i := range infos {
		if strings.Contains(i.Path, "-nss-cacert-") {
			n.CACert = i.Path
		}
		if i.Path == n.Path {
			n.NarHash = i.NarHash
		}
	}
	n.Fetched = true
	return nil
}

// Try fetches a pin whole, from its tarball and from the cache, into a folder of
// its own, which it removes, and makes sure that both have the same. It says what
// that is.
func (p Pin) Try(ctx context.Context, cache nixcache.Cache) (infos []narinfo.Info, err error) {
	dir, err := os.MkdirTemp("", "piwiz-pins-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, nar.Remove(dir)) }()
	first, second := filepath.Join(dir, "tarball"), filepath.Join(dir, "cache")
	if err := errors.Join(os.Mkdir(first, 0o700), os.Mkdir(second, 0o700)); err != nil {
		return nil, err
	}
	tarball, err := p.FetchTarball(ctx, first, nil)
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, i := range tarball {
		roots = append(roots, i.Path)
	}
	infos, err = cache.Closure(ctx, roots)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.confirm(infos), same(tarball, infos)); err != nil {
		return nil, err
	}
	return infos, cache.Fetch(ctx, second, infos, nil)
}

// same tells where a tarball differs from what was signed.
func same(tarball, signed []narinfo.Info) error {
	if len(tarball) != len(signed) {
		return fmt.Errorf("the tarball has %d paths, and %d are signed", len(tarball), len(signed))
	}
	in := map[string]narinfo.Info{}
	for _, i := range signed {
		in[i.Path] = i
	}
	for _, i := range tarball {
		if s := in[i.Path]; s.NarHash != i.NarHash || s.NarSize != i.NarSize || !slices.Equal(s.References, i.References) {
			return fmt.Errorf("%s is not the same in the tarball and in the cache", i.Path)
		}
	}
	return nil
}

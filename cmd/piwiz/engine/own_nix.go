package engine

import (
	"context"
	"fmt"
	"slices"

	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/builder/ownnix/pins"
)

// MB is a size for people, in millions of bytes.
func MB(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// OwnNix says what there is of piwiz's own Nix, and whether it may run here.
func (e *Engine) OwnNix(ctx context.Context) (ownnix.Status, error) {
	n, err := e.needOwn()
	if err != nil {
		return ownnix.Status{}, err
	}
	return n.Status(ctx)
}

// HasOwnNix says whether piwiz's own Nix is here.
func (e *Engine) HasOwnNix() bool {
	n := e.own()
	if n.Dir == "" {
		return false
	}
	_, ready := n.Ready()
	return ready
}

// CollectOwnNix deletes what is no longer needed of piwiz's own Nix: all but the
// tools and the images of saved hosts, those with problems too. kept are the hosts
// whose images it has.
func (e *Engine) CollectOwnNix(ctx context.Context) (freed int64, kept []string, err error) {
	n, err := e.needOwn()
	if err != nil {
		return 0, nil, err
	}
	names, err := e.Store.Names()
	if err != nil {
		return 0, nil, err // whose images are needed is not known
	}
	if freed, err = n.Collect(ctx, names); err != nil {
		return 0, nil, err
	}
	hosts, err := n.Hosts()
	return freed, slices.Sorted(slices.Values(hosts)), err
}

// RemoveOwnNix deletes piwiz's own Nix and all that it keeps.
func (e *Engine) RemoveOwnNix(ctx context.Context) error {
	n, err := e.needOwn()
	if err != nil {
		return err
	}
	return n.Remove(ctx)
}

// needOwn is own where there can be one.
func (e *Engine) needOwn() (ownnix.Nix, error) {
	n := e.own()
	if n.Dir == "" {
		_, err := ownnix.Folder()
		return n, err
	}
	return n, nil
}

// Repin is the text of a table of pins with a release of Nix.
func (e *Engine) Repin(ctx context.Context, version string) (string, error) {
	pin, err := pins.This()
	if err != nil {
		return "", err
	}
	return pins.Repin(ctx, version, pin.Cache(e.Caches...))
}

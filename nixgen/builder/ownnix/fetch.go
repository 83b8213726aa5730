package ownnix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/pins"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/shell"
)

// Size is how much is yet to be fetched, in bytes: compressed and on the disk.
func (n Nix) Size(ctx context.Context) (download, unpacked int64, err error) {
	if _, ok := n.here(); ok {
		return 0, 0, nil
	}
	pin, err := pins.This()
	if err != nil {
		return 0, 0, err
	}
	infos, err := pin.Closure(ctx, pin.Cache(n.Caches...))
	if err != nil {
		return 0, 0, err
	}
	download, unpacked = narinfo.Sum(nixcache.Missing(n.folder().At("store"), infos))
	return download, unpacked, nil
}

// Fetch fetches and registers what is missing. It does nothing when Nix is
// ready. Of several at once one fetches and the others wait for it. report may
// be nil.
func (n Nix) Fetch(ctx context.Context, report func(meter.Progress)) error {
	if _, ok := n.here(); ok {
		return nil
	}
	if report == nil {
		report = func(meter.Progress) {}
	}
	if err := n.Allowed(ctx); err != nil {
		return err
	}
	lock, err := n.folder().Lock(ctx, unix.LOCK_EX, folder.Forever)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, ok := n.here(); ok { // another has fetched it
		return nil
	}
	if err := n.folder().Sweep(); err != nil {
		return folder.Unusable(err)
	}
	pin, err := pins.This()
	if err != nil {
		return err
	}
	infos, err := n.fetch(ctx, pin, report)
	if err != nil {
		return notFetched(ctx, err)
	}
	return n.register(ctx, pin, infos)
}

// fetch takes the closure out of a cache, else out of the release.
func (n Nix) fetch(ctx context.Context, pin pins.Pin, report func(meter.Progress)) ([]narinfo.Info, error) {
	store := n.folder().At("store")
	if err := os.MkdirAll(store, 0o755); err != nil {
		return nil, err
	}
	infos, err := pin.Closure(ctx, pin.Cache(n.Caches...))
	if err == nil {
		if err := n.room(nixcache.Missing(store, infos)); err != nil {
			return nil, err
		}
		err = pin.Cache(n.Caches...).Fetch(ctx, store, infos, report)
	}
	if err == nil || ctx.Err() != nil || pin.Tarball.SHA256 == "" || durable.IsSystem(err) && !errors.Is(err, os.ErrNotExist) {
		return infos, err
	}
	infos, second := pin.FetchTarball(ctx, store, report)
	if second != nil {
		return nil, errors.Join(err, second)
	}
	return infos, nil
}

// some is what is to be free besides, in bytes, for the database and names.
const some = 32 << 20

// room compares what was signed with what is free.
func (n Nix) room(infos []narinfo.Info) error {
	var fsys unix.Statfs_t
	if err := unix.Statfs(n.Dir, &fsys); err != nil {
		return &os.PathError{Op: "statfs", Path: n.Dir, Err: err}
	}
	_, need := narinfo.Sum(infos)
	need += some
	if free := int64(fsys.Bavail) * fsys.Bsize; free < need {
		return &fault.Error{
			Lacks: true, Headline: fmt.Sprintf("There is too little room in %s: %d MB are free, and %d MB are needed.", n.Dir, free/1e6, (need+1e6-1)/1e6),
			Todo: fault.Todo{"See what fills the disk: df -h " + shell.Quote(n.Dir), folder.OtherFolder()}, Err: unix.ENOSPC,
		}
	}
	return nil
}

// notFetched is told to people, unless it says all that already.
func notFetched(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told
	}
	e := &fault.Error{Headline: "piwiz could not download its own Nix.", Why: err.Error(), Err: err}
	if durable.IsSystem(err) {
		e.Todo = durable.Remedy(err, "")
	}
	e.Todo = append(e.Todo, "Check that this computer is on the internet, then try again: what has come is kept.", "Or take it from a mirror or a folder: --cache https://… or --cache file:///…")
	return e
}

// register has the Nix that was fetched enter it all into its database, and
// keeps it from garbage collection.
func (n Nix) register(ctx context.Context, pin pins.Pin, infos []narinfo.Info) error {
	h := here{Version: pin.Version, Path: pin.Path, Since: time.Now()}
	if pin.CACert != "" {
		if _, err := os.Stat(n.folder().Outside(pin.CACert)); err == nil {
			h.CACert = pin.CACert + "/etc/ssl/certs/ca-bundle.crt"
		}
	}
	p, err := n.program(h)
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	go func() {
		_, _ = write.Write(narinfo.Registration(infos)) // Nix says what it misses
		write.Close()
	}()
	if _, err := p.run(ctx, read, "nix-store", "--load-db"); err != nil {
		return n.broken(ctx, "enter what was downloaded", err)
	}
	err = n.folder().Root("nix", h.Path)
	if err == nil && h.CACert != "" {
		err = n.folder().Root("certificates", pin.CACert)
	}
	if err == nil {
		err = n.folder().Keep(folder.Fetched, h)
	}
	if err != nil {
		return folder.Unusable(err)
	}
	return nil
}

// broken is what this Nix could not do, although it may run here.
func (n Nix) broken(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told
	}
	return &fault.Error{
		Headline: "piwiz's own Nix could not " + what + ".", Why: err.Error(), Err: err,
		Todo: fault.Todo{"Remove it, and let piwiz download it again: piwiz own-nix remove"},
	}
}

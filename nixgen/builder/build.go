// Package builder turns a host's flake into an SD card image with nix build.
//
// Rules: nothing is built by this package itself; a Builder is a package of its
// own, which needs nothing of this one; the first cause of a failure wins, because
// later messages are only its consequences.
package builder

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// Request says what to build. Paths are absolute.
type Request struct {
	Flake   string  // folder with flake.nix
	Host    string  // name under nixosConfigurations
	OutLink string  // becomes a link to the result and keeps it from garbage collection
	LogFile string  // log for people, "" for none; what Nix says to programs is beside it, as .jsonl
	Nixpkgs string  // flake URL instead of the pinned nixpkgs; "" is the pinned one
	State   string  // folder that remembers how long builds take, "" remembers nothing
	Builder Builder // nil is the Nix of this computer
}

// Result is the finished image.
type Result struct {
	Image string // file, .img or .img.zst
	Size  int64  // bytes of that file
	Took  time.Duration
}

// builder is who builds.
func (r Request) builder() Builder {
	if r.Builder == nil {
		return local("")
	}
	return r.Builder
}

// Image builds the image of r. report may be nil; it runs on the calling
// goroutine. The error is an *Error with hints, or ctx's error when cancelled:
// then no process is left.
func Image(ctx context.Context, r Request, report func(follow.Event)) (Result, error) {
	began := time.Now()
	var made Result
	err := r.run(ctx, false, report, func(_ *record, w *follow.Watch) error {
		image, err := Built(r.OutLink)
		if err != nil {
			return err
		}
		info, err := os.Stat(image)
		if err != nil {
			return fmt.Errorf("check the image: %w", err)
		}
		w.Finish(follow.Done)
		r.remember(w)
		made = Result{Image: image, Size: info.Size(), Took: time.Since(began)}
		return nil
	})
	return made, err
}

// run lets the builder work on r, and goes on with then. The log tells how it ended.
func (r Request) run(ctx context.Context, dry bool, report func(follow.Event), then func(*record, *follow.Watch) error) (err error) {
	if err := ready(r); err != nil {
		return err
	}
	log, err := r.record(dry, report)
	if err != nil {
		return err
	}
	defer func() { log.end(err) }()
	w := follow.New(r.times(), log.event)
	w.Trace = log.write
	if dry {
		w.Say(r.builder().String())
	}
	if r.builder().Here() && !dry {
		back, err := giveWay(r.OutLink)
		if err != nil {
			return err
		}
		defer back()
	}
	err = r.builder().Build(ctx, r.order(dry), w)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		w.Finish(follow.Failed)
		return r.explain(w, err)
	}
	return then(log, w)
}

// order is r for a builder. What Nix says to programs is kept beside the log.
func (r Request) order(dry bool) order.Order {
	o := order.Order{Flake: r.Flake, Host: r.Host, OutLink: r.OutLink, Nixpkgs: r.Nixpkgs, DryRun: dry}
	if r.LogFile != "" {
		o.Log = strings.TrimSuffix(r.LogFile, ".log") + ".jsonl"
	}
	return o
}

// times are those of earlier builds.
func (r Request) times() forecast.Times {
	if r.State == "" {
		return forecast.Times{}
	}
	return forecast.Load(filepath.Join(r.State, timesFile))
}

const timesFile = "build-times.json"

// remember notes how long the build took. An image is no worse when that
// cannot be written.
func (r Request) remember(w *follow.Watch) {
	if r.State != "" {
		_ = w.Learn().Save(filepath.Join(r.State, timesFile))
	}
}

// ready finds what would only come to light after the whole build.
func ready(r Request) error {
	if _, err := os.Stat(filepath.Join(r.Flake, "flake.nix")); err != nil {
		return &Error{
			Headline: "There is no flake.nix in " + r.Flake + ".", Page: "preview",
			Todo: []string{"Go back to the preview and forward again: piwiz writes the file again."}, err: err,
		}
	}
	info, err := os.Lstat(r.OutLink)
	if err == nil && info.Mode().Type() != fs.ModeSymlink {
		return &Error{
			Headline: r.OutLink + " is in the way: Nix wants to put a link there.",
			Todo:     []string{"Move it away: mv " + r.OutLink + " " + r.OutLink + ".old"},
		}
	}
	return nil
}

// giveWay takes away a link that the Nix of this computer would not replace,
// because it leads into a store that is a folder: piwiz's own Nix has built here
// before. back puts it back where no new one was made.
func giveWay(link string) (back func(), err error) {
	to, err := os.Readlink(link)
	if err != nil || strings.LastIndex(to, "/nix/store/") <= 0 {
		return func() {}, nil // there is none, or it is as Nix makes them
	}
	if err := os.Remove(link); err != nil {
		return nil, fmt.Errorf("make room for the result: %w", err)
	}
	return func() { _ = os.Symlink(to, link) }, nil // fails where there is a new one
}

// Built finds the image that outLink, made by an earlier Image, leads to.
func Built(outLink string) (string, error) {
	root, err := os.Readlink(outLink)
	if err != nil {
		return "", fmt.Errorf("find the result of the build: %w", err)
	}
	// That of piwiz's own Nix is a folder of this computer, which is /nix inside.
	if at := strings.LastIndex(root, "/nix/store/"); at > 0 {
		return product(root[:at], root[at:])
	}
	// The store may be the user's own, or that of a container: the link is the same.
	for _, under := range []string{"", nix.HomeStore(), order.Copies(outLink)} {
		image, err := product(under, root)
		if !errors.Is(err, fs.ErrNotExist) {
			return image, err
		}
	}
	return "", fmt.Errorf("find the image in %s: %w", root, fs.ErrNotExist)
}

// product reads nix-support/hydra-build-products: "file sd-image PATH". Source:
// NixOS/nixpkgs nixos/modules/installer/sd-card/sd-image.nix.
func product(under, root string) (string, error) {
	list, err := os.Open(filepath.Join(under, root, "nix-support/hydra-build-products"))
	if err != nil {
		return "", err
	}
	defer list.Close()
	for lines := bufio.NewScanner(list); lines.Scan(); {
		path, ok := strings.CutPrefix(lines.Text(), "file sd-image ")
		if !ok || !filepath.IsAbs(path) {
			continue
		}
		image := filepath.Join(under, path)
		_, err := os.Stat(image)
		return image, err
	}
	return "", &Error{
		Headline: "The build succeeded, but made no SD card image.", Page: "preview",
		Why:  "nix-support/hydra-build-products in " + root + " names no file of the kind sd-image.",
		Todo: []string{"Take out of configuration.nix what changes system.build.sdImage, then build again."},
	}
}

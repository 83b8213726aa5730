package container

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/follow"
)

// The stages before and after Nix works in a container.
const (
	preparing = "preparing the container"
	copying   = "copying the image out of the container"
)

// Builder is a Nix in a container.
type Builder struct {
	Engine Engine
	Why    string // there: part of a sentence
}

// Find takes the engine that wish names (see Is). The error has hints, or is ctx's.
func Find(ctx context.Context, wish, why string) (Builder, error) {
	e, err := find(ctx, wish)
	return Builder{e, why}, err
}

// String says where the image is built, and why there.
func (b Builder) String() string {
	return "The image is built in a container of " + b.Engine.Name + ": " + b.Why + "."
}

// Here is false: the Nix of this computer has no part in it.
func (b Builder) Here() bool { return false }

// Where is that for the explanation of a failure.
func (b Builder) Where() diagnose.Where { return diagnose.Where{Engine: b.Engine.Name} }

// Build runs nix in a container: what it reads is mounted there, what it made is
// copied out.
func (b Builder) Build(ctx context.Context, o order.Order, w *follow.Watch) error {
	w.Stage(preparing)
	x, err := b.Engine.ready(ctx, w.Say)
	if err != nil {
		return err
	}
	w.Stage(follow.Starting)
	within, folders := inside(o)
	lock := "/nix/var/nix/piwiz-" + o.Host + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) + ".lock"
	c := within.Command()
	switch { // the flake's folder cannot be written in there
	case o.Nixpkgs != "":
	case o.DryRun:
		c.Args = append(c.Args, "--no-write-lock-file")
	default:
		c.Args = append(c.Args, "--output-lock-file", lock)
	}
	out, err := x.nix(ctx, c, folders, w.Event)
	if err != nil || o.DryRun {
		return err
	}
	w.Stage(copying)
	w.Say(copying)
	if o.Nixpkgs == "" {
		if err := takeLock(ctx, x, lock, o.Flake); err != nil {
			return err
		}
	}
	path, err := outPath(out)
	if err != nil {
		return err
	}
	return x.copyOut(ctx, path, o.OutLink)
}

// inside is o as it reads in the container, and what must be mounted for that. The
// link that it makes in there keeps the image from garbage collection.
func inside(o order.Order) (order.Order, []folder) {
	folders := []folder{{outside: o.Flake, inside: "/flake"}}
	within := o
	within.Flake, within.OutLink = "/flake", "/nix/var/nix/piwiz-"+o.Host
	if u, err := url.Parse(o.Nixpkgs); err == nil && u.Scheme == "path" && filepath.IsAbs(u.Path) {
		folders = append(folders, folder{outside: u.Path, inside: "/nixpkgs"})
		within.Nixpkgs = "path:/nixpkgs"
	}
	return within, folders
}

// outPath reads what nix build --json prints.
func outPath(out []byte) (string, error) {
	var built []struct {
		Outputs struct {
			Out string `json:"out"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(out, &built); err != nil || len(built) != 1 {
		return "", fmt.Errorf("nix did not say what it has built: %q", strings.TrimSpace(string(out)))
	}
	return built[0].Outputs.Out, nil
}

// takeLock puts the lock file that Nix wrote in the container beside the flake,
// as Nix does by itself where it may write there.
func takeLock(ctx context.Context, b box, lock, flake string) error {
	text, err := b.take(ctx, lock)
	if err != nil || text == "" { // of inputs without a version there is none
		return err
	}
	file, new := filepath.Join(flake, "flake.lock"), []byte(text+"\n")
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, new) {
		return nil
	}
	if err := durable.Replace(file, new, 0o644); err != nil {
		return fmt.Errorf("keep the versions of what was built: %w", err)
	}
	return nil
}

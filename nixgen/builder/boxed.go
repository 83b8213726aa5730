package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"piwiz/nixgen/builder/container"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
)

// The stages before and after Nix works in a container.
const (
	preparing = "preparing the container"
	copying   = "copying the image out of the container"
)

// runBoxed is run in a container: what it reads is mounted there, what it made
// is copied out.
func (b Builder) runBoxed(ctx context.Context, r Request, w *follow.Watch, more ...string) error {
	w.Stage(preparing)
	box, err := b.engine.Ready(ctx, w.Say)
	if err != nil {
		return err
	}
	w.Stage(follow.Starting)
	inside, folders := boxedRequest(r)
	lock := "/nix/var/nix/piwiz-" + r.Host + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) + ".lock"
	c := nix.Command{Args: append(arguments(inside), more...), LogFile: r.jsonFile(), LogMost: mostJSON}
	switch { // the flake's folder cannot be written in there
	case r.Nixpkgs != "":
	case slices.Contains(more, "--dry-run"):
		c.Args = append(c.Args, "--no-write-lock-file")
	default:
		c.Args = append(c.Args, "--output-lock-file", lock)
	}
	out, err := box.Nix(ctx, c, folders, w.Event)
	if err != nil || slices.Contains(more, "--dry-run") {
		return err
	}
	w.Stage(copying)
	w.Say(copying)
	if r.Nixpkgs == "" {
		if err := takeLock(ctx, box, lock, r.Flake); err != nil {
			return err
		}
	}
	path, err := outPath(out)
	if err != nil {
		return err
	}
	return box.CopyOut(ctx, path, r.OutLink)
}

// boxedRequest is r as it reads in the container, and what must be mounted for
// that. The link that it makes in there keeps the image from garbage collection.
func boxedRequest(r Request) (Request, []container.Folder) {
	folders := []container.Folder{{Outside: r.Flake, Inside: "/flake"}}
	inside := r
	inside.Flake, inside.OutLink = "/flake", "/nix/var/nix/piwiz-"+r.Host
	if u, err := url.Parse(r.Nixpkgs); err == nil && u.Scheme == "path" && filepath.IsAbs(u.Path) {
		folders = append(folders, container.Folder{Outside: u.Path, Inside: "/nixpkgs"})
		inside.Nixpkgs = "path:/nixpkgs"
	}
	return inside, folders
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
func takeLock(ctx context.Context, box container.Box, lock, flake string) error {
	text, err := box.Take(ctx, lock)
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

// Package build turns a host's flake into an image with Nix.
//
// "Cross build" here means an emulated native one: only the platform of the
// host is set, so every package comes from the binary cache and only a few
// small steps run under emulation.
package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"piwiz/nixgen"
	"piwiz/nixgen/nix"
)

// Request is what to build.
type Request struct {
	Flake   string // folder of the host's flake
	Host    string
	OutLink string // keeps the image from being collected as garbage
	LogFile string // all that Nix said
	Nixpkgs string // a flake to use for nixpkgs; "" for the pinned release
}

// Result is the image.
type Result struct {
	Image string // file
	Size  int64  // bytes
	Took  time.Duration
}

// Running is one derivation that is being built.
type Running struct {
	Name, Phase string
	Since       time.Time
}

// Progress is how far the build is. The expected figures grow while Nix finds
// more to do; the done ones never shrink.
type Progress struct {
	Stage                    string
	Done, Expected           int // derivations
	BytesDone, BytesExpected int64
	Now                      []Running
}

// Event is a line of the log ("" for none) and the progress with it.
type Event struct {
	Line       string
	Derivation string
	Error      bool
	Progress   Progress
}

// Image builds the image of a host. A failed build is *Error.
func Image(ctx context.Context, r Request, report func(Event)) (Result, error) {
	began := time.Now()
	if st, err := os.Lstat(r.OutLink); err == nil && st.Mode()&fs.ModeSymlink == 0 {
		return Result{}, fmt.Errorf("%s is in the way of the link to the image; move it elsewhere", r.OutLink)
	}
	args := []string{
		"build", "path:" + r.Flake + "#" + nixgen.Attr(r.Host), "--option", "extra-platforms", "aarch64-linux",
		"--out-link", r.OutLink, "--log-format", "internal-json", "-v",
	}
	if r.Nixpkgs != "" {
		args = append(args, "--override-input", "nixpkgs", r.Nixpkgs, "--no-write-lock-file")
	}
	w := newWatch(r, report)
	if _, err := nix.Run(ctx, nix.Command{Args: args, LogFile: r.LogFile}, w.event); err != nil {
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		var lack *nix.Problem
		if errors.As(err, &lack) {
			return Result{}, &Error{Headline: err.Error(), Todo: lack.Hints(), Page: "check"}
		}
		return Result{}, w.failure(err)
	}
	image, err := Built(r.OutLink)
	if err != nil {
		return Result{}, err
	}
	st, err := os.Stat(image)
	if err != nil {
		return Result{}, fmt.Errorf("find the image: %w", err)
	}
	return Result{image, st.Size(), time.Since(began)}, nil
}

// Built finds the image behind an out-link: nixpkgs names it in
// nix-support/hydra-build-products (nixos/modules/installer/sd-card/sd-image.nix).
func Built(outLink string) (string, error) {
	b, err := os.ReadFile(filepath.Join(outLink, "nix-support", "hydra-build-products"))
	if err != nil {
		return "", fmt.Errorf("find the image: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if image, ok := strings.CutPrefix(strings.TrimSpace(line), "file sd-image "); ok {
			return image, nil
		}
	}
	return "", errors.New("the build made no SD image; does configuration.nix change the image?")
}

// NoSpace is a file system with too little room, in bytes.
type NoSpace struct {
	Dir        string
	Free, Want int64
}

func (e *NoSpace) Error() string {
	return fmt.Sprintf("%s has %.1f GB free; a build needs %.0f GB", e.Dir, float64(e.Free)/1e9, float64(e.Want)/1e9)
}

// Hints says how to make room.
func (e *NoSpace) Hints() []string {
	return []string{"Make room, for example with: nix-collect-garbage -d"}
}

// Space checks that the file system of dir, or of the nearest folder above it
// that exists, has want bytes free.
func Space(dir string, want int64) error {
	for {
		var st syscall.Statfs_t
		err := syscall.Statfs(dir, &st)
		if errors.Is(err, fs.ErrNotExist) && dir != "/" {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return fmt.Errorf("see how much room %s has: %w", dir, err)
		}
		if free := int64(st.Bavail) * st.Bsize; free < want {
			return &NoSpace{dir, free, want}
		}
		return nil
	}
}

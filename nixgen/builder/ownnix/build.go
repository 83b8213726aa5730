package ownnix

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
)

// Builder is that Nix, as a builder.Builder.
type Builder struct {
	Nix   Nix
	Why   string // there: part of a sentence
	table bool   // programs for the Pi are run by a table of our own
}

// Find verifies that n may run here. What is missing is fetched by Build, if
// nobody does it before.
func Find(ctx context.Context, n Nix, why string) (*Builder, error) {
	table, err := n.allowed(ctx)
	if err != nil {
		return nil, err
	}
	return &Builder{n, why, table}, nil
}

// String says where the image is built, and why there.
func (b *Builder) String() string {
	return "The image is built on this computer, by piwiz's own Nix in " + b.Nix.Dir + ": " + b.Why + "."
}

// Here is false: the Nix of this computer has no part in it.
func (b *Builder) Here() bool { return false }

// Where is that for the explanation of a failure.
func (b *Builder) Where() diagnose.Where { return diagnose.Where{Own: b.Nix.Dir} }

// The stages before Nix works.
const (
	fetching = "downloading piwiz's own Nix"
	emulates = "finding an emulator"
)

// Build lets that Nix build. What may run was tried by Find; should the kernel
// refuse a step now, the error says so as well.
func (b *Builder) Build(ctx context.Context, o order.Order, w *follow.Watch) error {
	n := b.Nix
	if _, ok := n.Ready(); !ok {
		w.Stage(fetching)
		w.Say(fetching)
		if err := n.Fetch(ctx, func(meter.Progress) {}); err != nil {
			return err
		}
	}
	lock, h, err := n.use(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	p, err := n.program(h, inputs(o)...)
	if err != nil {
		return err
	}
	if b.table && !o.DryRun && runtime.GOARCH != "arm64" {
		w.Stage(emulates)
		if err := n.emulate(ctx, &p, o, w.Say); err != nil {
			return err
		}
	}
	w.Stage(follow.Starting)
	return n.build(ctx, p, o, w)
}

// use takes the folder for a build, and tidies it when nobody else builds.
func (n Nix) use(ctx context.Context) (lock *os.File, h here, err error) {
	if lock, err = n.folder().Lock(ctx, unix.LOCK_SH, folder.Forever); err != nil {
		return nil, h, err
	}
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		err = n.folder().Sweep()
	}
	if err == nil { // a lock that could not become another is none any more
		err = unix.Flock(int(lock.Fd()), unix.LOCK_SH)
	}
	h, ok := n.here()
	switch {
	case err != nil:
		err = folder.Unusable(err)
	case !ok:
		err = &fault.Error{Headline: "piwiz's own Nix was removed just now.", Todo: fault.Todo{"Build again: piwiz downloads it again."}}
	default:
		return lock, h, nil
	}
	lock.Close()
	return nil, h, err
}

// build runs nix, and once more when a builder was killed although there was
// memory: that happens, and nobody knows why (NixOS/nix issue 2176).
func (n Nix) build(ctx context.Context, p program, o order.Order, w *follow.Watch) error {
	link := o.OutLink
	o.OutLink = "/nix/" + folder.HostRoots + "/" + o.Host
	if err := os.MkdirAll(n.folder().At(folder.HostRoots), 0o755); err != nil {
		return folder.Unusable(err)
	}
	for again := true; ; again = false {
		kills := killsNow()
		var late []nix.Event
		var said []string
		killed := false
		c := p.command("nix")
		full := o.Command()
		full.Through, full.Env = c.Through, c.Env
		_, err := nix.Run(ctx, full, func(e nix.Event) {
			killed = killed || again && bySignal.MatchString(e.Text)
			if killed { // it is told only when it counts
				late = append(late, e)
				return
			}
			if e.Action == nix.Plain {
				said = append(said[max(0, len(said)-9):], e.Text)
			}
			w.Event(e)
		})
		if err == nil && !o.DryRun {
			if err := n.folder().Result(o.Host, link); err != nil {
				return folder.Unusable(err)
			}
		}
		if r := refused(err, said); r != nil {
			return allowed.Explain(r)
		}
		if err != nil && ctx.Err() == nil && killed && kills == killsNow() && memory() > plenty {
			w.Say("A step was killed although there is memory; piwiz tries once more.")
			continue
		}
		for _, e := range late {
			w.Event(e)
		}
		return err
	}
}

var bySignal = regexp.MustCompile(`failed due to signal 9 \(Killed\)`)

// plenty of memory, in bytes, is when no kill is for want of it.
const plenty = 1 << 30

func memory() int64 { return 1024 * number("/proc/meminfo", "MemAvailable:") }

// killsNow is how often the kernel has killed for want of memory since it
// started.
func killsNow() int64 { return number("/proc/vmstat", "oom_kill ") }

// number is the one after a name in a file of /proc, 0 when there is none.
func number(file, name string) int64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(value + " 0")[0], 10, 64)
			return n
		}
	}
	return 0
}

// local finds the folders that a flake names. Inputs of flakes are written
// literally.
var local = regexp.MustCompile(`path:(/[^"?#\s]+)|\bpath\s*=\s*"(/[^"]+)"`)

// inputs are the folders that Nix reads for o.
func inputs(o order.Order) []string {
	dirs := []string{o.Flake}
	if u, err := url.Parse(o.Nixpkgs); err == nil && u.Scheme == "path" {
		dirs = append(dirs, u.Path)
	}
	text, _ := os.ReadFile(filepath.Join(o.Flake, "flake.nix")) // Nix says what is wrong with it
	for _, m := range local.FindAllStringSubmatch(string(text), -1) {
		dir, err := url.PathUnescape(m[1])
		if err != nil || dir == "" {
			dir = m[2]
		}
		dirs = append(dirs, filepath.Clean(dir))
	}
	return dirs
}

package ownnix

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/builder/ownnix/namespace"
	"piwiz/nixgen/builder/ownnix/pins"
	"piwiz/nixgen/nix"
)

// program is Nix in its namespace.
type program struct {
	n     Nix
	here  here
	pin   pins.Pin
	space namespace.Space
	more  []string // lines of nix.conf
}

// program is h with the folders that it is to see besides.
func (n Nix) program(h here, folders ...string) (program, error) {
	pin, err := pins.This()
	if err != nil {
		return program{}, err
	}
	dir, err := filepath.EvalSymlinks(n.Dir)
	if err != nil {
		return program{}, err
	}
	p := program{n: n, here: h, pin: pin, space: namespace.Space{Nix: dir}}
	for _, cache := range p.caches() {
		if u, err := url.Parse(cache); err == nil && u.Scheme == "file" {
			folders = append(folders, u.Path)
		}
	}
	folders = append(folders, resolvers()...)
	if file := certificates(h); file != h.CACert && !visible(file) {
		folders = append(folders, file)
	}
	for _, f := range folders {
		if _, err := os.Stat(f); err == nil && !slices.Contains(p.space.Folders, f) {
			p.space.Folders = append(p.space.Folders, f)
		}
	}
	return p, nil
}

func (p program) caches() []string {
	if len(p.n.Caches) > 0 {
		return p.n.Caches
	}
	return p.pin.Caches
}

// command is a run of one of Nix's programs.
func (p program) command(name string, args ...string) nix.Command {
	return nix.Command{Through: p.space.Through(p.here.Path + "/bin/" + name), Args: args, Env: p.env()}
}

// env is the whole environment: nothing of the user's, and nothing of another
// Nix's, but the proxies and the terminal.
func (p program) env() []string {
	env := []string{
		"PATH=" + p.here.Path + "/bin", "HOME=/nix/var/home",
		"NIX_CONF_DIR=/nix/etc", "NIX_USER_CONF_FILES=", "NIX_REMOTE=local",
		"NIX_CACHE_HOME=/nix/var/cache", "NIX_CONFIG_HOME=/nix/var/config", "NIX_STATE_HOME=/nix/var/state", "NIX_DATA_HOME=/nix/var/data",
		"XDG_CACHE_HOME=/nix/var/cache", // Nix before 2.25
		"TMPDIR=/nix/var/nix/builds",    // Nix before 2.30
		"NIX_CONFIG=" + strings.Join(p.settings(), "\n"),
	}
	if file := certificates(p.here); file != "" {
		env = append(env, "NIX_SSL_CERT_FILE="+file)
	}
	for _, name := range []string{"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"} {
		for _, name := range []string{name, strings.ToUpper(name)} {
			if v, ok := os.LookupEnv(name); ok {
				env = append(env, name+"="+v)
			}
		}
	}
	return env
}

// settings are nix.conf. The sandbox has one user number, so Nix may have no
// users of its own for builds, and no groups to drop.
func (p program) settings() []string {
	var keys []string
	for _, k := range p.pin.Keys {
		keys = append(keys, k.Name+":"+base64.StdEncoding.EncodeToString(k.PublicKey))
	}
	return append([]string{
		"experimental-features = nix-command flakes",
		"build-users-group =",
		"sandbox = true",
		"sandbox-fallback = false",
		"require-drop-supplementary-groups = false",
		"extra-platforms = aarch64-linux",
		"flake-registry =", // nothing is named by it, and it would be downloaded
		"substituters = " + strings.Join(p.caches(), " "),
		"trusted-public-keys = " + strings.Join(keys, " "),
	}, append(p.nearby(), p.more...)...)
}

// nearby has Nix ask caches that need no network: without one it asks none,
// unless it is told to. Source: NixOS/nix src/nix/main.cc, haveInternet.
func (p program) nearby() []string {
	near := func(cache string) bool {
		u, err := url.Parse(cache)
		if err != nil {
			return false
		}
		ip := net.ParseIP(u.Hostname())
		return u.Scheme == "file" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	if slices.ContainsFunc(p.caches(), near) {
		return []string{"substitute = true"}
	}
	return nil
}

// run runs one of Nix's programs, and returns what it printed. The error has
// what it said.
func (p program) run(ctx context.Context, stdin *os.File, name string, args ...string) (string, error) {
	c := p.command(name, args...)
	c.Stdin = stdin
	var said []string
	out, err := nix.Run(ctx, c, func(e nix.Event) {
		if e.Text != "" && len(said) < 100 {
			said = append(said, e.Text)
		}
	})
	if err == nil || ctx.Err() != nil {
		return strings.TrimSpace(string(out)), err
	}
	if r := refused(err, said); r != nil {
		return "", allowed.Explain(r)
	}
	return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, strings.Join(said, "\n"))
}

// refused finds the step of the namespace that failed, when it was that.
func refused(err error, said []string) *namespace.Refusal {
	exit, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err)
	if !ok || exit.ExitCode() != namespace.Failed {
		return nil
	}
	for _, line := range slices.Backward(said) {
		if r, ok := namespace.Refused(line); ok {
			return r
		}
	}
	return nil
}

// visible says whether a file is in a folder of the computer that the namespace
// has anyway.
func visible(file string) bool {
	return slices.ContainsFunc([]string{"/etc/", "/run/", "/dev/", "/nix/"}, func(dir string) bool { return strings.HasPrefix(file, dir) })
}

// resolvers is the folder of resolv.conf where that is a link to elsewhere, as
// under WSL. The folder, because the file is replaced.
func resolvers() []string {
	file, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil || visible(file) {
		return nil
	}
	return []string{filepath.Dir(file)}
}

// bundles are where distributions have their certificates, as Go's crypto/x509
// knows them. Nix itself knows the first alone.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// certificates is the file with those that are trusted: what the user named, the
// computer's, which may have one of a company's proxy, or those that came with Nix.
func certificates(h here) string {
	for _, file := range slices.Concat([]string{os.Getenv("NIX_SSL_CERT_FILE"), os.Getenv("SSL_CERT_FILE")}, bundles) {
		if file, err := filepath.EvalSymlinks(file); err == nil && filepath.IsAbs(file) {
			return file
		}
	}
	return h.CACert
}

package pins

import (
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/storedir"
)

//go:embed pins.toml
var embedded string

// table is pins.toml.
type table struct {
	Releases string     `toml:"releases"` // where the folders nix-VERSION are
	Caches   []string   `toml:"caches"`
	Keys     []string   `toml:"keys"`
	Nix      []nix      `toml:"nix,omitempty"`
	Emulator []emulator `toml:"emulator,omitempty"`
}

type nix struct {
	Version string  `toml:"version"`
	System  string  `toml:"system"`
	Path    string  `toml:"path"`
	NarHash string  `toml:"nar-hash,omitempty"`
	CACert  string  `toml:"cacert,omitempty"`
	Fetched bool    `toml:"fetched"`
	Tarball tarball `toml:"tarball,omitempty"`
}

type tarball struct {
	URL     string `toml:"url,omitempty"`
	SHA256  string `toml:"sha256,omitempty"`
	Fetched bool   `toml:"fetched"`
}

type emulator struct {
	System  string `toml:"system"`
	URL     string `toml:"url"`
	SHA256  string `toml:"sha256"`
	Program string `toml:"program"`
	Fetched bool   `toml:"fetched"`
}

// version is a release of Nix. It becomes part of addresses.
var version = regexp.MustCompile(`^[0-9]+(\.[0-9]+)+$`)

// systems are those that piwiz can bring a Nix for.
var systems = []string{"x86_64-linux", "aarch64-linux"}

// parse reads a table, and tells all that is wrong with it.
func parse(text string) (table, error) {
	var t table
	d := toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return t, fmt.Errorf("the table of pins: %w", err)
	}
	var c checker
	c.check("releases", address(t.Releases))
	c.that("caches", len(t.Caches) > 0, "none")
	for _, a := range t.Caches {
		c.check("caches", address(a))
	}
	c.that("keys", len(t.Keys) > 0, "none")
	for _, k := range t.Keys {
		_, err := narinfo.ParseKey(k)
		c.check("keys", err)
	}
	for _, n := range t.Nix {
		c.nix(n)
	}
	for _, e := range t.Emulator {
		at := "emulator for " + e.System
		c.once(at, e.System)
		c.check(at, address(e.URL))
		c.check(at, sha256sum(e.SHA256))
		c.that(at, filepath.IsLocal(e.Program), "program %q", e.Program)
	}
	return t, errors.Join(c.errs...)
}

type checker struct {
	errs []error
	seen map[string]bool
}

func (c *checker) check(at string, err error) {
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: %w", at, err))
	}
}

func (c *checker) that(at string, ok bool, format string, args ...any) {
	if !ok {
		c.check(at, fmt.Errorf(format, args...))
	}
}

// once makes sure that there is one of each for a system, which is known.
func (c *checker) once(at, system string) {
	known := false
	for _, s := range systems {
		known = known || s == system
	}
	c.that(at, known, "no system of piwiz")
	c.that(at, !c.seen[at], "twice")
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[at] = true
}

func (c *checker) nix(n nix) {
	at := "nix for " + n.System
	c.once(at, n.System)
	c.that(at, version.MatchString(n.Version), "version %q", n.Version)
	c.check(at, storedir.Check(n.Path))
	c.that(at, strings.HasSuffix(n.Path, "-nix-"+n.Version), "%s is not Nix %s", n.Path, n.Version)
	if n.CACert != "" {
		c.check(at, storedir.Check(n.CACert))
	}
	if n.NarHash != "" {
		digits, ok := strings.CutPrefix(n.NarHash, "sha256:")
		_, err := nar.Decode32(digits, 32)
		c.that(at, ok && err == nil, "nar-hash %q", n.NarHash)
	}
	if n.Tarball != (tarball{}) {
		c.check(at, address(n.Tarball.URL))
		c.check(at, sha256sum(n.Tarball.SHA256))
	}
}

func address(text string) error {
	_, err := nixcache.CheckURL(text)
	return err
}

func sha256sum(text string) error {
	if b, err := hex.DecodeString(text); err != nil || len(b) != 32 {
		return fmt.Errorf("%q is no SHA-256", text)
	}
	return nil
}

// header begins a table that Repin wrote.
const header = `# Which Nix piwiz brings along, written by its verb for that. fetched says
# whether it could be fetched by whoever wrote the line, from both sources.
`

// String is the table as parse reads it.
func (t table) String() string {
	var b strings.Builder
	b.WriteString(header)
	if err := toml.NewEncoder(&b).Encode(t); err != nil {
		return "" // a table has nothing that TOML has not
	}
	return b.String()
}

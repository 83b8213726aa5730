package pins

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix/storedir"
)

func TestTheTablePinsEverySystemAndTrustsOneKey(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range all {
		found = append(found, p.System)
		if len(p.Keys) != 1 || p.Keys[0].String() != "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" {
			t.Errorf("%s trusts %v", p.System, p.Keys)
		}
		for _, address := range append([]string{p.Tarball.URL, p.Emulator.URL}, p.Cache().URLs...) {
			if !strings.HasPrefix(address, "https://") && address != "" {
				t.Errorf("%s is fetched from %s", p.System, address)
			}
		}
		if p.Tarball.SHA256 == "" || (p.Emulator.SHA256 == "") != (p.System == "aarch64-linux") {
			t.Errorf("%+v", p)
		}
	}
	if !slices.Equal(found, systems) {
		t.Errorf("pins for %v", found)
	}
	this, err := This()
	if _, known := map[string]bool{"amd64": true, "arm64": true}[runtime.GOARCH]; known != (err == nil) || known && this.Path == "" {
		t.Errorf("%+v (%v)", this, err)
	}
	if got := this.Cache("file:///mirror"); !reflect.DeepEqual(got.URLs, []string{"file:///mirror"}) || len(got.Keys) != 1 {
		t.Errorf("a mirror has %v", got)
	}
}

func TestAWrongTableSaysWhere(t *testing.T) {
	for _, c := range []struct{ old, new, says string }{
		{"[[nix]]", "[[nicks]]", "the table of pins"},
		{"version =", "verison =", "the table of pins"},
		{`version = "2.35.2"`, `version = "2.35/.."`, "nix for x86_64-linux: version"},
		{`version = "2.35.2"`, `version = "2.35.1"`, "is not Nix 2.35.1"},
		{`system = "aarch64-linux"`, `system = "x86_64-linux"`, "nix for x86_64-linux: twice"},
		{`system = "aarch64-linux"`, `system = "riscv64-linux"`, "no system of piwiz"},
		{`"/nix/store/irf`, `"/nix/store/e`, "is no store path"},
		{`"/nix/store/irf`, `"/nix/store/../irf`, "is no store path"},
		{`"/nix/store/zdl`, `"/zdl`, "is no store path"},
		{"sha256:0f8", "sha256:zf8", "nar-hash"},
		{"sha256:0f8", "md5:0f8", "nar-hash"},
		{`sha256 = "0c`, `sha256 = "c`, "is no SHA-256"},
		{"https://cache.nixos.org", "s3://cache.nixos.org", "caches: "},
		{"https://snapshot", "snapshot", "emulator for x86_64-linux"},
		{"usr/bin/qemu", "/usr/bin/qemu", "program"},
		{"usr/bin/qemu", "../bin/qemu", "program"},
		{"6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=", "6NCHdD59X431", "keys: "},
		{`keys = ["`, `keys = []#"`, "keys: none"},
		{`caches = ["`, `caches = []#"`, "caches: none"},
		{"releases =", "# releases =", "releases: "},
	} {
		text := strings.Replace(embedded, c.old, c.new, 1)
		if text == embedded {
			t.Errorf("%q is not in the table", c.old)
		}
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q for %q: %v", c.new, c.old, err)
		}
	}
	// All of them at once.
	text := strings.NewReplacer("usr/bin/qemu", "/usr/bin/qemu", "sha256:0f8", "md5:0f8", `"/nix/store/zdl`, `"/zdl`).Replace(embedded)
	if _, err := parse(text); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v", err)
	}
}

// FuzzTable: a table that is read is whole, and is the same when it is written.

func FuzzTable(f *testing.F) {
	f.Add(embedded)
	f.Add(strings.ReplaceAll(embedded, "https://", "file:///"))
	f.Fuzz(func(t *testing.T, text string) {
		read, err := parse(text)
		if err != nil {
			return
		}
		again, err := parse(read.String())
		if err != nil || read.String() != again.String() {
			t.Errorf("%+v became %+v (%v)", read, again, err)
		}
		for _, n := range read.Nix {
			p, err := read.pin(n.System)
			if err != nil || storedir.Check(p.Path) != nil || len(p.Keys) == 0 || len(p.Cache().URLs) == 0 {
				t.Errorf("%+v (%v)", p, err)
			}
			for _, root := range p.Roots() {
				if storedir.Check(root) != nil {
					t.Errorf("root %q", root)
				}
			}
		}
	})
}

package order

import (
	"slices"
	"testing"
)

func TestTheCommandNamesTheFlakeByPath(t *testing.T) {
	args := Order{Flake: "/home/me/my pi?/flake", Host: "bach", OutLink: "/r"}.Args()
	if !slices.Contains(args, "path:/home/me/my%20pi%3F/flake#nixosConfigurations.bach.config.system.build.sdImage") {
		t.Errorf("%q", args)
	}
	if slices.Contains(args, "--override-input") {
		t.Error("the pinned nixpkgs is replaced although nothing was asked")
	}
	if slices.Contains(args, "--dry-run") {
		t.Error("nothing would be built")
	}
	args = Order{Flake: "/f", Host: "bach", OutLink: "/r", Nixpkgs: "path:/n", DryRun: true}.Args()
	if i := slices.Index(args, "--override-input"); i < 0 || args[i+1] != "nixpkgs" || args[i+2] != "path:/n" || !slices.Contains(args, "--dry-run") {
		t.Errorf("%q", args)
	}
}

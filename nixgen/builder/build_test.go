package builder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAFileInTheWayIsRefusedBeforeTheBuild(t *testing.T) {
	dir := flake(t)
	link := filepath.Join(dir, "result")
	if err := os.WriteFile(link, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Image(t.Context(), Request{Flake: dir, Host: "bach", OutLink: link}, nil)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Headline, "in the way") || len(e.Hints()) == 0 {
		t.Fatalf("error %v", err)
	}
	if text, _ := os.ReadFile(link); string(text) != "mine" {
		t.Error("the file was touched")
	}
}

func TestAFolderWithoutAFlakeIsRefusedBeforeTheBuild(t *testing.T) {
	_, err := Image(t.Context(), Request{Flake: t.TempDir(), Host: "bach", OutLink: "/nowhere"}, nil)
	var e *Error
	if !errors.As(err, &e) || e.Page != "preview" {
		t.Fatalf("error %v", err)
	}
}

func TestTheCommandNamesTheFlakeByPath(t *testing.T) {
	args := arguments(Request{Flake: "/home/me/my pi?/flake", Host: "bach", OutLink: "/r"})
	if !slices.Contains(args, "path:/home/me/my%20pi%3F/flake#nixosConfigurations.bach.config.system.build.sdImage") {
		t.Errorf("%q", args)
	}
	if slices.Contains(args, "--override-input") {
		t.Error("the pinned nixpkgs is replaced although nothing was asked")
	}
	args = arguments(Request{Flake: "/f", Host: "bach", OutLink: "/r", Nixpkgs: "path:/n"})
	if i := slices.Index(args, "--override-input"); i < 0 || args[i+1] != "nixpkgs" || args[i+2] != "path:/n" {
		t.Errorf("%q", args)
	}
}

func TestTheImageIsFoundByItsProductsFile(t *testing.T) {
	store := t.TempDir()
	for _, d := range []string{"nix-support", "sd-image"} {
		if err := os.Mkdir(filepath.Join(store, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	image := filepath.Join(store, "sd-image/piwiz-bach.img")
	list := filepath.Join(store, "nix-support/hydra-build-products")
	link := filepath.Join(t.TempDir(), "result")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.WriteFile(list, []byte("doc x /y\nfile sd-image "+image+"\n"), 0o600), os.Symlink(store, link)); err != nil {
		t.Fatal(err)
	}
	if got, err := Built(link); err != nil || got != image {
		t.Fatalf("%q, %v", got, err)
	}
	if err := os.WriteFile(list, []byte("file other /x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Built(link); !errors.As(err, &e) {
		t.Errorf("no image: %v", err)
	}
	if _, err := Built(filepath.Join(store, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no link: %v", err)
	}
}

package builder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
	_, err := Image(t.Context(), Request{Flake: t.TempDir(), Host: "bach", OutLink: filepath.Join(t.TempDir(), "result")}, nil)
	var e *Error
	if !errors.As(err, &e) || e.Page != "preview" {
		t.Fatalf("error %v", err)
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

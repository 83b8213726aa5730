package origin

import (
	"os"
	"path/filepath"
	"testing"
)

// Whatever the folder is called, and in whichever file of the flake it stands.
func TestAnImageGrowsUnlessItsOwnerDecidesAboutThat(t *testing.T) {
	for _, name := range []string{"hosts", "a [b", "a[b]*?"} {
		for _, file := range []string{"configuration.nix", "hardware/card.nix"} {
			dir := filepath.Join(t.TempDir(), name)
			path := filepath.Join(dir, "flake", file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			for text, want := range map[string]bool{"{ }\n": true, "{ sdImage.expandOnBoot = false; }\n": false} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if got, err := Grows(dir); err != nil || got != want {
					t.Errorf("%s, %s: %s: %v, %v", name, file, text, got, err)
				}
			}
		}
	}
}

// A folder may have such a name, and what is no Nix file says nothing.
func TestOnlyNixFilesDecideAboutThat(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "flake", "modules.nix"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "flake", "notes.md"), []byte("expandOnBoot"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Grows(dir); err != nil || !got {
		t.Error(got, err)
	}
}

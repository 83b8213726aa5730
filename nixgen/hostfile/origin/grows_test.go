package origin

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAnImageGrowsUnlessItsOwnerDecidesAboutThat(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "flake"), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"{ }\n": true, "{ sdImage.expandOnBoot = false; }\n": false} {
		if err := os.WriteFile(filepath.Join(dir, "flake", "configuration.nix"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Grows(dir); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

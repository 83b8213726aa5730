package engine

import (
	"os"
	"path/filepath"
	"testing"

	"piwiz/flash/image"
)

// What the user names is written as it is.
func TestAnImageThatTheUserNamesDoesNotGrow(t *testing.T) {
	e, s := bach(t)
	path := filepath.Join(t.TempDir(), "own.img")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if from, _ := e.Image(t.Context(), s.Host, image.From{Path: path}); from.Grow {
		t.Error("an image that the user names grows")
	}
}

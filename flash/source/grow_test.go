package source

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"piwiz/flash/image"
)

// The place of a byte is named by the table that the card gets, and the image is not
// longer for it.
func TestAPlaceIsNamedByTheTableOnTheCard(t *testing.T) {
	const room = 1 << 30
	data := img()
	data[462+4] = 0x83
	binary.LittleEndian.PutUint32(data[462+8:], 256)
	binary.LittleEndian.PutUint32(data[462+12:], 100)
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for grow, want := range map[bool]string{true: "the root partition", false: "the space after the image"} {
		s, err := Open(t.Context(), image.From{Path: path, Grow: grow}, room, nil, when)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := s.Place(room - 1); got != want || s.Least() != int64(len(data)) || s.Place(64<<10) != "the FIRMWARE partition" {
			t.Errorf("grown %v: %s, %d bytes", grow, got, s.Least())
		}
	}
}

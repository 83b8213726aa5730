package kept

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"piwiz/nixgen/durable"
)

func TestOfEachPrefixTheNewestAreKept(t *testing.T) {
	dir := t.TempDir()
	prefix := filepath.Join(dir, "bach.")
	if all, err := All(filepath.Join(dir, "missing", "x")); err != nil || all != nil {
		t.Error(all, err)
	}
	for _, other := range []string{"bach-2.2020-01-01-000000", "bach"} {
		if err := os.Mkdir(filepath.Join(dir, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var made []string // in one second, and so with numbers
	for range 3 * Most {
		path, err := Free(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := Prune(durable.Disk{}, prefix); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		made = append(made, path)
	}
	all, err := All(prefix)
	if want := made[len(made)-Most:]; err != nil || !slices.Equal(all, want) {
		t.Errorf("%v\n%v\nwant %v", err, all, want)
	}
	if others, _ := filepath.Glob(filepath.Join(dir, "bach*")); len(others) != Most+2 {
		t.Errorf("another's are gone: %v", others)
	}
}

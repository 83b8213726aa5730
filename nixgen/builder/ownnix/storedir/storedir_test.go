package storedir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func path(c string) string { return Prefix + strings.Repeat(c, HashLen) + "-x" }

func TestStorePathsAreThoseOfNix(t *testing.T) {
	hash := strings.Repeat("0", HashLen)
	for p, want := range map[string]bool{
		Prefix + hash + "-a": true, Prefix + hash + "-glibc-2.41+x_=?.drv": true, Prefix + hash + "-" + strings.Repeat("n", 211): true,
		"": false, Prefix: false, hash + "-a": false, Prefix + hash: false, Prefix + hash + "-": false, Prefix + hash + "-a/bin": false,
		Prefix + hash + "-a\n": false, Prefix + hash + "-a b": false, Prefix + hash + "-..": true, // one name, with the hash before it
		Prefix + hash[1:] + "-a": false, Prefix + "e" + hash[1:] + "-a": false, Prefix + hash + "-" + strings.Repeat("n", 212): false,
		"/nix/store/../" + hash + "-a": false, "/tmp/" + hash + "-a": false, Prefix + hash + "-ä": false, Prefix + hash + "-\x00": false,
	} {
		if err := Check(p); (err == nil) != want {
			t.Errorf("%q: %v", p, err)
		}
	}
}

// begin makes a part with something read-only in it.
func begin(t *testing.T, store, path string) {
	t.Helper()
	part, err := Begin(store, path)
	if err == nil {
		err = errors.Join(os.Mkdir(part, 0o700), os.WriteFile(filepath.Join(part, "f"), nil, 0o444), os.Chmod(part, 0o555))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPathHasItsNameWhenItIsKeptAndAPartIsSwept(t *testing.T) {
	store := t.TempDir()
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(store, filepath.Base(path("0"))), 0o700) })
	begin(t, store, path("0"))
	begin(t, store, path("0")) // again, over what a dead run left
	begin(t, store, path("1"))
	if Has(store, path("0")) {
		t.Error("it is there before it is kept")
	}
	if err := errors.Join(Keep(store, path("0")), Sweep(store)); err != nil || !Has(store, path("0")) {
		t.Errorf("it is not kept: %v", err)
	}
	if left, _ := os.ReadDir(store); len(left) != 1 {
		t.Errorf("in the store are %v", left)
	}
	if err := Keep(store, path("2")); err == nil {
		t.Error("what is not there was kept")
	}
	if _, err := Begin(store, "/nix/store/evil"); err == nil {
		t.Error("a path that is none was begun")
	}
}

// A kill loses no more than a bounded part of what is verified.
func TestAShelfKeepsAfterSomeBytesOrSomeTime(t *testing.T) {
	store := t.TempDir()
	t.Cleanup(func() {
		for _, c := range []string{"0", "1", "2", "3"} {
			_ = os.Chmod(filepath.Join(store, filepath.Base(path(c))), 0o700)
		}
	})
	s := &Shelf{Store: store}
	put := func(c string, bytes int64) {
		t.Helper()
		begin(t, store, path(c))
		if err := s.Put(path(c), bytes); err != nil {
			t.Fatal(err)
		}
	}
	put("0", waitingBytes-1)
	if Has(store, path("0")) {
		t.Error("it is kept at once")
	}
	put("1", 1)
	if !Has(store, path("0")) || !Has(store, path("1")) {
		t.Error("they are not kept after so many bytes")
	}
	put("2", 1)
	s.last = s.last.Add(-waitingTime - time.Second)
	put("3", 1)
	if !Has(store, path("2")) || !Has(store, path("3")) {
		t.Error("they are not kept after some time")
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

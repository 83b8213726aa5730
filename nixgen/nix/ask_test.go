package nix

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestTheStoreSaysWhoConnects(t *testing.T) {
	type who struct{ daemon, direct, trusted, distrusted bool }
	for text, want := range map[string]who{
		`{"trusted":1,"url":"daemon","version":"2.26.3"}`:     {daemon: true, trusted: true},
		`{"trusted":0,"url":"daemon","version":"2.26.3"}`:     {daemon: true, distrusted: true},
		`{"trusted":true,"url":"unix:///nix/var/nix/socket"}`: {daemon: true, trusted: true},
		`{"trusted":false,"url":"daemon"}`:                    {daemon: true, distrusted: true},
		`{"url":"local"}`:                                     {direct: true},
		`{"trusted":1,"url":"local"}`:                         {direct: true, trusted: true},
	} {
		var s Store
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := (who{s.Daemon(), s.Direct(), s.Trusted(), s.Distrusted()}); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

// TestAnOlderNixIsAskedByTheOlderName has a nix that says of the newer one what
// Nix 2.18 does.
func TestAnOlderNixIsAskedByTheOlderName(t *testing.T) {
	dir := t.TempDir()
	old := "#!/bin/sh\ncase \"$*\" in\n*'store ping --json') echo '{\"trusted\":1,\"url\":\"daemon\"}' ;;\n*) echo \"error: 'info' is not a recognised command\" >&2; exit 1 ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "nix"), []byte(old), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if s, said, err := AskStore(t.Context()); err != nil || !s.Daemon() || !s.Trusted() {
		t.Errorf("%+v, %q, %v", s, said, err)
	}
	never := "#!/bin/sh\necho \"error: 'x' is not a recognised command\" >&2; exit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "nix"), []byte(never), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := AskStore(t.Context()); err == nil {
		t.Error("a Nix that knows neither name is no error")
	}
}

func FuzzStore(f *testing.F) {
	f.Add([]byte(`{"trusted":1,"url":"daemon"}`))
	f.Add([]byte(`{"trusted":false,"url":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Store
		if json.Unmarshal(b, &s) == nil && s.Trusted() && s.Distrusted() {
			t.Errorf("%q is trusted and is not", b)
		}
	})
}

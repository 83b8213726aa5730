package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/origin"
	"piwiz/nixgen/wifi"
)

func TestWhatMayBeAMistakeNeedsAYes(t *testing.T) {
	u := newPerson(t)
	zero := strings.Replace(goodAnswers, `"4"`, `"zero2w"`, 1)
	file := u.file("my pi.toml", zero)
	out, stderr, code := u.piwiz("build", file)
	command := "piwiz build '" + file + "' --confirm no-network=zero2w"
	if code != refused || !strings.Contains(stderr, "no network port") || !strings.Contains(stderr, command) {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	// A yes on the command line, or in the file, lets it go on: there is no Nix.
	for _, args := range [][]string{{"build", file, "--confirm", "no-network=zero2w"}, {"build", u.file("yes.toml", zero+"confirmed = [\"no-network=zero2w\"]\n")}} {
		if _, stderr, code := u.piwiz(args...); code == refused || code == 0 || strings.Contains(stderr, "must be confirmed first") {
			t.Errorf("%v: exit code %d\n%s", args, code, stderr)
		}
	}
	// One for something else does not.
	if _, stderr, code := u.piwiz("build", file, "--confirm", "no-network=3"); code != refused {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if name := engine.Computer(); name != "" {
		if canonical, complaint := nixgen.CheckName(name); complaint == "" {
			mine := u.file("mine.toml", strings.Replace(goodAnswers, "bach", canonical, 1))
			if _, stderr, code := u.piwiz("build", mine); code != refused || !strings.Contains(stderr, "this computer already has it") {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
			u.has("bach")
			for _, args := range [][]string{{"hosts", "rename", "bach", canonical}, {"hosts", "import", "none.age", "--as", canonical}} {
				if _, stderr, code := u.piwiz(args...); code != failed || !strings.Contains(stderr, "this computer already has it") {
					t.Errorf("%v: exit code %d\n%s", args, code, stderr)
				}
			}
		}
	}
}

func silence(context.Context, string) []string { return nil }

func TestANameThatAnswersIsNotTakenForANewHost(t *testing.T) {
	answers := func(context.Context, string) []string { return []string{"10.0.0.7"} }
	h := hostfile.Saved{Host: nixgen.Host{Name: "bach", Board: nixgen.Zero2W}}
	_, err := sure(t.Context(), h, "bach.toml", nil, answers)
	headline, hints := explain(err)
	if codeOf(err) != refused || !strings.Contains(headline, "10.0.0.7") || !strings.Contains(strings.Join(hints, " "), "piwiz build bach.toml --confirm no-network=zero2w --confirm name-taken=bach") {
		t.Errorf("%d %s %q", codeOf(err), headline, hints)
	}
	if _, err := sure(t.Context(), h, "bach.toml", []string{"no-network=zero2w"}, answers); err == nil || strings.Contains(err.Error(), "network port") {
		t.Errorf("a yes to one of two: %v", err)
	}
	h.Host.Board = nixgen.Pi4
	if _, err := sure(t.Context(), h, "bach.toml", []string{"name-taken=bach"}, answers); err != nil {
		t.Error(err)
	}
	if _, err := sure(t.Context(), h, "bach.toml", nil, silence); err != nil {
		t.Error(err)
	}
	h.Folder = "/somewhere" // it is the Pi itself
	if _, err := sure(t.Context(), h, "bach", nil, answers); err != nil {
		t.Error(err)
	}
}

func TestAYesIsSavedWithTheHost(t *testing.T) {
	store := hostfile.Store{Dir: t.TempDir()}
	h := nixgen.Host{Name: "bach", Board: nixgen.Zero2W, User: "alice", Keys: []string{strings.Split(goodAnswers, `"`)[7]}, Confirmed: []string{"no-network=zero2w", "no-country"}}
	s, err := sure(t.Context(), hostfile.Saved{Host: h}, "bach", nil, silence)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = engine.With(store).Save(s); err != nil {
		t.Fatal(err)
	}
	got, err := store.Load("bach")
	if err != nil || len(got.Host.Confirmed) != 1 || got.Host.StateVersion != nixgen.Release {
		t.Fatalf("%+v, %v", got.Host, err)
	}
	if _, err := sure(t.Context(), got, "bach", nil, silence); err != nil {
		t.Errorf("asked again: %v", err)
	}
}

// withImage is somebody with a saved host that has an image, in no Nix store.
func withImage(t *testing.T) (person, hostfile.Store) {
	t.Helper()
	u := newPerson(t)
	store := u.has("bach")
	product := u.file("product/card.img", strings.Repeat("x", 4096))
	for _, dir := range []string{"product", "other"} {
		u.file(dir+"/nix-support/hydra-build-products", "file sd-image "+product+"\n")
	}
	if err := os.Symlink(filepath.Join(u.home, "product"), store.Path("bach", "result")); err != nil {
		t.Fatal(err)
	}
	return u, store
}

func TestAnImageOfOtherAnswersIsNotWritten(t *testing.T) {
	u, store := withImage(t)
	try := func() (string, bool) {
		t.Helper()
		_, stderr, code := u.piwiz("flash", "bach", "/dev/nothing", "--yes")
		if code == refused && !strings.Contains(stderr, "piwiz build bach") {
			t.Errorf("no way out: %s", stderr)
		}
		s, err := store.Load("bach")
		if err != nil {
			t.Fatal(err)
		}
		_, err = engine.With(store).Built(s.Host)
		if codeOf(err) != code && (codeOf(err) == refused || code == refused) {
			t.Errorf("the wizard: %v, the verb: %d", err, code)
		}
		return stderr, code == refused
	}
	if said, no := try(); !no || !strings.Contains(said, "not known") {
		t.Errorf("an image of unknown origin: %s", said)
	}
	bind := func() {
		t.Helper()
		s, err := store.Load("bach") // as a build begins
		if err == nil {
			s, err = engine.With(store).Save(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		from, err := origin.Of(store.Path(s.Host.Name), s.Host)
		if err == nil {
			err = origin.Bind(store.Path("bach"), from)
		}
		if err != nil {
			t.Fatal(err)
		}
		if said, no := try(); no {
			t.Fatalf("right after the build: %s", said)
		}
	}
	write := func(name, text string) func() error {
		return func() error {
			path := store.Path("bach", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			return os.WriteFile(path, []byte(text), 0o600)
		}
	}
	answers := func(change func(*hostfile.Saved)) func() error {
		return func() error {
			s, err := store.Load("bach")
			if err == nil {
				change(&s)
				_, err = engine.With(store).Save(s)
			}
			return err
		}
	}
	edit := func(old, now string) func() error {
		return func() error {
			b, err := os.ReadFile(store.Path("bach", "host.toml"))
			if err != nil {
				return err
			}
			return os.WriteFile(store.Path("bach", "host.toml"), []byte(strings.Replace(string(b), old, now, 1)), 0o600)
		}
	}
	for _, c := range []struct {
		what   string
		change func() error
		other  bool
	}{
		{"the board", answers(func(s *hostfile.Saved) { s.Host.Board = nixgen.Pi3 }), true},
		{"host.toml, by hand", edit("alice", "albert"), true},
		{"the order of networks", answers(func(s *hostfile.Saved) {
			s.Host.Networks = append([]nixgen.Network{{SSID: "first", Security: wifi.Open}}, s.Host.Networks...)
		}), true},
		{"the release", edit("release = '26.05'", "release = '26.11'"), true},
		{"the user's own file", write("flake/configuration.nix", "{ }"), true},
		{"a file that it imports", write("flake/more/web.nix", "{ }"), true},
		{"the lock", write("flake/flake.lock", "{}"), true},
		{"the right to run a script", func() error {
			if err := write("flake/run.sh", "x")(); err != nil {
				return err
			}
			bind()
			return os.Chmod(store.Path("bach", "flake/run.sh"), 0o700)
		}, true},
		{"another result", func() error {
			_ = os.Remove(store.Path("bach", "result"))
			return os.Symlink(filepath.Join(u.home, "other"), store.Path("bach", "result"))
		}, true},
		{"a corrected password", answers(func(s *hostfile.Saved) {
			s.PSK = map[string]wifi.Secret{"Home Net": wifi.NewSecret(strings.Repeat("1f", 32))}
		}), false},
		{"a yes", edit("keys =", "confirmed = ['no-country']\nkeys ="), false},
		{"host.toml written another way", edit("name = 'bach'", "# mine\nname  =  \"bach\""), false},
		{"what git keeps", write("flake/.git/index", "x"), false},
		{"what an editor keeps", write("flake/.configuration.nix.swp", "x"), false},
		{"the log", write("build.log", "x"), false},
		{"piwiz.nix", write("flake/piwiz.nix", "{ }"), true},
	} {
		if err := c.change(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if said, no := try(); no != c.other {
			t.Errorf("%s: refused %v: %s", c.what, no, said)
		}
		bind()
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/answers"
	"piwiz/nixgen/wifi"
)

// has saves a host of this person, as the wizard does.
func (u person) has(name string) hostfile.Store {
	u.t.Helper()
	store := hostfile.Store{Dir: filepath.Join(u.home, "data/piwiz/hosts")}
	h, err := answers.ReadHost(strings.NewReader(withWifi))
	if err != nil {
		u.t.Fatal(err)
	}
	h.Name = name
	if _, err := engine.With(store).Save(hostfile.Saved{Host: h, PSK: map[string]wifi.Secret{"Home Net": wifi.NewSecret(strings.Repeat("0f", 32))}}); err != nil {
		u.t.Fatal(err)
	}
	return store
}

func TestALostHostKeyIsNotMadeAnewWithoutAYes(t *testing.T) {
	u := newPerson(t)
	store := u.has("bach")
	key := store.Path("bach", "secrets", "ssh_host_ed25519_key")
	for how, spoil := range map[string]func() error{
		"missing": func() error { return os.Remove(key) },
		"damaged": func() error { return os.WriteFile(key, []byte("nonsense"), 0o600) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		for _, verb := range [][]string{{"build", "bach"}, {"build", u.file("bach.toml", withWifi)}, {"flash", "bach", "/dev/null"}, {"wait", "bach"}} {
			_, stderr, code := u.piwiz(verb...)
			if code != refused || !strings.Contains(stderr, key) || !strings.Contains(stderr, "piwiz build bach --new-key") {
				t.Errorf("%s, %v: exit code %d\n%s", how, verb, code, stderr)
			}
		}
		if out, _, _ := u.piwiz("hosts"); !strings.Contains(out, key) {
			t.Errorf("%s: not named when listed:\n%s", how, out)
		}
		if b, _ := os.ReadFile(key); len(b) > 100 {
			t.Errorf("%s: there is a new key", how)
		}
		s, err := store.Load("bach")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := engine.With(store).Save(s); err == nil {
			t.Errorf("%s: the wizard makes a new key without a yes", how)
		}
		s.NewKey = true
		if s, err = engine.With(store).Save(s); err != nil || s.Identity.IsZero() || how == "damaged" && s.Kept == "" {
			t.Errorf("%s: %v %q", how, err, s.Kept)
		}
	}
}

func TestASavedNameKeepsItsKeyWhateverTheAnswersComeFrom(t *testing.T) {
	u := newPerson(t)
	store := u.has("bach")
	was, err := store.Load("bach")
	if err != nil {
		t.Fatal(err)
	}
	other, err := engine.With(hostfile.Store{Dir: t.TempDir()}).Save(hostfile.Saved{Host: nixgen.Host{Name: "bach", Board: "4", User: "bob", Keys: was.Host.Keys}})
	if err != nil {
		t.Fatal(err)
	}
	if other.Identity.Fingerprint() == was.Identity.Fingerprint() {
		t.Fatal("two hosts have one key")
	}
	got, err := engine.With(store).Save(other)
	if err != nil || got.Identity.Fingerprint() != was.Identity.Fingerprint() {
		t.Errorf("%v: the host has another key now", err)
	}
}

func TestAllThatIsWrongWithAHostIsSaidAtOnce(t *testing.T) {
	u := newPerson(t)
	store := u.has("bach")
	for _, f := range []string{"secrets/wifi.toml", "secrets/ssh_host_ed25519_key"} {
		if err := os.Remove(store.Path("bach", f)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(store.Path("bach", "secrets"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, stderr, code := u.piwiz("build", "bach")
	for _, want := range []string{"secrets/wifi.toml: it is missing", `"Home Net"`, "the host key is missing", "--new-key", "chmod -R go= ", "Wi-Fi page"} {
		if !strings.Contains(out+stderr, want) {
			t.Errorf("%q is not said, exit code %d\n%s%s", want, code, out, stderr)
		}
	}
}

func TestNothingIsSavedWhereNothingCanBuildIt(t *testing.T) {
	u := newPerson(t)
	_, stderr, code := u.piwiz("build", u.file("bach.toml", goodAnswers))
	if _, err := os.Stat(filepath.Join(u.home, "data/piwiz/hosts/bach")); code == 0 || err == nil {
		t.Errorf("exit code %d, saved all the same\n%s", code, stderr)
	}
}

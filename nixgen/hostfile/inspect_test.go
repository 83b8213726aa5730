package hostfile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/layout"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// damage is one thing that can be wrong with a saved host.
type damage struct {
	name  string
	part  string // what it is done to; two faults of one part exclude each other
	spoil func(s Store) error
	says  string
	kind  inspect.Kind
	// The answers cannot be used, and so the host cannot be loaded.
	breaks bool
}

// blind tells whether it can be seen only with the answers.
func (f damage) blind() bool {
	return f.name == "another key" || f.name == "wifi without it" || f.name == "wifi of another" || f.name == "wifi too short"
}

func faults(t *testing.T) []damage {
	other, err := keypair.ForHost("bach")
	must(t, err)
	remove := func(part string) func(Store) error {
		return func(s Store) error { return os.RemoveAll(s.Path("bach", part)) }
	}
	write := func(part, text string) func(Store) error {
		return func(s Store) error { return os.WriteFile(s.Path("bach", part), []byte(text), 0o600) }
	}
	replace := func(part, old, text string) func(Store) error {
		return func(s Store) error {
			b, err := os.ReadFile(s.Path("bach", part))
			if err != nil {
				return err
			}
			return os.WriteFile(s.Path("bach", part), bytes.Replace(b, []byte(old), []byte(text), 1), 0o600)
		}
	}
	link := func(part string) func(Store) error {
		return func(s Store) error {
			elsewhere := filepath.Join(filepath.Dir(s.Dir), "elsewhere-"+filepath.Base(part))
			if err := os.Rename(s.Path("bach", part), elsewhere); err != nil {
				return err
			}
			return os.Symlink(elsewhere, s.Path("bach", part))
		}
	}
	pipe := func(part string) func(Store) error {
		return func(s Store) error {
			_ = os.RemoveAll(s.Path("bach", part))
			return syscall.Mkfifo(s.Path("bach", part), 0o600)
		}
	}
	mode := func(part string, mode os.FileMode) func(Store) error {
		return func(s Store) error { return os.Chmod(s.Path("bach", part), mode) }
	}
	large := strings.Repeat("# much\n", 100_000)
	return []damage{
		{"answers missing", "host.toml", remove("host.toml"), "host.toml: it is missing", inspect.Stop, true},
		{"answers damaged", "host.toml", write("host.toml", "name = \"bach\"\nboard = [\n"), "host.toml: line 2, ", inspect.Stop, true},
		{"answers unknown key", "host.toml", write("host.toml", "name = \"bach\"\npasswort = \"x\"\n"), "passwort", inspect.Stop, true},
		{"answers large", "host.toml", write("host.toml", large), "larger than", inspect.Stop, true},
		{"answers linked", "host.toml", link("host.toml"), "host.toml: it is a link, to ", inspect.Stop, true},
		{"answers a pipe", "host.toml", pipe("host.toml"), "host.toml: it is not a regular file", inspect.Stop, true},
		{"another's name", "host.toml", replace("host.toml", "bach", "mozart"), "it is about \"mozart\"", inspect.Stop, true},
		{"a name in capitals", "host.toml", replace("host.toml", "name = 'bach'", "name = 'Bach'"), "it is about \"Bach\"", inspect.Stop, true},
		{"no board", "host.toml", replace("host.toml", "board = '4'", "board = '9'"), "board: ", inspect.Stop, false},
		{"another key", "secrets/ssh_host_ed25519_key", write(layout.Key, string(other.Reveal())), "not the host key that host.toml names", inspect.Stop, false},
		{"key missing", "secrets/ssh_host_ed25519_key", remove(layout.Key), "the host key is missing", inspect.NoKey, false},
		{"key damaged", "secrets/ssh_host_ed25519_key", write(layout.Key, "-----BEGIN"), "the host key is damaged", inspect.NoKey, false},
		{"key empty", "secrets/ssh_host_ed25519_key", write(layout.Key, ""), "the host key is damaged", inspect.NoKey, false},
		{"key linked", "secrets/ssh_host_ed25519_key", link(layout.Key), "ssh_host_ed25519_key: it is a link, to ", inspect.Stop, false},
		{"key a pipe", "secrets/ssh_host_ed25519_key", pipe(layout.Key), "ssh_host_ed25519_key: it is not a regular file", inspect.NoKey, false},
		{"another public half", "pub", write(layout.Key+".pub", other.PublicLine()), "not the public half", inspect.Note, false},
		{"wifi missing", "secrets/wifi.toml", remove(layout.Wifi), "wifi.toml: it is missing, and with it ", inspect.NoPassword, false},
		{"wifi damaged", "secrets/wifi.toml", write(layout.Wifi, "[[networks]]\nssid = 'x'\nsecret = 'hidden words\n"), "wifi.toml: line 3, ", inspect.NoPassword, false},
		{"wifi without it", "secrets/wifi.toml", write(layout.Wifi, ""), "it has no Wi-Fi password for ", inspect.NoPassword, false},
		{"wifi of another", "secrets/wifi.toml", replace(layout.Wifi, "ssid = ", "ssid = 'x'\n#"), `password for "x", which is not a network`, inspect.Note, false},
		{"wifi too short", "secrets/wifi.toml", replace(layout.Wifi, strings.Repeat("0f", 32), "0f"), "this Wi-Fi password is damaged", inspect.NoPassword, false},
		{"wifi twice", "secrets/wifi.toml", write(layout.Wifi, strings.Repeat("[[networks]]\nssid = 'x'\n", 2)), `"x" is in it twice`, inspect.NoPassword, false},
		{"wifi linked", "secrets/wifi.toml", link(layout.Wifi), "wifi.toml: it is a link, to ", inspect.Stop, false},
		{"wifi a folder", "secrets/wifi.toml", func(s Store) error {
			return errors.Join(os.Remove(s.Path("bach", layout.Wifi)), os.Mkdir(s.Path("bach", layout.Wifi), 0o700))
		}, "wifi.toml: it is not a regular file", inspect.NoPassword, false},
		{"secrets missing", "secrets", remove("secrets"), "the host key is missing", inspect.NoKey, false},
		{"secrets linked", "secrets", link("secrets"), "secrets: it is a link, to ", inspect.Stop, false},
		{"flake linked", "flake", link("flake"), "flake: it is a link, to ", inspect.Stop, false},
		{"flake missing", "flake", remove("flake"), "your own file is missing", inspect.Note, false},
		{"secrets for all", "mode", mode("secrets", 0o755), "may read the secrets in ./secrets", inspect.Note, false},
		{"a secret for the group", "mode", mode(layout.Wifi, 0o640), "may read the secrets in ./secrets/wifi.toml", inspect.Note, false},
		{"flake for all to change", "mode flake", mode("flake", 0o777), "may change ./flake", inspect.Note, false},
		{"half a secret", "left secrets", write("secrets/.new-123", "x"), ".new-123: this is left over", inspect.Note, false},
		{"half a file", "left flake", write("flake/.new-123", "x"), ".new-123: this is left over", inspect.Note, false},
		{"a copy of an editor", "left editor", write("secrets/wifi.toml~", "x"), "wifi.toml~: this is left over", inspect.Note, false},
		{"a save that was stopped", "left save", func(s Store) error { return os.Mkdir(filepath.Join(s.Dir, layout.Staging+"bach"), 0o700) }, "left over from a piwiz that was stopped", inspect.Note, false},
		{"a twin", "twin", func(s Store) error { return os.Mkdir(s.Path("Bach"), 0o700) }, "differs", inspect.Note, false},
		{"a stranger", "stranger", func(s Store) error { return os.Mkdir(s.Path("not_a host"), 0o700) }, "not a valid host name", inspect.Note, false},
		{"a file", "file", func(s Store) error { return os.WriteFile(s.Path("notes"), nil, 0o600) }, "this is not the folder of a host", inspect.Note, false},
	}
}

// one is a saved host bach.
func one(t *testing.T) Store {
	t.Helper()
	s := Store{Dir: filepath.Join(quickDir(t), "data", "hosts")}
	_, err := s.Save(saved(t, "bach"), flakeOf("1"))
	must(t, err)
	return s
}

// excludes tells whether two faults cannot be seen together.
func excludes(a, b damage) bool {
	in := func(a, b damage) bool { return strings.HasPrefix(a.part, b.part) }
	outer := func(a damage) bool { return a.part == "secrets" || a.part == "flake" }
	inner := func(f damage) bool {
		return strings.Contains(f.part, "secrets") || f.part == "pub" || f.part == "mode" || strings.Contains(f.part, "flake") || f.part == "left editor"
	}
	return in(a, b) || in(b, a) || outer(a) && inner(b) || outer(b) && inner(a) ||
		a.blind() && b.breaks || b.blind() && a.breaks ||
		a.part == layout.Key && b.part == "pub" || b.part == layout.Key && a.part == "pub" || // compared with each other
		a.part == "mode" && inner(b) || b.part == "mode" && inner(a) // writing makes a new file, or a mode again
}

func TestAllThatIsMissingOrForeignIsNamed(t *testing.T) {
	all, r := faults(t), rand.New(rand.NewPCG(1, 2))
	var sets [][]damage
	for i, a := range all {
		sets = append(sets, []damage{a})
		for _, b := range all[:i] {
			if !excludes(a, b) && r.IntN(4) == 0 {
				sets = append(sets, []damage{a, b})
			}
		}
	}
	for range 60 { // and as many at once as go together
		var set []damage
		for _, i := range r.Perm(len(all)) {
			ok := true
			for _, f := range set {
				ok = ok && !excludes(f, all[i])
			}
			if ok {
				set = append(set, all[i])
			}
		}
		sets = append(sets, set)
	}
	for _, set := range sets {
		isNamed(t, set)
	}
	t.Logf("%d sets of faults", len(sets))
}

func isNamed(t *testing.T, set []damage) {
	t.Helper()
	s := one(t)
	breaks, names := false, ""
	for _, f := range set {
		if err := f.spoil(s); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		breaks = breaks || f.breaks
		names += f.name + ", "
	}
	found, problems, err := s.List()
	must(t, err)
	var said strings.Builder
	for _, h := range found {
		problems = append(problems, h.Problems...)
	}
	for _, p := range problems {
		if len(p.Todo) == 0 {
			t.Errorf("%s: no remedy for %v", names, p)
		}
		fmt.Fprintf(&said, "%d %v\n", p.Kind, p)
	}
	if strings.Contains(said.String(), "hidden words") || strings.Contains(said.String(), "0f0f") {
		t.Errorf("%s: a secret is said:\n%s", names, &said)
	}
	for _, f := range set {
		if f.says != "" && !strings.Contains(said.String(), f.says) {
			t.Errorf("%s: %s is not named:\n%s", names, f.name, &said)
		}
		if i := strings.Index(said.String(), f.says); f.says != "" && i >= 0 {
			line := said.String()[:i]
			if line = line[strings.LastIndexByte(line, '\n')+1:]; !strings.HasPrefix(line, fmt.Sprint(int(f.kind))) && len(set) == 1 {
				t.Errorf("%s: of another kind:\n%s", f.name, &said)
			}
		}
	}
	h, err := s.Load("bach")
	if (err != nil) != breaks || breaks != (len(found) == 0) {
		t.Errorf("%s: loading it: %v", names, err)
	}
	if err == nil && h.Usable() == nil && (h.Identity.IsZero() || len(h.PSK) == 0) {
		t.Errorf("%s: it counts as usable", names)
	}
}

func TestAFolderThatIsALinkIsNamedAndNothingIsWrittenThroughIt(t *testing.T) {
	s := one(t)
	elsewhere := filepath.Join(filepath.Dir(s.Dir), "elsewhere")
	must(t, os.Rename(s.Path("bach"), elsewhere))
	must(t, os.Symlink(elsewhere, s.Path("bach")))
	was := picture(t, elsewhere)
	found, problems, err := s.List()
	if err != nil || len(found) != 0 || len(problems) == 0 || !strings.Contains(problems[0].Error(), "it is a link, to "+elsewhere) {
		t.Errorf("%v %v %v", found, problems, err)
	}
	if _, err := s.Save(saved(t, "bach"), flakeOf("2")); err == nil || picture(t, elsewhere) != was {
		t.Errorf("written through it: %v", err)
	}
	needs(t, "sh", "rm", "cp")
	// The remedy is a command that works.
	command := problems[0].Todo[0]
	command = command[strings.Index(command, "Run: ")+5:]
	if out, err := exec.Command("sh", "-ec", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", command, err, out)
	}
	if h, err := s.Load("bach"); err != nil || len(h.Problems) > 0 {
		t.Errorf("%v %v", err, h.Problems)
	}
}

// hintsOf are all hints of an error, one a line.
func hintsOf(err error) string {
	var h interface{ Hints() []string }
	if !errors.As(err, &h) {
		return ""
	}
	return strings.Join(h.Hints(), "\n")
}

// What is done about a link depends on what it leads to, and works.
func TestTheRemedyForALinkWorks(t *testing.T) {
	s := one(t)
	path := s.Path("bach", layout.Answers)
	away := filepath.Join(filepath.Dir(s.Dir), "away")
	must(t, os.Rename(path, away))
	must(t, os.Symlink(away, away+"2"))
	must(t, os.Symlink(away+"2", path)) // a link to a link
	_, command, _ := strings.Cut(hintsOf(inspect.Linked(s.Dir, "bach")), "Run: ")
	if out, err := exec.Command("sh", "-ec", command).CombinedOutput(); err != nil {
		t.Errorf("%s: %v %s", command, err, out)
	}
	if h, err := s.Load("bach"); err != nil || len(h.Problems) > 0 {
		t.Error(err, h.Problems)
	}

	must(t, os.Remove(path))
	must(t, os.Symlink("nowhere", path))
	if hints := hintsOf(inspect.Linked(s.Dir, "bach")); strings.Contains(hints, "cp ") || !strings.Contains(hints, "hosts import FILE --replace") {
		t.Error(hints)
	}
}

// Every refusal says what is wrong and ends in something to do.
func TestWhatIsNoFolderOfAHostIsNotForgotten(t *testing.T) {
	s := one(t)
	must(t, os.WriteFile(s.Path("file"), nil, 0o600))
	must(t, os.Symlink("nowhere", s.Path("link")))
	for _, name := range []string{"file", "link"} {
		err := s.Forget(name)
		if err == nil || !strings.Contains(err.Error(), s.Path(name)) || !strings.Contains(hintsOf(err), s.Path(name)) {
			t.Errorf("%s: %v\n%s", name, err, hintsOf(err))
		}
	}
	must(t, os.Mkdir(s.Path("haydn"), 0o700))
	must(t, os.Mkdir(s.Path("haydn", layout.Answers), 0o700))
	if _, err := s.Load("haydn"); err == nil || strings.Contains(hintsOf(err), "editor") || !strings.Contains(hintsOf(err), "mv ") {
		t.Errorf("%v\n%s", err, hintsOf(err))
	}
}

func TestFilesOfAnotherUserAreNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs root to give a file away")
		}
		t.Skip("needs root to give a file away")
	}
	s := one(t)
	must(t, os.Chown(s.Path("bach", layout.Wifi), 12345, 12345))
	h, err := s.Load("bach")
	if err != nil || len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), "another user's: ./secrets/wifi.toml") {
		t.Errorf("%v %v", err, h.Problems)
	}
}

// TestAnyHostComesBackAsItWasSaved saves hosts of all shapes that are allowed.
func TestAnyHostComesBackAsItWasSaved(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	for i := range 80 {
		h := saved(t, pick("bach", "a", "x-1", strings.Repeat("n", 63)))
		h.Host.User = pick("alice", "_x", "a-b_c")
		h.Host.Country, h.Host.TimeZone = pick("", "DE"), pick("", "Europe/Berlin", "Etc/GMT+1")
		h.Host.Locale, h.Host.Keymap = pick("", "de_DE.UTF-8"), pick("", "de-latin1")
		h.Host.Networks, h.PSK = nil, map[string]wifi.Secret{}
		for range r.IntN(5) {
			n := nixgen.Network{SSID: ssid(r), Hidden: r.IntN(2) == 0, Security: wifi.Security(pick("wpa2", "wpa3", "open"))}
			if _, twice := h.PSK[n.SSID]; twice {
				continue
			}
			h.Host.Networks = append(h.Host.Networks, n)
			switch n.Security {
			case wifi.WPA2:
				h.PSK[n.SSID] = wifi.NewSecret(fmt.Sprintf("%064x", r.Uint64()))
			case wifi.WPA3:
				h.PSK[n.SSID] = wifi.NewSecret("p" + pick(`"`, "'''", `\`, "ü", "[[networks]]", "= ") + "w")
			default:
				h.PSK[n.SSID] = wifi.Secret{}
			}
		}
		if p := h.Host.Problems(); len(p) > 0 {
			t.Fatalf("the test makes a host with problems: %v", p)
		}
		_, err := s.Save(h, flakeOf(fmt.Sprint(i)))
		must(t, err)
		got, err := s.Load(h.Host.Name)
		if err != nil || len(got.Problems) > 0 {
			t.Fatalf("%+v: %v %v", h.Host, err, got.Problems)
		}
		for name, secret := range h.PSK {
			if got.PSK[name].Reveal() != secret.Reveal() {
				t.Errorf("the password of %q is %q", name, got.PSK[name].Reveal())
			}
		}
		if fmt.Sprint(got.Host) != fmt.Sprint(h.Host.Born()) || got.Identity.PublicLine() != h.Identity.PublicLine() {
			t.Errorf("got  %v\nwant %v", got.Host, h.Host)
		}
	}
}

// ssid is a network name of up to 32 bytes of any text.
func ssid(r *rand.Rand) string {
	words := []string{"Home", " ", `"`, `\`, "'", "#", "=", "ü", "网", "😀", "[", "\u00a0", "$", "{"}
	out := ""
	for range 1 + r.IntN(6) {
		out += words[r.IntN(len(words))]
	}
	if out = strings.TrimSpace(out); out == "" || len(out) > 32 {
		return "x"
	}
	return out
}

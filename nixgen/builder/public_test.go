package builder

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/builder/container"
	"piwiz/nixgen/builder/remote"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
)

// public is a failure that somebody met and asked about in public: what the
// programs said, as Nix writes it for programs, and what helps against it.
type public struct {
	Source string   // address of the question
	Ran    string   // local, container, or remote:HOST
	Cause  string   // as it turned out
	Advice bool     // there is something to do; otherwise the words of the programs are all there is
	Says   []string // patterns: the explanation has them all
	About  []string // subjects that the advice may have; about any other it would mislead
	Lines  []string
}

// subjects are what advice can be about, by words that only such advice has.
var subjects = map[string]string{
	"disk":     `(?i)disk of .{0,40}is full|nix-collect-garbage|df -h`,
	"memory":   `(?i)not enough memory|free -h|was killed|out of memory`,
	"emulator": `(?i)no emulator is registered|emulator is registered, but|boot\.binfmt\.emulatedSystems = \[`,
	"qemu":     `(?i)\(QEMU\) (crashed|is too old)`,
	"platform": `extra-platforms`,
	"trust":    `(?i)does not trust you|trusted-users|trusted-substituters`,
	"sandbox":  `(?i)sandbox = |apparmor_restrict|--privileged|max_user_namespaces`,
	"daemon":   `(?i)\(nix-daemon\) (is not running|closes the connection|went away)|journalctl -u nix-daemon|usermod`,
	"builder":  `(?i)other computer|sudo ssh`,
	"network":  `(?i)on the internet|curl -I|log in to the network|wait an hour|grep -i proxy`,
	"clock":    `(?i)\bclock\b|timedatectl`,
	"config":   `(?i)(take|remove|put|fix|correct|change)\b.{0,80}configuration\.nix`,
	"image":    `(?i)file system of the card came out`,
	"firmware": `firmwareSize`,
	"jobs":     `max-jobs = `,
	"store":    `nix-store --verify|--repair`,
	"cache":    `rm (-r |-rf )?~/\.cache/nix`,
	"lock":     `(?i)flake\.lock|flake update`,
	"module":   `allowMissingModules`,
	"bug":      `(?i)report it where you got piwiz`,
	"git":      `git add|install git`,
	"old":      `(?i)nix is too old`,
}

// elsewhere is what would send a person to the wrong computer.
var elsewhere = map[string]string{
	"remote":    `(?i)disk of this computer`,
	"container": `/etc/nix/nix\.conf|systemctl|usermod|--privileged`,
}

// builder is where the failure happened.
func (p public) builder() Builder {
	where, host, _ := strings.Cut(p.Ran, ":")
	switch where {
	case "remote":
		return remote.Builder{Machines: []remote.Machine{remote.Machine("ssh-ng://" + strings.ReplaceAll(host, " ", "-"))}, Alone: true}
	case "container":
		return container.Builder{Engine: container.Engine{Name: "podman", Image: "docker.io/nixos/nix"}}
	}
	return local("")
}

// explained is what piwiz says of the failure.
func (p public) explained(t *testing.T) *Error {
	t.Helper()
	w := follow.New(forecast.Times{}, nil)
	hear(t, w, strings.NewReader(strings.Join(p.Lines, "\n")))
	err, ok := errors.AsType[*Error](Request{Flake: "/home/me/flake", Builder: p.builder()}.explain(w, errors.New("exit status 1")))
	if !ok {
		t.Fatalf("%s: not explained", p.Source)
	}
	return err
}

// verdict is right; none when nothing helpful is said; or wrong, with the
// subject that misleads.
func (p public) verdict(e *Error) string {
	advice := strings.Join(append([]string{e.Headline}, e.Hints()...), "\n")
	for name, words := range subjects {
		if !slices.Contains(p.About, name) && regexp.MustCompile(words).MatchString(advice) {
			return "wrong: " + name
		}
	}
	where, _, _ := strings.Cut(p.Ran, ":")
	if words := elsewhere[where]; words != "" && regexp.MustCompile(words).MatchString(advice) {
		return "wrong: place"
	}
	for _, words := range p.Says {
		if !regexp.MustCompile(words).MatchString(advice + "\n" + e.Why) {
			return "none"
		}
	}
	if p.Advice && e.Known == "" {
		return "none"
	}
	return "right"
}

func TestWhatPeopleAskedInPublicIsExplained(t *testing.T) {
	files, err := filepath.Glob("testdata/public/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			all, right := 0, 0
			for _, p := range asked(t, file) {
				e := p.explained(t)
				v := p.verdict(e)
				t.Logf("%-14s %-9s %-18s %s\n\t%s\n\t%s", v, strings.SplitN(p.Ran, ":", 2)[0], e.Known, p.Source, p.Cause, e.Headline)
				all++
				switch {
				case v == "right":
					right++
				case strings.HasPrefix(v, "wrong"):
					t.Errorf("%s: %s\n%s\n%q", p.Source, v, e, e.Hints())
				}
			}
			if right*100 < all*85 {
				t.Errorf("%d of %d are explained", right, all)
			}
		})
	}
}

func asked(t *testing.T, file string) (all []public) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var p public
		if err := json.Unmarshal(s.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

package diagnose

import (
	"regexp"
	"strings"
	"unicode"
)

// Where is which computer Nix ran on, and which ones built for it.
type Where struct {
	Hosts  []string // other computers that build, as ssh wants them: USER@HOST; none when this one builds
	Mixed  bool     // this computer builds as well
	Engine string   // docker or podman when Nix runs in its container, "" else
	Own    string   // folder of piwiz's own Nix when that builds, "" else
}

// side is which computer the words of a row are about.
type side int

const (
	anySide side = iota // none: they are the same wherever it ran
	builds              // the one that builds
	ran                 // the one that builds when a step failed, else this one
	either              // the same, but without a step nobody can tell
	spoke               // the one that said it
)

// instead are the words of a row where the usual ones would be wrong.
type instead struct {
	headline string
	why      string
	do       []string
}

// there is the other computer that a failure is about, "" for this one. sure
// says that it cannot be this one.
func (s Seen) there(r *row, drv string, log bool) (host string, sure bool) {
	switch {
	case r.side == anySide:
		return "", false
	case r.side == spoke || s.speaker != "":
		return s.speaker, true
	}
	if m := Host(s.Machines[drv]); m != "" {
		return m, true
	}
	if len(s.Where.Hosts) == 0 || s.Where.Mixed {
		return "", false
	}
	step := r.side == builds || log || drv != ""
	if !step && r.side != either {
		return "", false
	}
	return strings.Join(s.Where.Hosts, " or "), step
}

// Host is USER@HOST of the URL of a store that ssh leads to, "" when it is none.
func Host(store string) string {
	m := byName.FindStringSubmatch(store)
	if m == nil {
		return ""
	}
	return m[1]
}

var byName = regexp.MustCompile(`^ssh(?:-ng)?://([^?/\s]+)`)

// words are those of row r for the place where it happened. In them COMPUTER is
// the computer that they are about, BUILDER the one that should have built,
// HOST its name for ssh and ENGINE the program of the container.
func (s Seen) words(r *row, drv string, log bool) instead {
	w := instead{r.headline, r.why, r.do}
	host, sure := s.there(r, drv, log)
	computer := "this computer"
	switch {
	case s.Where.Engine != "":
		w = r.inContainer(w)
	case s.Where.Own != "":
		w = w.inOwn(s.Where.Own)
	case host != "":
		if r.remote != nil {
			w = r.remote.over(w)
		}
		place := "on " + host
		if computer = host; !sure {
			computer, place = host+" or of this computer", "on "+host+" or here"
		}
		if !strings.Contains(w.headline, "COMPUTER") {
			w.headline = endWith(w.headline, place)
		}
		w.do = at(place, w.do)
	}
	name, builder := "USER@HOST", "The other computer that should build"
	if h := s.asked(); h != "" {
		name, builder = h, builder+" ("+h+")"
	}
	first, _, _ := strings.Cut(name, " or ")
	fill := strings.NewReplacer("COMPUTER", computer, "BUILDER", builder, "USER@HOST", first, "HOST", first, "ENGINE", s.Where.Engine).Replace
	w.headline, w.why = capital(fill(w.headline)), fill(w.why)
	var do []string
	for _, d := range w.do {
		do = append(do, fill(d))
	}
	w.do = do
	return w
}

// asked is the computer that should have built, as far as it is known.
func (s Seen) asked() string {
	if len(s.Where.Hosts) > 0 {
		return strings.Join(s.Where.Hosts, " or ")
	}
	if len(s.Machines) == 1 {
		for _, m := range s.Machines {
			return Host(m)
		}
	}
	for _, e := range s.said {
		if m := askedFor.FindStringSubmatch(e.Text); m != nil {
			return m[1]
		}
	}
	return ""
}

var askedFor = regexp.MustCompile(`cannot build on 'ssh(?:-ng)?://([^'?/\s]+)|failed to start SSH connection to '([^'?/\s]+)'`)

func (i *instead) over(w instead) instead {
	if i.headline != "" {
		w.headline = i.headline
	}
	if i.why != "" {
		w.why = i.why
	}
	if i.do != nil {
		w.do = i.do
	}
	return w
}

// ofTheComputer is advice that changes the Nix, or the Linux, that Nix runs on:
// nobody can follow it in a container that piwiz starts.
var ofTheComputer = regexp.MustCompile(`nix\.conf|systemctl|usermod|journalctl|--privileged|On NixOS|boot\.binfmt|nix\.settings|(?:^|: )nix-(?:store|collect-garbage)|(?:^|\s)/nix\b|nix --`)

// withoutContainer is what helps whenever the Nix of a container does not work.
var withoutContainer = []string{
	"Try the other one of docker and podman: --builder docker, or --builder podman",
	"Or build with a Nix of this computer. What that needs: piwiz check --builder local",
}

func (r *row) inContainer(w instead) instead {
	if r.boxed != nil {
		return r.boxed.over(w)
	}
	var do []string
	for _, d := range w.do {
		if !ofTheComputer.MatchString(d) {
			do = append(do, d)
		}
	}
	if len(do) < len(w.do) && (len(do) == 0 || len(do) == 1 && do[0] == again) {
		do = withoutContainer
	}
	w.do = do
	return w
}

// at names the place in each piece of advice: "See x: CMD" becomes "On HOST,
// see x: CMD", and a bare command "On HOST: CMD".
func at(place string, do []string) (out []string) {
	for _, d := range do {
		switch first, _, _ := strings.Cut(d, " "); {
		case d == again || strings.HasPrefix(d, "Build again"):
		case d == checkCmd:
			continue // it says what this computer needs
		case first == strings.ToLower(first):
			d = capital(place) + ": " + d
		default:
			d = capital(place) + ", " + strings.ToLower(d[:1]) + d[1:]
		}
		out = append(out, d)
	}
	return out
}

// endWith adds to the end of a sentence.
func endWith(sentence, more string) string {
	n := len(sentence) - 1
	return sentence[:n] + " " + more + sentence[n:]
}

func capital(s string) string {
	if s == "" || !strings.HasPrefix(s, "on ") && !strings.HasPrefix(s, "this computer") {
		return s
	}
	return string(unicode.ToUpper(rune(s[0]))) + s[1:]
}

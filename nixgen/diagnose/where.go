package diagnose

import (
	"regexp"
	"strings"
	"unicode"

	"piwiz/nixgen/diagnose/row"
)

// Where is which computer Nix ran on, and which ones built for it.
type Where = row.Where

// there is the other computer that a failure is about, "" for this one. sure
// says that it cannot be this one.
func (s Seen) there(r *row.Row, drv string, log bool) (host string, sure bool) {
	switch {
	case r.Side == row.AnySide:
		return "", false
	case r.Side == row.Spoke || s.speaker != "":
		return s.speaker, true
	}
	if m := Host(s.Machines[drv]); m != "" {
		return m, true
	}
	if len(s.Where.Hosts) == 0 || s.Where.Mixed {
		return "", false
	}
	step := r.Side == row.Builds || log || drv != ""
	if !step && r.Side != row.Either {
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
func (s Seen) words(r *row.Row, drv string, log bool) row.Instead {
	w := row.Instead{Headline: r.Headline, Why: r.Why, Do: r.Do}
	host, sure := s.there(r, drv, log)
	computer := "this computer"
	switch {
	case s.Where.Engine != "":
		w = inContainer(r, w)
	case s.Where.Own != "":
		w = inOwn(w, s.Where.Own)
	case host != "":
		if r.Remote != nil {
			w = r.Remote.Over(w)
		}
		place := "on " + host
		if computer = host; !sure {
			computer, place = host+" or of this computer", "on "+host+" or here"
		}
		if !strings.Contains(w.Headline, "COMPUTER") {
			w.Headline = endWith(w.Headline, place)
		}
		w.Do = at(place, w.Do)
	}
	name, builder := "USER@HOST", "The other computer that should build"
	if h := s.asked(); h != "" {
		name, builder = h, builder+" ("+h+")"
	}
	first, _, _ := strings.Cut(name, " or ")
	fill := strings.NewReplacer("COMPUTER", computer, "BUILDER", builder, "USER@HOST", first, "HOST", first, "ENGINE", s.Where.Engine).Replace
	w.Headline, w.Why = capital(fill(w.Headline)), fill(w.Why)
	var do []string
	for _, d := range w.Do {
		do = append(do, fill(d))
	}
	w.Do = do
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

// ofTheComputer is advice that changes the Nix, or the Linux, that Nix runs on:
// nobody can follow it in a container that piwiz starts.
var ofTheComputer = regexp.MustCompile(`nix\.conf|systemctl|usermod|journalctl|--privileged|On NixOS|boot\.binfmt|nix\.settings|(?:^|: )nix-(?:store|collect-garbage)|(?:^|\s)/nix\b|nix --`)

func inContainer(r *row.Row, w row.Instead) row.Instead {
	if r.Boxed != nil {
		return r.Boxed.Over(w)
	}
	var do []string
	for _, d := range w.Do {
		if !ofTheComputer.MatchString(d) {
			do = append(do, d)
		}
	}
	if len(do) < len(w.Do) && (len(do) == 0 || len(do) == 1 && do[0] == row.Again) {
		do = row.WithoutContainer
	}
	w.Do = do
	return w
}

// at names the place in each piece of advice: "See x: CMD" becomes "On HOST,
// see x: CMD", and a bare command "On HOST: CMD".
func at(place string, do []string) (out []string) {
	for _, d := range do {
		switch first, _, _ := strings.Cut(d, " "); {
		case d == row.Again || strings.HasPrefix(d, "Build again"):
		case d == row.Check:
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

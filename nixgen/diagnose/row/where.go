package row

// Where is which computer Nix ran on, and which ones built for it.
type Where struct {
	Hosts  []string // other computers that build, as ssh wants them: USER@HOST; none when this one builds
	Mixed  bool     // this computer builds as well
	Engine string   // docker or podman when Nix runs in its container, "" else
	Own    string   // folder of piwiz's own Nix when that builds, "" else
}

// Side is which computer the words of a row are about.
type Side int

const (
	AnySide Side = iota // none: they are the same wherever it ran
	Builds              // the one that builds
	Ran                 // the one that builds when a step failed, else this one
	Either              // the same, but without a step nobody can tell
	Spoke               // the one that said it
)

// Instead are the words of a row where the usual ones would be wrong.
type Instead struct {
	Headline string
	Why      string
	Do       []string
}

// Over is w with the words of i in their place.
func (i *Instead) Over(w Instead) Instead {
	if i.Headline != "" {
		w.Headline = i.Headline
	}
	if i.Why != "" {
		w.Why = i.Why
	}
	if i.Do != nil {
		w.Do = i.Do
	}
	return w
}

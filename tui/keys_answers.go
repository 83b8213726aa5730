package tui

import (
	"slices"

	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
)

// keyAnswers are the SSH keys that may log in to one host, in the order shown.
type keyAnswers struct {
	keys   []login
	preset bool // the first mark, if any, was made
}

// login is one key and how piwiz knows it.
type login struct {
	sshkey.PublicKey
	marked, saved, here bool
}

// savedKeys are those of a host, line by line as they are: a line may hold
// options, or be one that this piwiz cannot read.
func savedKeys(h hostfile.Saved, origin string) keyAnswers {
	a := keyAnswers{preset: origin != "" && len(h.Host.Keys) > 0}
	for _, line := range h.Host.Keys {
		k, err := sshkey.ParseLine(line)
		if err != nil {
			k = sshkey.PublicKey{Type: "not a key", Comment: line}
		}
		k.Line, k.Source = line, "saved with "+origin
		a.keys = append(a.keys, login{PublicKey: k, marked: true, saved: true})
	}
	return a
}

// know adds what this computer has now. A key that is there already keeps its
// line, its place and its mark. The first that ssh logs in with is marked; none
// is where there is no such key, for that would be a promise.
func (a *keyAnswers) know(found []sshkey.PublicKey) {
	for i := range a.keys {
		a.keys[i].here = false
	}
	for _, k := range found {
		i := a.find(k)
		if i < 0 {
			i = len(a.keys)
			a.keys = append(a.keys, login{PublicKey: k})
		}
		l := &a.keys[i]
		l.here, l.Use, l.Why, l.File = true, k.Use, k.Why, k.File
	}
	a.keys = slices.DeleteFunc(a.keys, func(k login) bool { return !k.here && !k.saved && !k.marked })
	if i := slices.IndexFunc(a.keys, func(k login) bool { return k.Use == sshkey.Offered }); !a.preset && i >= 0 {
		a.preset, a.keys[i].marked = true, true
	}
}

// take adds a key that was just made, marked.
func (a *keyAnswers) take(k sshkey.PublicKey) {
	i := a.find(k)
	if i < 0 {
		i = len(a.keys)
		a.keys = append(a.keys, login{PublicKey: k})
	}
	a.keys[i].here, a.keys[i].marked, a.preset = true, true, true
}

func (a *keyAnswers) find(k sshkey.PublicKey) int {
	return slices.IndexFunc(a.keys, func(l login) bool { return l.Fingerprint == k.Fingerprint && k.Fingerprint != "" })
}

// lines are the marked keys as authorized_keys has them.
func (a *keyAnswers) lines() (out []string) {
	for _, k := range a.keys {
		if k.marked {
			out = append(out, k.Line)
		}
	}
	return out
}

// source says where a key is from. read tells whether this computer could say
// what it has.
func (k login) source(read bool) string {
	if k.saved && !k.here && read {
		return k.Source + "; not on this computer"
	}
	return k.Source
}

package sshkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/regular"
	"piwiz/nixgen/sshkey/offer"
)

// tries is how many keys a server lets a login try: MaxAuthTries of sshd.
const tries = 6

// maxFiles bounds the work on a folder with anything in it.
const maxFiles = 1000

// Find lists the keys of this user, each once: those that ssh logs in with, in
// the order in which it offers them; those here that it does not offer, id_*
// first; those whose private half is not here; and the ones that may log in to
// this computer. In sshDir are the files; c is what ssh said.
func Find(ctx context.Context, sshDir string, c offer.Config) ([]PublicKey, []Problem) {
	f := finder{dir: sshDir, config: c, known: map[string]*PublicKey{}, done: map[string]bool{}, signs: map[string]bool{}}
	var named []string // fingerprints in the order of the identity files
	for _, path := range c.Files {
		fp := f.pair(path, c.Set)
		if fp != "" && !slices.Contains(named, fp) {
			named = append(named, fp)
		}
		if k := f.known[fp]; k != nil && k.Use == Here {
			f.signs[fp] = true
		}
	}
	agent := f.agent(ctx)
	f.folder()
	for _, name := range []string{"authorized_keys", "authorized_keys2"} {
		f.authorized(filepath.Join(sshDir, name))
	}
	f.rank(c.Order(named, agent))
	return f.sorted(), f.problems
}

// finder collects the keys by their fingerprints.
type finder struct {
	dir      string
	config   offer.Config
	known    map[string]*PublicKey
	order    []string // as found
	done     map[string]bool
	signs    map[string]bool // those whose private half ssh finds by itself
	problems []Problem
}

// add takes a key. What is known of it from a place where it can be used more
// wins.
func (f *finder) add(k PublicKey) {
	was := f.known[k.Fingerprint]
	switch {
	case was == nil:
		f.known[k.Fingerprint] = &k
		f.order = append(f.order, k.Fingerprint)
	case k.Use > was.Use:
		if k.Source == "ssh-agent" { // a file says more
			k.Source, k.Comment, k.Line, k.File = was.Source, was.Comment, was.Line, was.File
		}
		*was = k
	}
}

func (f *finder) problem(p *Problem) {
	if p != nil && !slices.ContainsFunc(f.problems, func(o Problem) bool { return o.File == p.File && p.File != "" }) {
		f.problems = append(f.problems, *p)
	}
}

// pair reads an identity file as ssh does: the public half is in it, or in the
// .pub beside it, or is taken out of the private one. It returns the
// fingerprint of the key that ssh offers, "" when there is none. Wanted is a
// file that is missed when it is not there.
func (f *finder) pair(path string, wanted bool) (fp string) {
	if f.done[path] {
		return ""
	}
	f.done[path] = true
	half, err := readPrivate(path)
	if errors.Is(err, errNoKey) { // a public key: then ssh wants the private one from the agent, whatever is beside it
		return f.public(path, nil)
	}
	public := path + ".pub"
	if there(public) {
		f.done[public] = true
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				f.problem(unreadable(path, err))
			}
			return f.public(public, nil)
		}
		if fp = f.public(public, &half); fp != "" {
			return fp
		}
	}
	switch {
	case err == nil:
		return f.alone(path, half)
	case wanted || !errors.Is(err, fs.ErrNotExist):
		p := unreadable(path, err)
		if errors.Is(err, fs.ErrNotExist) {
			p.Err, p.Todo = errors.New("your SSH configuration names this key, but it is not there"), fault.Todo{"Check the IdentityFile lines in ~/.ssh/config."}
		}
		f.problem(p)
	}
	return ""
}

// alone takes a private key that has no .pub.
func (f *finder) alone(path string, half private) string {
	f.problem(half.problem)
	if half.public == nil {
		return ""
	}
	k := *half.public
	k.Use, k.File = Here, path
	if half.problem != nil {
		k.Use, k.Why = Elsewhere, half.problem.Err.Error()
	}
	f.add(k)
	return k.Fingerprint
}

// public takes the keys of a public file; half is the private one beside it,
// nil when it is not there. ssh reads the first key only, and believes it.
func (f *finder) public(path string, half *private) (fp string) {
	keys, problem := readPublic(path)
	f.problem(problem)
	for i, k := range keys {
		k.Use, k.Why = Elsewhere, "its private half is not here"
		if i == 0 {
			fp = k.Fingerprint
			f.beside(&k, path, half)
		}
		f.add(k)
	}
	return fp
}

// beside judges a public key by the private one beside it.
func (f *finder) beside(k *PublicKey, path string, half *private) {
	secret := strings.TrimSuffix(path, ".pub")
	switch {
	case half == nil:
	case half.public != nil && half.public.Fingerprint != k.Fingerprint:
		k.Why = "its private half is not here: " + filepath.Base(secret) + " is another key"
		f.problem(&Problem{File: path, Err: fmt.Errorf("this is not the public half of %s, so ssh cannot log in with either", filepath.Base(secret)), Todo: fault.Todo{run("ssh-keygen -y -f %s > %s", secret, path)}})
	case half.problem != nil && (half.public != nil || !errors.Is(half.problem.Err, errLocked)):
		f.problem(half.problem)
		k.Why = half.problem.Err.Error()
	default:
		k.Use, k.Why, k.File = Here, "", secret
	}
}

// agent lists the keys of the agent, which has their private halves.
func (f *finder) agent(ctx context.Context) (order []string) {
	if f.config.Agent == "" {
		return nil
	}
	keys, problem := fromAgent(ctx, f.config.Agent)
	f.problem(problem)
	for _, k := range keys {
		k.Use = Here
		f.add(k)
		f.signs[k.Fingerprint] = true
		order = append(order, k.Fingerprint)
	}
	return order
}

// folder takes what else is in the folder: .pub files, and private keys of any
// name.
func (f *finder) folder() {
	entries, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.problem(unreadable(f.dir, err))
	}
	for _, e := range entries[:min(len(entries), maxFiles)] {
		path := filepath.Join(f.dir, e.Name())
		switch name := e.Name(); {
		case strings.HasSuffix(name, ".pub"):
			if secret := strings.TrimSuffix(path, ".pub"); there(secret) {
				f.pair(secret, false)
			}
			if !f.done[path] {
				f.done[path] = true
				f.public(path, nil)
			}
		case f.done[path], name == "config", strings.HasPrefix(name, "known_hosts"), strings.HasPrefix(name, "authorized_keys"):
		case begins(path):
			f.pair(path, false)
		}
	}
}

// begins tells whether a file begins as a private key does.
func begins(path string) bool {
	data, err := regular.ReadFile(path, maxFile, 0)
	defer clear(data)
	return err == nil && (bytes.Contains(data, []byte("PRIVATE KEY-----")) || bytes.HasPrefix(data, []byte("PuTTY-User-Key-File-")))
}

// authorized takes the keys that may log in to this computer.
func (f *finder) authorized(path string) {
	if !there(path) {
		return
	}
	keys, problem := readPublic(path)
	f.problem(problem)
	for _, k := range keys {
		k.Use, k.Why = Unknown, "it may log in to this computer; its private half is not here"
		f.add(k)
	}
}

// there tells whether a name is in use, be it by a link that leads nowhere.
func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

package sshkey

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/regular"
)

// A public key is a line or a few, and a private one of 16384 bits has 13 KiB;
// anything larger is something else.
const maxFile = 64 << 10

// unreadable is the problem with a file that could not be read.
func unreadable(path string, err error) *Problem {
	p := &Problem{File: path, Err: err}
	var bare *fs.PathError
	if errors.As(err, &bare) {
		p.Err = bare.Err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		p.Err, p.Todo = errors.New("you are not allowed to read it"), fault.Todo{run("ls -l %s", path)}
	case errors.Is(err, fs.ErrNotExist):
		p.Err, p.Todo = errors.New("there is no such file"), fault.Todo{run("ls -l %s", filepath.Dir(path))}
	}
	return p
}

// readPublic reads the public keys in a file.
func readPublic(path string) ([]PublicKey, *Problem) {
	data, err := regular.ReadFile(path, maxFile, 0)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer clear(data) // it may be a private one under a wrong name
	if err := kind(string(data)); err != nil {
		return nil, foreign(path, err)
	}
	keys, problem := parseLines(string(data))
	for i := range keys {
		keys[i].Source = path
	}
	if problem != nil {
		problem.File = path
	}
	return keys, problem
}

// foreign is the problem with a file of another kind than it should be.
func foreign(path string, err error) *Problem {
	p := &Problem{File: path, Err: err}
	switch {
	case errors.Is(err, errPutty):
		p.Todo = fault.Todo{run("puttygen %s -O private-openssh -o %s", path, strings.TrimSuffix(path, ".ppk")+".openssh")}
	case errors.Is(err, errSSH2):
		p.Todo = fault.Todo{run("ssh-keygen -i -f %s", path) + " (it prints the key as OpenSSH writes it)"}
	case errors.Is(err, errPEM):
		p.Todo = fault.Todo{run("ssh-keygen -i -m PKCS8 -f %s", path) + " (it prints the key as OpenSSH writes it)"}
	case errors.Is(err, errPrivate) && strings.HasSuffix(path, ".pub"):
		p.Todo = fault.Todo{run("mv -i %s %s", path, strings.TrimSuffix(path, ".pub"))}
	}
	return p
}

// ReadFile reads the keys in a file that the user names: public keys, or a
// private one, of which the public half is taken. A ~ is home.
func ReadFile(path, home string) ([]PublicKey, error) {
	path = strings.TrimSpace(path)
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	if path == "" || !filepath.IsAbs(path) {
		return nil, errors.New("give the full path of the file, for example ~/keys/laptop.pub")
	}
	if half, err := readPrivate(path); err == nil {
		switch {
		case half.public != nil:
			k := *half.public
			k.Use, k.File = Here, path
			return []PublicKey{k}, nil
		case half.problem != nil:
			return nil, half.problem
		}
	}
	keys, problem := readPublic(path)
	switch {
	case problem != nil:
		return nil, problem
	case len(keys) == 0:
		return nil, &Problem{File: path, Err: errNoKey}
	}
	return keys, nil
}

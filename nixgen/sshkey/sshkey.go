// Package sshkey finds the SSH keys that may log in to a Pi, and makes the
// Pi's own host key.
//
// Public keys are lines as sshd(8) describes under AUTHORIZED_KEYS FILE
// FORMAT; the private half of the host key is in OpenSSH's own format
// (openssh-portable, PROTOCOL.key).
package sshkey

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// A public key is a line or a few; anything larger is something else.
const maxFile = 64 << 10

// PublicKey is one key that may log in.
type PublicKey struct {
	Type        string // for example ssh-ed25519
	Comment     string
	Fingerprint string // SHA256:...
	Line        string // the line for authorized_keys
	Source      string // a file, or "ssh-agent"
}

// Problem is a file or line that was left out, and why.
type Problem struct {
	File string
	Line int // from 1; 0 when it is about the whole file
	Err  error
}

func (p Problem) Error() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s, line %d: %v", p.File, p.Line, p.Err)
	}
	return p.File + ": " + p.Err.Error()
}

func (p Problem) Unwrap() error { return p.Err }

// Find lists the keys in the *.pub files of sshDir, in its authorized_keys,
// and in the agent at agentSocket ("" for none), each once, ed25519 first.
func Find(ctx context.Context, sshDir, agentSocket string) ([]PublicKey, []Problem) {
	var found []PublicKey
	var problems []Problem
	files, _ := filepath.Glob(filepath.Join(sshDir, "*.pub")) // the pattern is well formed
	for _, f := range append(files, filepath.Join(sshDir, "authorized_keys")) {
		keys, bad := readFile(f)
		found, problems = append(found, keys...), append(problems, bad...)
	}
	if agentSocket != "" {
		keys, err := fromAgent(ctx, agentSocket)
		if err != nil {
			problems = append(problems, Problem{File: "ssh-agent", Err: err})
		}
		found = append(found, keys...)
	}
	seen := map[string]bool{}
	found = slices.DeleteFunc(found, func(k PublicKey) bool {
		again := seen[k.Fingerprint]
		seen[k.Fingerprint] = true
		return again
	})
	slices.SortStableFunc(found, func(a, b PublicKey) int { return cmp.Compare(rank(a), rank(b)) })
	return found, problems
}

func rank(k PublicKey) int {
	if strings.Contains(k.Type, "ed25519") {
		return 0
	}
	return 1
}

func readFile(path string) ([]PublicKey, []Problem) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []Problem{{File: path, Err: err}}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, []Problem{{File: path, Err: err}}
	}
	if bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return nil, []Problem{{File: path, Err: errors.New("this is a private key under a public name; the public half ends in .pub and is one line")}}
	}
	if len(data) > maxFile {
		return nil, []Problem{{File: path, Err: errors.New("too large to be a public key")}}
	}
	var found []PublicKey
	var problems []Problem
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := ParseLine(line)
		if err != nil {
			problems = append(problems, Problem{path, number, err})
			continue
		}
		k.Source = path
		found = append(found, k)
	}
	return found, problems
}

// ParseLine reads one line as authorized_keys has it, options included.
func ParseLine(line string) (PublicKey, error) {
	line = strings.TrimSpace(line)
	if strings.ContainsAny(line, "\n\r\x00") {
		return PublicKey{}, errors.New("a public key is one line")
	}
	key, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return PublicKey{}, errors.New("not a public SSH key; one looks like: ssh-ed25519 AAAA... name@computer")
	}
	if k, ok := key.(*ssh.Certificate); ok {
		return PublicKey{}, fmt.Errorf("a certificate (%s) is no key to log in with; use the key itself", k.Type())
	}
	return PublicKey{Type: key.Type(), Comment: comment, Fingerprint: ssh.FingerprintSHA256(key), Line: line}, nil
}

func fromAgent(ctx context.Context, socket string) ([]PublicKey, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, errors.New("it does not answer; its keys are left out")
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	keys, err := agent.NewClient(conn).List()
	if err != nil {
		return nil, errors.New("it does not list its keys; they are left out")
	}
	var found []PublicKey
	for _, k := range keys {
		if p, err := ParseLine(strings.TrimSpace(k.String())); err == nil {
			p.Source = "ssh-agent"
			found = append(found, p)
		}
	}
	return found, nil
}

// Package sshconfig asks ssh what it will do for a host: `ssh -G`, with ssh's own
// reading of Include, Match and defaults (ssh_config(5)). It is the one place
// that asks; nixgen/sshkey is handed the answer by the engine, because nixgen
// knows nothing of flash.
//
// Rule: ssh -G runs what the user wrote (Match exec) and may ask a DNS server
// (CanonicalizeHostname), so it can take any time. Each question ends within a
// limit, with everything that it started, and what kept it is named. Settings
// that ssh did not say in time are not settings that it refuses.
package sshconfig

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"time"
)

// Limit is how long one ssh -G may take.
const Limit = 2 * time.Second

// Settings are what ssh -G says, by lower-case keyword.
type Settings map[string][]string

// Ask asks what `ssh user@host` would do. Settings without an error are all that
// ssh will do; with a Slow one, all but the full name of the host; with any
// other there are none. args are options of ssh.
func Ask(ctx context.Context, user, host string, args ...string) (Settings, *Error) {
	s, err := ask(ctx, user, host, args)
	if err == nil || err.Kind != Hung || err.Command != "" || ctx.Err() != nil {
		return s, err
	}
	// No command of the user keeps it, so it is waiting for a name.
	s, again := ask(ctx, user, host, append([]string{"-o", "CanonicalizeHostname=no"}, args...))
	if again != nil {
		return nil, again
	}
	return s, Error{Kind: Slow, Host: host}.told()
}

func ask(ctx context.Context, user, host string, args []string) (Settings, *Error) {
	ctx, stop := context.WithTimeout(ctx, Limit)
	defer stop()
	// With -vvv it says which command it runs, and when that has ended.
	cmd := Command(ctx, append(append([]string{"-vvv", "-G"}, args...), "--", user+"@"+host)...)
	var heard listener
	cmd.Stderr = &heard
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, Error{Kind: None, Host: host}.told()
	case ctx.Err() != nil:
		return nil, Error{Kind: Hung, Host: host, Command: heard.running}.told()
	// What a command of the user left behind may hold on to stderr.
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, Error{Kind: Refused, Host: host, Said: heard.complaint}.told()
	}
	return Parse(string(out)), nil
}

// Parse reads what ssh -G prints: a keyword and its value on each line.
func Parse(text string) Settings {
	s := Settings{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		s[key] = append(s[key], value)
	}
	return s
}

// First is the first value of a keyword, "" when there is none.
func (s Settings) First(key string) string {
	if len(s[key]) == 0 {
		return ""
	}
	return s[key][0]
}

// Port is where ssh connects to; 22 when it is not said.
func (s Settings) Port() int {
	if n, err := strconv.Atoi(s.First("port")); err == nil && n > 0 && n < 1<<16 {
		return n
	}
	return 22
}

// KnownHosts is the file that ssh writes to, "" when it keeps none. ssh -G puts
// several in one line without quotes; all are absolute.
func (s Settings) KnownHosts() string {
	all := s.First("userknownhostsfile")
	if i := strings.Index(all, " /"); i > 0 {
		all = all[:i]
	}
	if !strings.HasPrefix(all, "/") || all == "/dev/null" {
		return ""
	}
	return all
}

// KnownAs is the name under which ssh looks for the host key.
func (s Settings) KnownAs() string {
	if alias := s.First("hostkeyalias"); alias != "" {
		return alias
	}
	return WithPort(s.First("hostname"), s.Port())
}

// WithPort is how known_hosts names a host: with its port, unless that is 22
// (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
func WithPort(host string, port int) string {
	if port == 22 {
		return host
	}
	return "[" + host + "]:" + strconv.Itoa(port)
}

// Proxy is the setting that leads ssh through something else, or "".
func (s Settings) Proxy() (key, value string) {
	for _, key := range []string{"ProxyJump", "ProxyCommand"} {
		if v := s.First(strings.ToLower(key)); v != "" && v != "none" {
			return key, v
		}
	}
	return "", ""
}

// listener follows what ssh -vvv says. The words are those of readconf.c of
// openssh-portable, 7.0 to 10.0.
type listener struct {
	part      []byte // of a line
	running   string // the program of Match exec that has not ended, or ""
	complaint string // the first line that is not for debugging
}

// longest is more than any line that says something.
const longest = 4096

func (l *listener) Write(b []byte) (int, error) {
	for rest := b; ; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if room := longest - len(l.part); room > 0 {
			l.part = append(l.part, line[:min(room, len(line))]...)
		}
		if !whole {
			return len(b), nil
		}
		l.line(strings.TrimSpace(string(l.part)))
		l.part, rest = l.part[:0], after
	}
}

func (l *listener) line(text string) {
	switch command, starts := strings.CutPrefix(text, "debug1: Executing command: "); {
	case starts:
		l.running = program(command)
	case strings.HasPrefix(text, "debug3: command returned status "):
		l.running = ""
	case text == "", strings.HasPrefix(text, "debug"), strings.HasPrefix(text, "OpenSSH_"), l.complaint != "":
	default:
		l.complaint = text
	}
}

// program is what a shell line runs, without its arguments and variables: they
// may hold what is nobody's business.
func program(line string) string {
	for word := range strings.FieldsSeq(strings.Trim(line, "'")) {
		if !strings.Contains(word, "=") {
			name := path.Base(word)
			return name[:min(len(name), 40)]
		}
	}
	return "a command"
}

package sshlogin

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	askLimit = 10 * time.Second // Match exec may run a slow command of the user
	tryLimit = 30 * time.Second // a name that nobody answers costs 5 s, an address that does not answer 10 s
)

// settings are what `ssh -G` says, by lower-case keyword (ssh_config(5)).
type settings map[string][]string

// errNoSSH: there is no ssh to log in with.
var errNoSSH = errors.New("ssh is not installed")

// refusal is what ssh says of a configuration that it does not take.
type refusal string

func (r refusal) Error() string { return string(r) }

// ask asks ssh what it would do, with its own reading of Include, Match and
// defaults.
func ask(ctx context.Context, args ...string) (settings, error) {
	ctx, stop := context.WithTimeout(ctx, askLimit)
	defer stop()
	said := &tail{}
	cmd := command(ctx, append([]string{"-G"}, args...)...)
	cmd.Stderr = said
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errNoSSH
	case ctx.Err() != nil:
		return nil, refusal("a command in your ssh settings (Match exec) did not end within " + askLimit.String())
	case err != nil:
		return nil, refusal(firstLine(said.String()))
	}
	return parse(string(out)), nil
}

func parse(text string) settings {
	s := settings{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		s[key] = append(s[key], value)
	}
	return s
}

func (s settings) one(key string) string {
	if len(s[key]) == 0 {
		return ""
	}
	return s[key][0]
}

// knownHosts is the file that ssh writes to, "" when it keeps none. ssh -G puts
// several in one line without quotes; all are absolute.
func (s settings) knownHosts() string {
	all := s.one("userknownhostsfile")
	if i := strings.Index(all, " /"); i > 0 {
		all = all[:i]
	}
	if !strings.HasPrefix(all, "/") || all == "/dev/null" {
		return ""
	}
	return all
}

// knownAs is the name under which ssh looks for the host key.
func (s settings) knownAs() string {
	if alias := s.one("hostkeyalias"); alias != "" {
		return alias
	}
	host, port := s.one("hostname"), s.one("port")
	if port != "" && port != "22" {
		return "[" + host + "]:" + port
	}
	return host
}

// proxy names the setting that leads ssh through another computer, or "".
func (s settings) proxy() string {
	for _, k := range []string{"ProxyJump", "ProxyCommand"} {
		if v := s.one(strings.ToLower(k)); v != "" && v != "none" {
			return k + " " + v
		}
	}
	return ""
}

// command prepares an ssh that cannot ask anything: it has no terminal and no
// window, and neither has what it starts.
func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ssh", args...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C", "SSH_ASKPASS_REQUIRE=never")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// tail keeps the first 64 KiB of what is written: more says nothing new.
type tail struct{ strings.Builder }

func (t *tail) Write(b []byte) (int, error) {
	if room := 64<<10 - t.Len(); room > 0 {
		_, _ = t.Builder.Write(b[:min(room, len(b))]) // it never fails
	}
	return len(b), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

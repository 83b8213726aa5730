package sshkey

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Config is what decides which keys ssh offers in one login (ssh_config(5)).
type Config struct {
	Files    []string // identity files, in order, whether they are there or not
	Set      bool     // they come from a configuration, not from ssh's own list
	Only     bool     // IdentitiesOnly
	Agent    string   // the agent's socket, "" for none
	MinRSA   int      // RequiredRSASize, in bits
	Accepted []string // PubkeyAcceptedAlgorithms, nil for all
	Never    bool     // PubkeyAuthentication is off
}

// defaults are ssh's own identity files, in its order.
var defaults = []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// configLimit is for the commands of Match exec, which ssh runs.
const configLimit = 5 * time.Second

// Defaults is what ssh does without a configuration. Home is the user's as ssh
// knows it: from the user database, whatever $HOME says.
func Defaults(home, socket string) Config {
	c := Config{Agent: socket}
	for _, name := range defaults {
		c.Files = append(c.Files, filepath.Join(home, ".ssh", name))
	}
	return c
}

// Ask asks ssh what it will do for user@host. Where it cannot say, the defaults
// and why; the socket is SSH_AUTH_SOCK.
func Ask(ctx context.Context, user, host, home, socket string) (Config, *Problem) {
	ctx, stop := context.WithTimeout(ctx, configLimit)
	defer stop()
	cmd := exec.CommandContext(ctx, "ssh", "-G", "-l", user, "--", host)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the commands of Match exec end with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return Defaults(home, socket), &Problem{Err: errors.New("there is no ssh on this computer, so nobody can log in from here"), Fix: "Install OpenSSH's client."}
	case ctx.Err() != nil:
		return Defaults(home, socket), &Problem{Err: errors.New("ssh did not say within 5 seconds which keys it offers"), Fix: "Check the Match exec lines in ~/.ssh/config. Run: ssh -G " + host}
	case err != nil:
		first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		return Defaults(home, socket), &Problem{Err: errors.New("ssh does not start: " + first), Fix: "Correct that line of its configuration, then run: ssh -G " + host}
	}
	return parseConfig(string(out), user, host, home, socket), nil
}

// parseConfig reads what ssh -G printed: a key word in small letters and its
// value on each line.
func parseConfig(text, user, host, home, socket string) Config {
	c := Config{Agent: socket}
	get := map[string]string{}
	var files []string
	for line := range strings.Lines(text) {
		word, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if word == "identityfile" {
			files = append(files, value)
		} else if _, twice := get[word]; !twice {
			get[word] = value
		}
	}
	full := expander(get, user, host, home)
	for _, f := range files {
		if path, ok := full(f); ok && f != "none" {
			c.Files = append(c.Files, path)
			c.Set = c.Set || !slices.Contains(defaults, strings.TrimPrefix(f, "~/.ssh/"))
		}
	}
	c.Only = get["identitiesonly"] == "yes"
	c.Never = get["pubkeyauthentication"] == "no" || get["pubkeyauthentication"] == "false"
	c.MinRSA, _ = strconv.Atoi(get["requiredrsasize"])
	if list := get["pubkeyacceptedalgorithms"]; list != "" {
		c.Accepted = strings.Split(list, ",")
	}
	switch a := get["identityagent"]; {
	case a == "", a == "SSH_AUTH_SOCK":
	case a == "none":
		c.Agent = ""
	case strings.HasPrefix(a, "$") && !strings.HasPrefix(a, "${"):
		c.Agent = os.Getenv(a[1:])
	default:
		c.Agent, _ = full(a)
	}
	return c
}

// expander makes paths of what -G prints as it was written: ~, the tokens that
// ssh_config(5) allows here but %C, and ${VARIABLES}. Where one is unknown ssh
// does not start, or the file is passed over.
func expander(get map[string]string, user, host, home string) func(string) (string, bool) {
	local, _ := os.Hostname()
	short, _, _ := strings.Cut(local, ".")
	me := filepath.Base(home)
	if name := os.Getenv("USER"); name != "" {
		me = name
	}
	alias := get["hostkeyalias"]
	if alias == "" {
		alias = host
	}
	tokens := strings.NewReplacer("%%", "%", "%d", home, "%h", get["hostname"], "%i", strconv.Itoa(os.Getuid()), "%k", alias, "%L", short,
		"%l", local, "%n", host, "%p", get["port"], "%r", user, "%u", me, "%j", get["proxyjump"], "%C", "\x00")
	return func(s string) (string, bool) {
		if rest, ok := strings.CutPrefix(s, "~/"); ok {
			s = strings.ReplaceAll(home, "%", "%%") + "/" + rest
		}
		unknown := false
		s = variable.ReplaceAllStringFunc(tokens.Replace(s), func(v string) string {
			value, ok := os.LookupEnv(v[2 : len(v)-1])
			unknown = unknown || !ok
			return value
		})
		return s, !unknown && filepath.IsAbs(s) && !strings.Contains(s, "\x00")
	}
}

// offers tells whether ssh would offer such a key.
func (c Config) offers(k PublicKey) bool {
	if c.Never || bits(k) > 0 && bits(k) < c.MinRSA {
		return false
	}
	if c.Accepted == nil {
		return true
	}
	return slices.ContainsFunc(c.Accepted, func(a string) bool {
		return a == k.Type || k.Type == "ssh-rsa" && strings.HasPrefix(a, "rsa-sha2-") && !strings.Contains(a, "-cert-")
	})
}

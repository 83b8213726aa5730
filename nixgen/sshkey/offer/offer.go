// Package offer says which keys ssh offers in one login, and in which order.
//
// Rule: ssh itself says what it will do (ssh -G, ssh_config(5)), and that is read
// here as ssh means it; nothing is guessed from names. Only where it says
// nothing, its own defaults hold.
package offer

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// Defaults is what ssh does without a configuration. Home is the user's as ssh
// knows it: from the user database, whatever $HOME says.
func Defaults(home, socket string) Config {
	c := Config{Agent: socket}
	for _, name := range defaults {
		c.Files = append(c.Files, filepath.Join(home, ".ssh", name))
	}
	return c
}

// Read takes what `ssh -G user@host` said: the values of each keyword in small
// letters. Without any, ssh could not say, and the defaults hold. The socket is
// SSH_AUTH_SOCK.
func Read(said map[string][]string, user, host, home, socket string) Config {
	if len(said) == 0 {
		return Defaults(home, socket)
	}
	c := Config{Agent: socket}
	get := map[string]string{}
	for word, values := range said {
		if len(values) > 0 {
			get[word] = values[0]
		}
	}
	files := said["identityfile"]
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

// Accepts tells whether ssh would offer a key of this type. Bits is the size of an
// RSA key, 0 of another one.
func (c Config) Accepts(kind string, bits int) bool {
	if c.Never || bits > 0 && bits < c.MinRSA {
		return false
	}
	if c.Accepted == nil {
		return true
	}
	return slices.ContainsFunc(c.Accepted, func(a string) bool {
		return a == kind || kind == "ssh-rsa" && strings.HasPrefix(a, "rsa-sha2-") && !strings.Contains(a, "-cert-")
	})
}

// Order is the order in which ssh tries keys, by their fingerprints
// (pubkey_prepare in sshconnect2.c of openssh-portable): those of the agent that an identity file names, the
// other ones of the agent, the files.
func (c Config) Order(named, agent []string) (order []string) {
	for _, fp := range agent {
		if slices.Contains(named, fp) {
			order = append(order, fp)
		}
	}
	for _, fp := range agent {
		if !c.Only && !slices.Contains(order, fp) {
			order = append(order, fp)
		}
	}
	for _, fp := range named {
		if !slices.Contains(order, fp) {
			order = append(order, fp)
		}
	}
	return order
}

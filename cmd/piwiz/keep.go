package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/iwd"
)

// ready is a host with all that its card needs, or an error with everything
// that is in the way. Networks that this computer knows fill in for missing
// passwords; a lost host key is made anew only where newKey says so.
func (p *program) ready(s hostfile.Saved, newKey bool) (hostfile.Saved, error) {
	s.NewKey = newKey
	var but []hostfile.Kind
	if newKey {
		but = append(but, hostfile.NoKey)
	}
	missing, from := fillIn(&s)
	if len(missing) == 0 {
		but = append(but, hostfile.NoPassword)
	}
	p.name(s.Problems, hostfile.Note)
	if len(missing) == 0 && s.Lacks(hostfile.NoPassword) {
		p.name(s.Problems, hostfile.NoPassword)
		p.say("filled", map[string]any{"from": from}, "  It is taken from the networks this computer knows.")
	}
	if err := s.Usable(but...); err != nil {
		return s, coded(err)
	}
	if len(missing) > 0 {
		return s, &exit{lacking, &unknownPasswords{missing}}
	}
	return s, nil
}

// name says problems of one kind.
func (p *program) name(problems []hostfile.Problem, kind hostfile.Kind) {
	for _, x := range problems {
		if x.Kind == kind {
			p.problem("! ", x)
		}
	}
}

// problem says what is wrong with a saved host, and what to do.
func (p *program) problem(mark string, x hostfile.Problem) {
	headline, hints := explain(x)
	p.say("problem", map[string]any{"error": headline, "hints": hints, "stops": x.Kind != hostfile.Note}, mark+headline+"\n    "+strings.Join(hints, "\n    "))
}

// coded is an error about a saved host with its exit code: that a key is not
// made anew without a yes is for safety.
func coded(err error) error {
	var b *hostfile.Broken
	if errors.As(err, &b) {
		for _, p := range b.Problems {
			if p.Kind == hostfile.NoKey {
				return &exit{refused, err}
			}
		}
	}
	return err
}

// unknownPasswords are the Wi-Fi networks whose passwords are nowhere.
type unknownPasswords struct{ ssids []string }

func (u *unknownPasswords) Error() string {
	if len(u.ssids) == 1 {
		return fmt.Sprintf("the password of the Wi-Fi network %q is not known", u.ssids[0])
	}
	var names []string
	for _, s := range u.ssids {
		names = append(names, fmt.Sprintf("%q", s))
	}
	return "the passwords of these Wi-Fi networks are not known: " + strings.Join(names, ", ")
}

// Hints says where piwiz gets a password from.
func (u *unknownPasswords) Hints() []string {
	return []string{
		"Answer the questions once: run piwiz, and choose the networks on the Wi-Fi page.",
		"Or join it once on this computer, with a network program that piwiz can read: NetworkManager, or iwd as a user who may read " + iwd.Dir + ".",
	}
}

// fillIn adds what is missing of the Wi-Fi secrets from the networks this
// computer knows, says where from, and names those it does not know.
func fillIn(s *hostfile.Saved) (missing []string, from string) {
	psk := map[string]wifi.Secret{}
	var known []wifi.Network
	var looked finder
	for _, n := range s.Host.Networks {
		if n.Security == wifi.Open {
			continue
		}
		if secret, ok := s.PSK[n.SSID]; ok {
			psk[n.SSID] = secret
			continue
		}
		if known == nil {
			known, _, _ = looked.Networks(context.Background()) // what cannot be read is not known
		}
		for _, k := range known {
			if k.SSID == n.SSID && psk[n.SSID].IsZero() {
				psk[n.SSID] = secretFor(k, n.Security)
				from = k.From
			}
		}
		if psk[n.SSID].IsZero() {
			missing = append(missing, n.SSID)
		}
	}
	s.PSK = psk
	return missing, from
}

// secretFor is the secret of a known network, for joining it in this way.
func secretFor(k wifi.Network, s wifi.Security) (secret wifi.Secret) {
	if k.Kept != "" {
		asked, err := askSecret(context.Background(), k)
		if err != nil {
			slog.Info("a Wi-Fi password is not given", "error", err)
			return secret
		}
		k = asked
	}
	if k, err := k.As(s); err == nil {
		secret = k.Secret
	}
	return secret
}

// keep saves a host and its flake. A host without an identity gets one, unless
// it had one that is lost.
func keep(store hostfile.Store, s hostfile.Saved) (hostfile.Saved, error) {
	var err error
	if s.Identity, err = identity(store, s); err != nil {
		return s, err
	}
	s.Host = asSaved(store, s.Host)
	s.Host.HostKey = s.Identity.PublicLine()
	files, err := nixgen.Files(s.Host)
	if err != nil {
		return s, err
	}
	if s.Kept, err = store.Save(s, files); err != nil {
		return s, err
	}
	s.Folder, s.NewKey, s.Problems = store.Path(s.Host.Name), false, nil
	return s, nil
}

// asSaved is a host with what belongs to it whatever its answers are, as it was
// saved before; a new one gets it now.
func asSaved(store hostfile.Store, h nixgen.Host) nixgen.Host {
	old, err := store.Load(h.Name)
	if err == nil {
		h = h.Inherit(old.Host)
	}
	return h.Born().Confirm()
}

// identity is the one that is saved under the host's name, whatever the
// answers come from: a computer that has logged in knows it. What is saved and
// cannot be read is not written over: it may be the only copy of the key.
func identity(store hostfile.Store, s hostfile.Saved) (sshkey.Identity, error) {
	old, err := store.Load(s.Host.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return sshkey.Identity{}, err
	}
	but := []hostfile.Kind{hostfile.NoPassword}
	if s.NewKey {
		but = append(but, hostfile.NoKey)
	}
	if err := old.Usable(but...); err != nil {
		return sshkey.Identity{}, coded(err)
	}
	switch {
	case s.NewKey:
	case !old.Identity.IsZero():
		return old.Identity, nil
	case !s.Identity.IsZero():
		return s.Identity, nil
	}
	id, err := sshkey.NewIdentity(s.Host.Name)
	if err != nil {
		return id, fmt.Errorf("make the host key: %w", err)
	}
	return id, nil
}

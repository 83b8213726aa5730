package engine

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

// Ready is a host with all that its card needs, or an error with everything
// that is in the way. Networks that this computer knows fill in for missing
// passwords, and from says which program keeps them; a lost host key is made anew
// only where newKey says so.
func (e *Engine) Ready(ctx context.Context, s hostfile.Saved, newKey bool) (ready hostfile.Saved, from string, err error) {
	s.NewKey = newKey
	var but []hostfile.Kind
	if newKey {
		but = append(but, hostfile.NoKey)
	}
	missing, from := e.fillIn(ctx, &s)
	if len(missing) == 0 {
		but = append(but, hostfile.NoPassword)
	}
	if err := s.Usable(but...); err != nil {
		return s, from, Guarded(err)
	}
	if len(missing) > 0 {
		return s, from, &Lacking{&unknownPasswords{missing}}
	}
	return s, from, nil
}

// Guarded is an error about a saved host; it is *Refused when a key is not made
// anew without a yes.
func Guarded(err error) error {
	var b *hostfile.Broken
	if errors.As(err, &b) {
		for _, p := range b.Problems {
			if p.Kind == hostfile.NoKey {
				return &Refused{err}
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
func (e *Engine) fillIn(ctx context.Context, s *hostfile.Saved) (missing []string, from string) {
	psk := map[string]wifi.Secret{}
	var known []wifi.Network
	for _, n := range s.Host.Networks {
		if n.Security == wifi.Open {
			continue
		}
		if secret, ok := s.PSK[n.SSID]; ok {
			psk[n.SSID] = secret
			continue
		}
		if known == nil {
			known, _, _ = e.Networks(ctx) // what cannot be read is not known
		}
		for _, k := range known {
			if k.SSID == n.SSID && psk[n.SSID].IsZero() {
				psk[n.SSID] = e.secretFor(ctx, k, n.Security)
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
func (e *Engine) secretFor(ctx context.Context, k wifi.Network, s wifi.Security) (secret wifi.Secret) {
	if k.Kept != "" {
		asked, err := e.AskSecret(ctx, k)
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

// Save saves a host and its flake. A host without an identity gets one, unless
// it had one that is lost.
func (e *Engine) Save(s hostfile.Saved) (hostfile.Saved, error) {
	var err error
	if s.Identity, err = e.identity(s); err != nil {
		return s, err
	}
	s.Host = e.asSaved(s.Host)
	s.Host.HostKey = s.Identity.PublicLine()
	files, err := nixgen.Files(s.Host)
	if err != nil {
		return s, err
	}
	if s.Kept, err = e.Store.Save(s, files); err != nil {
		return s, err
	}
	s.Folder, s.NewKey, s.Problems = e.Store.Path(s.Host.Name), false, nil
	return s, nil
}

// asSaved is a host with what belongs to it whatever its answers are, as it was
// saved before; a new one gets it now.
func (e *Engine) asSaved(h nixgen.Host) nixgen.Host {
	old, err := e.Store.Load(h.Name)
	if err == nil {
		h = h.Inherit(old.Host)
	}
	return h.Born().Confirm()
}

// identity is the one that is saved under the host's name, whatever the
// answers come from: a computer that has logged in knows it. What is saved and
// cannot be read is not written over: it may be the only copy of the key.
func (e *Engine) identity(s hostfile.Saved) (sshkey.Identity, error) {
	old, err := e.Store.Load(s.Host.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return sshkey.Identity{}, err
	}
	but := []hostfile.Kind{hostfile.NoPassword}
	if s.NewKey {
		but = append(but, hostfile.NoKey)
	}
	if err := old.Usable(but...); err != nil {
		return sshkey.Identity{}, Guarded(err)
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

// Files are the Nix files of a host as they would be built, the user's own as it
// is on disk.
func (e *Engine) Files(h nixgen.Host) ([]nixgen.File, error) {
	files, err := nixgen.Files(h)
	for i, f := range files {
		if f.Once {
			if text, err := e.Store.ReadConfiguration(h.Name); err == nil {
				files[i].Text = text
			}
		}
	}
	return files, err
}

// Preview are the files as Save would write them, and the path of the user's own.
func (e *Engine) Preview(s hostfile.Saved) (files []nixgen.File, own string, err error) {
	files, err = e.Files(e.asSaved(s.Host))
	return files, e.Store.Path(s.Host.Name, "flake", "configuration.nix"), err
}

// Hosts lists the saved hosts. Problems are host files that could not be read; they
// do not hide the others.
func (e *Engine) Hosts() (saved []hostfile.Saved, problems []error, err error) {
	saved, bad, err := e.Store.List()
	return saved, errorsOf(bad), err
}

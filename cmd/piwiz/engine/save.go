package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"

	"piwiz/nixgen"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/iwd"
)

// Readied is a host with what its card needs, as far as it can be had, and with
// all that is in the way.
type Readied struct {
	Meant
	From string // what keeps here the passwords that were missing, "" if nothing had to be found
	kept map[int]wifi.Network
}

// Ready adds what the card of a host needs. Networks that this computer knows
// fill in for missing passwords: at once where nobody has to be asked for them,
// else Ask does it. A lost host key is made again only where newKey says so.
func (e *Engine) Ready(ctx context.Context, m Meant, newKey bool) Readied {
	m.NewKey = newKey
	var but []inspect.Kind
	if newKey {
		but = append(but, inspect.NoKey)
	}
	r := Readied{Meant: m}
	missing := e.fillIn(ctx, &r)
	if m.place != nil || len(missing) == 0 {
		but = append(but, inspect.NoPassword)
	}
	if err := m.Usable(but...); err != nil {
		r.Wrong = append(r.Wrong, Guarded(err))
	}
	if m.place != nil || !m.Lacks(inspect.NoPassword) {
		r.Wrong = append(r.Wrong, r.unknown(missing)...)
	}
	return r
}

// Ask asks for the passwords that programs here give only then. It is for when
// nothing else is in the way.
func (e *Engine) Ask(ctx context.Context, r Readied) (wrong []error) {
	var missing []int
	for _, i := range slices.Sorted(maps.Keys(r.kept)) {
		n := r.kept[i]
		if r.PSK[n.SSID] = e.secretFor(ctx, n, r.Host.Networks[i].Security); r.PSK[n.SSID].IsZero() {
			missing = append(missing, i)
		}
	}
	return r.unknown(missing)
}

// Guarded is an error about a saved host; it is *Refused when a new key is
// not made without a yes.
func Guarded(err error) error {
	var b *inspect.Broken
	if errors.As(err, &b) {
		for _, p := range b.Problems {
			if p.Kind == inspect.NoKey {
				return &Refused{err}
			}
		}
	}
	return err
}

// unknown are the networks of a host, by number, whose passwords are nowhere.
func (r Readied) unknown(networks []int) (wrong []error) {
	for _, i := range networks {
		field := fmt.Sprintf("networks[%d].ssid", i)
		if r.place != nil {
			field = r.place(field)
		}
		wrong = append(wrong, &Lacking{unknownPassword(field, r.Host.Networks[i].SSID)})
	}
	return wrong
}

// unknownPassword is a Wi-Fi network whose password is nowhere.
func unknownPassword(place, ssid string) error {
	return &fault.Error{Headline: fmt.Sprintf("%s: the password of the Wi-Fi network %q is not known", place, ssid), Todo: fault.Todo{
		"Answer the questions once: run piwiz, and choose the networks on the Wi-Fi page.",
		"Or join it once on this computer with a program whose networks piwiz can read: NetworkManager, or iwd if your user may read " + iwd.Dir + ".",
	}}
}

// fillIn adds what is missing of the Wi-Fi secrets from the networks this
// computer knows, and gives the numbers of those that nothing here knows.
func (e *Engine) fillIn(ctx context.Context, r *Readied) (missing []int) {
	psk := map[string]wifi.Secret{}
	r.kept = map[int]wifi.Network{}
	var known []wifi.Network
	for i, n := range r.Host.Networks {
		if n.Security == wifi.Open {
			continue
		}
		if secret, ok := r.PSK[n.SSID]; ok {
			psk[n.SSID] = secret
			continue
		}
		if known == nil {
			known, _, _ = e.Networks(ctx) // what cannot be read is not known
		}
		for _, k := range known {
			switch {
			case k.SSID != n.SSID || !psk[n.SSID].IsZero():
			case k.Kept != "":
				r.kept[i], r.From = k, k.From
			default:
				if k, err := k.As(n.Security); err == nil {
					psk[n.SSID], r.From = k.Secret, k.From
				}
			}
		}
		if !psk[n.SSID].IsZero() {
			delete(r.kept, i)
		} else if _, there := r.kept[i]; !there {
			missing = append(missing, i)
		}
	}
	r.PSK = psk
	return missing
}

// secretFor is the secret of a network that a program keeps, for joining it in
// this way; zero where it is not given.
func (e *Engine) secretFor(ctx context.Context, k wifi.Network, s wifi.Security) (secret wifi.Secret) {
	k, err := e.AskSecret(ctx, k)
	if err != nil {
		slog.Info("a Wi-Fi password is missing", "error", err)
		return secret
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
func (e *Engine) identity(s hostfile.Saved) (keypair.Pair, error) {
	old, err := e.Store.Load(s.Host.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return keypair.Pair{}, err
	}
	but := []inspect.Kind{inspect.NoPassword}
	if s.NewKey {
		but = append(but, inspect.NoKey)
	}
	if err := old.Usable(but...); err != nil {
		return keypair.Pair{}, Guarded(err)
	}
	switch {
	case s.NewKey:
	case !old.Identity.IsZero():
		return old.Identity, nil
	case !s.Identity.IsZero():
		return s.Identity, nil
	}
	id, err := keypair.ForHost(s.Host.Name)
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

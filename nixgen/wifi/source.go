package wifi

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Source is one program of this computer that keeps Wi-Fi networks.
//
// Read never asks for a password or a permission. fs.ErrNotExist says that the
// program keeps nothing here, fs.ErrPermission that the rest of what it keeps
// is the administrator's; what was found before is given as well.
//
// FromFiles makes networks of files that root read, by path. Those of other
// programs are none of its, and what belongs to other users than this one is
// skipped; "" is everybody.
type Source interface {
	Read(ctx context.Context) (Found, error)
	FromFiles(files map[string][]byte, user string) ([]Network, []Problem)
}

// Found is what a source has, and where.
type Found struct {
	Name     string // of the program
	Where    string // a folder, or "over D-Bus"
	Networks []Network
	Problems []Problem
	Air      map[string]Evidence // what it knows about access points in range, by SSID
}

// Problem is a file that was skipped, and why. The error never holds any of
// the file's content.
type Problem struct {
	File string
	Err  error
}

func (p Problem) Error() string { return p.File + ": " + p.Err.Error() }
func (p Problem) Unwrap() error { return p.Err }

// With gives the network a password or key, as a source keeps it. Where SAE
// was saved and the text is no WPA2 passphrase, the network takes WPA3 alone:
// a router that speaks both takes one password for both.
func (n Network) With(text string) (Network, error) {
	n.Kept, n.Lacks = "", ""
	switch bad := CheckPassphrase(text); {
	case n.Evidence&(SavedPSK|SavedSAE) == SavedSAE && bad != nil:
		if err := checkSAE(text); err != nil {
			return n, err
		}
		n.Evidence |= NoTransition
		n.Security, n.Secret, n.Passphrase = WPA3, Secret{text}, Secret{text}
		return n, nil
	case bad == nil:
		n.Passphrase = Secret{text}
	}
	security := n.Security
	n.Security = WPA2
	var err error
	if n.Secret, err = PSK(text, n.SSID); err != nil {
		return n, err
	}
	return n.As(security)
}

// Merge makes one network of those with one name and one kind of protection,
// the first where the first of them was. The secret is the best one: of the
// network in use, else a password, else a key, else one that can be asked for;
// of two as good ones that of the profile used last.
func Merge(found []Network) []Network {
	var out []Network
	for _, n := range found {
		i := slices.IndexFunc(out, func(o Network) bool { return o.SSID == n.SSID && o.Security == n.Security })
		if i < 0 {
			out = append(out, n)
			continue
		}
		a, b := out[i], n
		if b.worth() > a.worth() || b.worth() == a.worth() && b.LastUsed.After(a.LastUsed) {
			a, b = b, a
		}
		a.Hidden = a.Hidden || b.Hidden
		a.Connected = a.Connected || b.Connected
		a.Evidence |= b.Evidence
		if b.LastUsed.After(a.LastUsed) {
			a.LastUsed = b.LastUsed
		}
		a.From = out[i].From
		if !slices.Contains(strings.Split(a.From, ", "), n.From) {
			a.From += ", " + n.From
		}
		out[i] = a
	}
	return out
}

// worth is how good the secret is; that of the network in use is known to work.
func (n Network) worth() int {
	w := 0
	switch {
	case !n.Passphrase.IsZero():
		w = 3
	case !n.Secret.IsZero():
		w = 2
	case n.Kept != "":
		w = 1
	}
	if n.Connected && w > 0 {
		w += 4
	}
	return w
}

// Usable tells whether the network can be handed to a Pi: its secret is here,
// can be asked for, or there is none.
func (n Network) Usable() bool {
	return n.Security == Open || !n.Secret.IsZero() || n.Kept != ""
}

// Search is a source that was asked, and how that ended.
type Search struct {
	Found
	Missing, Locked bool
}

// Places says where networks were searched for, and what was found where: in one
// line, and in one for each place.
type Places struct {
	Line string
	Each []string
}

// Searched tells of these searches, in their order.
func Searched(searches []Search) (p Places) {
	var some, locked, none []string
	for _, l := range searches {
		n := len(Merge(l.Networks))
		what := fmt.Sprintf("%d networks", n)
		switch {
		case n == 1:
			what = "1 network"
		case l.Missing:
			what = "not used on this computer"
		case n == 0:
			what = "no network"
		}
		switch {
		case n > 0:
			some = append(some, fmt.Sprintf("%s %d", l.Name, n))
		case l.Locked:
			locked = append(locked, l.Name)
		default:
			none = append(none, l.Name)
		}
		if l.Locked && n == 0 {
			what = "only the administrator may read it"
		} else if l.Locked {
			what += ", and more that only the administrator may read"
		}
		where := l.Name
		if l.Where != "" && !l.Missing {
			where += " (" + l.Where + ")"
		}
		p.Each = append(p.Each, where+": "+what)
	}
	var parts []string
	if some != nil {
		parts = append(parts, strings.Join(some, ", "))
	}
	if locked != nil {
		parts = append(parts, strings.Join(locked, ", ")+": locked")
	}
	if none != nil {
		parts = append(parts, strings.Join(none, ", ")+": none")
	}
	p.Line = strings.Join(parts, "; ")
	return p
}

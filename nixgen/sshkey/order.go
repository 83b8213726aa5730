package sshkey

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/shell"
)

// rank says of each key what ssh does with it. A key that it can use, but tries
// too late or not at all, needs -i.
func (f *finder) rank(order []string) {
	tried := 0
	for _, fp := range f.order {
		k := f.known[fp]
		if k.Use != Here {
			continue
		}
		switch {
		case f.config.Never:
			k.Why = "your SSH configuration says PubkeyAuthentication no"
		case !f.accepts(k):
			k.Why = "your SSH configuration does not accept this type of key"
		case k.File != "":
			k.Why = "ssh does not offer it by itself; log in with: ssh -i " + shell.Quote(k.File)
		default:
			k.Why = "your SSH configuration keeps ssh from offering it (IdentitiesOnly)"
		}
	}
	for _, fp := range order {
		k := f.known[fp]
		if !f.accepts(k) {
			continue
		}
		if tried++; k.Use != Here || !f.signs[fp] {
			continue
		}
		switch {
		case tried <= tries:
			k.Use, k.Why = Offered, ""
		case k.File != "":
			k.Why = fmt.Sprintf("ssh tries %d other keys first, which is too many; log in with: ssh -o IdentitiesOnly=yes -i %s", tried-1, shell.Quote(k.File))
		default:
			k.Why = fmt.Sprintf("ssh tries %d other keys first, which is too many", tried-1)
		}
	}
	slices.SortStableFunc(f.order, func(a, b string) int {
		return cmp.Or(cmp.Compare(place(order, f.known[a]), place(order, f.known[b])), cmp.Compare(rank(f.known[a]), rank(f.known[b])))
	})
}

// accepts tells whether ssh would offer a key.
func (f *finder) accepts(k *PublicKey) bool { return f.config.Accepts(k.Type, bits(*k)) }

// place is a key's place among those that ssh logs in with, behind them all
// for another one.
func place(order []string, k *PublicKey) int {
	if i := slices.Index(order, k.Fingerprint); i >= 0 && k.Use == Offered {
		return i
	}
	return len(order)
}

// rank orders the keys that ssh does not offer.
func rank(k *PublicKey) int {
	switch {
	case k.Use == Here && strings.HasPrefix(filepath.Base(k.File), "id_"):
		return 0
	case k.Use == Here:
		return 1
	case k.Use == Elsewhere:
		return 2
	}
	return 3
}

func (f *finder) sorted() (out []PublicKey) {
	for _, fp := range f.order {
		out = append(out, *f.known[fp])
	}
	return out
}

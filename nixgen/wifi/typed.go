package wifi

import (
	"errors"
	"strings"
	"unicode"
)

// Typed makes a network of what a user typed in.
func Typed(ssid, passphrase string, security Security, hiddenName bool) (Network, error) {
	n := Network{SSID: ssid, Security: security, Hidden: hiddenName}
	if err := CheckSSID(ssid); err != nil {
		return n, err
	}
	switch security {
	case Open:
		if passphrase != "" {
			return n, errors.New("an open network has no password; leave it empty, or choose WPA2")
		}
	case WPA3:
		if err := checkSAE(passphrase); err != nil {
			return n, err
		}
		n.Secret, n.Passphrase = Secret{passphrase}, Secret{passphrase}
	default:
		key, err := PSK(passphrase, ssid)
		if err != nil {
			return n, err
		}
		n.Secret = key
		if len(passphrase) < 64 {
			n.Passphrase = Secret{passphrase}
		}
	}
	return n, nil
}

// Odd says what in a typed name or password cannot be seen, and is therefore
// often there by mistake: a blank at an edge, a blank that is no ordinary one,
// a character without a picture. what goes on after "the password"; without is
// the text as it was probably meant. Both are "" and the text where all can be
// seen. What joins and colours emoji is part of them and not odd.
func Odd(text string) (what, without string) {
	without = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200d', unicode.Is(unicode.Variation_Selector, r):
			return r
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp), r == '\u3164':
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, text)
	if without != text {
		what = "contains a character that cannot be seen"
	}
	seen := without
	without = strings.TrimSpace(seen)
	switch begins, ends := strings.TrimLeft(seen, " \t") != seen, strings.TrimRight(seen, " \t") != seen; {
	case what != "":
	case begins && ends:
		what = "begins and ends with a space"
	case begins:
		what = "begins with a space"
	case ends:
		what = "ends in a space"
	}
	return what, without
}

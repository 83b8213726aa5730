package wifi

import "fmt"

// Evidence is what is known about how a network is protected. That no key is
// kept is not in it: iwd keeps none when it joined by SAE, and it joins a
// router that speaks WPA2 and WPA3 at once by SAE.
type Evidence uint8

const (
	SavedPSK     Evidence = 1 << iota // joined or set up as WPA2, which may be mixed
	SavedSAE                          // joined or set up by SAE: WPA3 only, or mixed
	NoTransition                      // the network itself said that WPA2 is off for good
	AirPSK                            // an access point in range takes WPA2
	AirSAE                            // an access point in range accepts WPA3
)

// Security is how a Pi should join a network with a password. WPA2 unless WPA3
// alone is known: every board has WPA2, and so has a mixed router.
//
// One access point with WPA2 is enough for WPA2. What a network said about
// itself while this computer was on it counts more than what is in the air,
// which anybody can send.
func (e Evidence) Security() Security {
	if e&NoTransition != 0 || e&(AirPSK|AirSAE) == AirSAE {
		return WPA3
	}
	return WPA2
}

// Doubt is what to tell a user about the choice, "" when it is certain.
func (e Evidence) Doubt() string {
	if e&(SavedSAE|SavedPSK|NoTransition|AirPSK|AirSAE) == SavedSAE {
		return "If your router is set to WPA3 only, choose WPA3."
	}
	return ""
}

// As gives the network as it is joined in another way. It is an error when
// the secret that is known does not serve for that.
func (n Network) As(s Security) (Network, error) {
	was := n.Security
	n.Security = s
	switch {
	case s == was:
		return n, nil
	case s == Open || was == Open:
		return n, fmt.Errorf("%q is not an open network as well; type it in", n.SSID)
	case n.Secret.IsZero():
		return n, nil // it has still to be asked for
	case n.Passphrase.IsZero():
		return n, fmt.Errorf("only the WPA2 key of %q is known, and WPA3 needs the password itself; type it in", n.SSID)
	case s == WPA3:
		n.Secret = n.Passphrase
		return n, checkSAE(n.Passphrase.text)
	}
	var err error
	n.Secret, err = PSK(n.Passphrase.text, n.SSID)
	return n, err
}

// Weigh adds what is in the air, by SSID, to what is known about networks and
// decides again. A network that cannot be joined as the air says becomes a
// problem.
func Weigh(found []Network, air map[string]Evidence) ([]Network, []Problem) {
	var out []Network
	var problems []Problem
	for _, n := range found {
		if n.Security != Open {
			n.Evidence |= air[n.SSID]
			m, err := n.As(n.Evidence.Security())
			if err != nil {
				problems = append(problems, Problem{n.File, err})
				continue
			}
			n = m
		}
		out = append(out, n)
	}
	return out, problems
}

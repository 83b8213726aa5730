package nixgen

import (
	"slices"
	"strings"

	"piwiz/nixgen/region"
	"piwiz/nixgen/wifi"
)

// Doubt is a combination of answers that is sound and would still be a mistake
// in most homes. It is built only after a clear yes, which Host.Confirmed keeps:
// every face asks for the same ones, in the same words.
type Doubt struct {
	Key  string // what it is about, too: a yes for one network is none for another
	Text string // what will happen, and the ways out
}

// isDoubt tells whether there may be a doubt with this key.
func isDoubt(key string) bool {
	about, what, _ := strings.Cut(key, "=")
	switch about {
	case "no-country":
		return key == about
	case "no-network":
		return checkBoard(Board(what)) == ""
	case "wpa3-only":
		return wifi.CheckSSID(what) == nil
	case "release":
		return what != "" && checkRelease(what) == ""
	}
	return false
}

// IsWPA3Only tells whether it is about a network that accepts only WPA3.
func (d Doubt) IsWPA3Only() bool { return strings.HasPrefix(d.Key, "wpa3-only=") }

// Doubts are those that nobody said yes to yet.
func (h Host) Doubts() []Doubt {
	return slices.DeleteFunc(h.doubts(), func(d Doubt) bool { return slices.Contains(h.Confirmed, d.Key) })
}

func (h Host) doubts() []Doubt {
	var out []Doubt
	if len(h.Networks) == 0 {
		if text := h.Board.about().noNetwork(); text != "" {
			out = append(out, Doubt{"no-network=" + string(h.Board), text})
		}
	} else if h.Country == "" {
		out = append(out, Doubt{"no-country", "No country is chosen for Wi-Fi: the Pi then avoids the channels that are not allowed everywhere, and may not find a network on 5 GHz or on channels 12 and 13. Choose the country."})
	}
	for _, a := range WifiAdvice(h.Board, h.Networks) {
		if a.Ask {
			out = append(out, Doubt{"wpa3-only=" + a.SSID, a.Text})
		}
	}
	r := h.Born().Release
	if text := otherRelease(r); text != "" {
		out = append(out, Doubt{"release=" + r, text})
	}
	return out
}

// Confirm is a host with a yes to these doubts. What nobody doubts any more is
// dropped, so that a yes of long ago does not count for other answers.
func (h Host) Confirm(keys ...string) Host {
	var said []string
	for _, d := range h.doubts() {
		if slices.Contains(h.Confirmed, d.Key) || slices.Contains(keys, d.Key) {
			said = append(said, d.Key)
		}
	}
	h.Confirmed = said
	return h
}

// Notes are what to know about the answers before a build: nothing to say yes to.
func (h Host) Notes() []string {
	var out []string
	for _, a := range WifiAdvice(h.Board, h.Networks) {
		if !a.Ask {
			out = append(out, a.Text)
		}
	}
	if name, complaint := region.Locale(h.Locale); h.Locale != "" && complaint == "" && name != "en_US.UTF-8" && name != "C.UTF-8" {
		out = append(out, "The locale "+name+" is not in the binary cache of NixOS: building it takes minutes. en_US.UTF-8 is ready-made; in what piwiz sets up, only the language of messages differs.")
	}
	return out
}

package nixcache

import (
	"errors"
	"strings"
	"testing"
)

// What a server says is shown, but a terminal does not obey it.
func TestWhatAServerSaysCannotSteerTheTerminal(t *testing.T) {
	err := tell("/nix/store/"+strings.Repeat("a", 32)+"-nix", []*sourceError{{kind: offline, address: "https://x", err: errors.New("evil\x1b[2J\r\u009b1mtext")}})
	if strings.ContainsAny(err.Error(), "\x1b\r\u009b") || !strings.Contains(err.Error(), "evil[2J1mtext") {
		t.Errorf("%q", err)
	}
}

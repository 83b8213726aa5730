package place

import "testing"

func TestTheLineOfAnOptionIsFound(t *testing.T) {
	text := "{ pkgs, ... }:\n{\n  # x.y.z\n  networking.hostName = \"a\";\n  services.avahi.enable = true;\n  x = {\n    y.z = 1;\n  };\n}\n"
	for name, want := range map[string]int{
		"networking.hostName": 4, "services.avahi.enable": 5, "x.y.z": 7, "not.there": 0, "": 0,
	} {
		if got := lineOf(text, name); got != want {
			t.Errorf("%s: line %d, want %d", name, got, want)
		}
	}
}

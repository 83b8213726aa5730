package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// wireless is what a host's module says under networking.wireless.
type wireless struct {
	Interfaces       []string
	SecretsFile      string
	ExtraConfig      string
	ExtraConfigFiles []string
	Networks         map[string]struct {
		PskRaw, Auth, ExtraConfig string
		AuthProtocols             []string
		Hidden                    bool
		Priority                  *int
	}
}

// evaluate reads a module with Nix itself.
func evaluate(rig, module string) (w wireless, err error) {
	expr := "(import " + module + " { lib = { mkForce = x: x; }; pkgs = { coreutils = 1; gnugrep = 1; }; modulesPath = /m; }).networking.wireless"
	out, err := exec.Command(rig+"/nix/bin/nix-instantiate", "--store", "dummy://", "--eval", "--strict", "--json", "-E", expr).Output()
	if err != nil {
		return w, fmt.Errorf("evaluate %s: %w", module, err)
	}
	return w, json.Unmarshal(out, &w)
}

// conf is /etc/wpa_supplicant/nixos.conf as the module of nixpkgs writes it for
// those options (nixos/modules/services/networking/wpa_supplicant.nix, as of
// release 26.05), and the arguments that go with it.
//
// There is no ctrl_interface, as userControlled is off; pmf=1 makes protected
// management frames optional in every network that says nothing else; a name
// is quoted and nothing in it escaped; SAE beside another protocol would make
// a second network of the same name without SAE (fallbackToWPA2).
func (w wireless) conf() (text, arguments string) {
	var b strings.Builder
	for _, ssid := range slices.Sorted(maps.Keys(w.Networks)) {
		n := w.Networks[ssid]
		protocols := "NONE"
		if n.PskRaw != "" || n.Auth != "" {
			protocols = strings.Join(n.AuthProtocols, " ")
		}
		lines := []string{`ssid="` + ssid + `"`, "key_mgmt=" + protocols}
		if n.Hidden {
			lines = append(lines, "scan_ssid=1")
		}
		if n.PskRaw != "" {
			lines = append(lines, "psk="+n.PskRaw)
		}
		lines = append(lines, strings.Split(n.Auth, "\n")...)
		if n.Priority != nil {
			lines = append(lines, fmt.Sprintf("priority=%d", *n.Priority))
		}
		lines = append(lines, strings.Split(n.ExtraConfig, "\n")...)
		b.WriteString("network={\n")
		for _, line := range lines {
			if line != "" {
				b.WriteString("  " + line + "\n")
			}
		}
		b.WriteString("}\n\n")
	}
	b.WriteString("pmf=1\next_password_backend=file:" + w.SecretsFile + "\nbgscan=\"simple:30:-70:3600\"\n" + w.ExtraConfig)
	for _, file := range w.ExtraConfigFiles {
		arguments += " -I " + file
	}
	return b.String(), arguments
}

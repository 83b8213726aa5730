package nixgen

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"piwiz/nixgen/nixstr"
	"piwiz/nixgen/region"
	"piwiz/nixgen/wifi"
)

//go:embed firstboot.sh
var firstBoot string

// File is one file of a host's flake.
type File struct {
	Name string
	Text string
	Once bool // made once, then the user's own: never overwritten
}

// Files renders the flake of a host. The error is *Invalid when answers must
// be changed first.
func Files(h Host) ([]File, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	h = h.Born()
	module, err := module(h)
	if err != nil {
		return nil, err
	}
	return []File{
		{"flake.nix", flake(h), false},
		{"piwiz.nix", module, false},
		{"configuration.nix", own(h), true},
	}, nil
}

func flake(h Host) string {
	return fmt.Sprintf(`# Written by piwiz. What you want to add goes into configuration.nix.
{
  description = "Raspberry Pi host %[1]s";

  # The channel branch: everything on it is in the binary cache.
  inputs.nixpkgs.url = "%[2]s";

  outputs = { self, nixpkgs }: {
    nixosConfigurations.%[3]s = nixpkgs.lib.nixosSystem {
      modules = [ ./piwiz.nix ./configuration.nix ];
    };
  };
}
`, h.Name, flakeOf(h.Release), nixstr.Attr(h.Name))
}

func own(h Host) string {
	return fmt.Sprintf(`# This file is yours: piwiz made it once and never changes it again.
# Add what %[1]s should do, for example:
#
#   environment.systemPackages = [ pkgs.htop ];
#   services.nginx.enable = true;
#
# All options: https://search.nixos.org/options?channel=%[2]s
{ config, lib, pkgs, ... }:
{
}
`, h.Name, h.Release)
}

// writer collects lines and the first error of a quoting.
type writer struct {
	strings.Builder
	err error
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.Builder, format+"\n", args...) }

// str quotes a value; the first failure is kept.
func (w *writer) str(field, s string) string {
	q, err := nixstr.Quote(s)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("%s: %w", field, err)
	}
	return q
}

func module(h Host) (string, error) {
	w := &writer{}
	w.line("# Written by piwiz from the answers about %s.", h.Name)
	w.line("# It is written again when they change: add to configuration.nix instead.")
	w.line("{ lib, pkgs, modulesPath, ... }:")
	w.line("{")
	w.line(`  imports = [ (modulesPath + "/installer/sd-card/sd-image-aarch64.nix") ];`)
	w.line("")
	w.line(`  nixpkgs.hostPlatform = "aarch64-linux";`)
	w.line(`  system.stateVersion = "%s";`, h.StateVersion)
	w.line("")
	w.line("  # the image")
	w.line("  image.baseName = %s;", w.str("name", "piwiz-"+h.Name))
	w.line("  # it is written at once; not to pack it saves minutes of emulated work")
	w.line("  sdImage.compressImage = false;")
	w.line("  # not for a Pi, and often too old for its kernel")
	w.line("  boot.supportedFilesystems.zfs = lib.mkForce false;")
	w.line("  # only root may read it")
	w.line(`  fileSystems."/boot/firmware".options = [ "umask=0077" ];`)
	w.line("  documentation.nixos.enable = false;")
	w.board(h.Board.about())
	w.line("")
	w.line("  # identity")
	w.line("  networking.hostName = %s;", w.str("name", h.Name))
	zone, _ := region.Zone(h.TimeZone) // an old name is no less a name
	w.optional("time.timeZone", zone)
	w.optional("i18n.defaultLocale", h.Locale)
	w.optional("console.keyMap", h.Keymap)
	w.wifi(h)
	w.firstBoot()
	w.access(h)
	w.line("}")
	return w.String(), w.err
}

// board writes what a board has of its own.
func (w *writer) board(b BoardInfo) {
	if b.Nix != "" {
		w.line("")
		w.line("  # of the %s", b.Title)
		for line := range strings.Lines(b.Nix) {
			w.line("  %s", strings.TrimRight(line, "\n"))
		}
	}
}

func (w *writer) optional(option, value string) {
	if value != "" {
		w.line("  %s = %s;", option, w.str(option, value))
	}
}

// Where the Pi keeps the Wi-Fi keys, and the networks that take WPA3 alone.
const (
	wifiSecrets = "/var/lib/piwiz/wireless.conf"
	wifiSAE     = "/var/lib/piwiz/wpa3.conf"
)

// wifi writes the networks. A WPA2 key is an external secret of
// wpa_supplicant: the module has its name only.
//
// A password for SAE cannot be one. wpa_supplicant (2.11, and the same in the
// sources of 2.12) uses an external secret for SAE only while it computes the
// exchange itself and in the older way: not for hash-to-element
// (wpa_s_setup_sae_pt), nor when the driver does it (SAE_OFFLOAD_STA in
// wpas_start_assoc_cb), as the Pi's does. So such a network is skipped here
// and is whole in a file of the Pi, which wpa_supplicant reads as well.
func (w *writer) wifi(h Host) {
	w.line("")
	w.line("  hardware.enableRedistributableFirmware = true; # the Wi-Fi chip needs it")
	if len(h.Networks) == 0 {
		return
	}
	var extra []string
	if h.Country != "" {
		extra = append(extra, "country="+h.Country)
	}
	sae := slices.ContainsFunc(h.Networks, isSAE)
	if sae {
		extra = append(extra, "sae_pwe=2") // both ways to the password element
	}
	w.line("")
	w.line("  # Wi-Fi: only the names of the secrets are here, never a secret")
	w.line("  networking.wireless = {")
	w.line("    enable = true;")
	w.line(`    interfaces = [ "wlan0" ];`)
	w.line("    secretsFile = %q;", wifiSecrets)
	if sae {
		w.line("    extraConfigFiles = [ %q ]; # the WPA3 networks", wifiSAE)
	}
	if len(extra) > 0 {
		w.line("    extraConfig = %s;", w.str("country", strings.Join(extra, "\n")))
	}
	for i, n := range h.Networks {
		if !isSAE(n) {
			w.network(n, priority(h, i))
		}
	}
	w.line("  };")
	if sae {
		w.line("  # not every release lets the service see that file")
		w.line("  systemd.services.wpa_supplicant-wlan0.serviceConfig = {")
		w.line("    BindReadOnlyPaths = [ %q ];", wifiSAE)
		w.line("  };")
	}
}

func isSAE(n Network) bool { return n.Security == wifi.WPA3 }

// priority of network i: the first one is tried first.
func priority(h Host, i int) int { return len(h.Networks) - i }

func (w *writer) network(n Network, priority int) {
	w.line("    networks.%s = {", w.str("network", n.SSID))
	if n.Security == wifi.Open {
		w.line(`      authProtocols = [ "NONE" ];`)
	} else {
		// never SAE beside it: wpa_supplicant would prefer that and fail with a key
		w.line("      pskRaw = %q;", "ext:"+secretName(n))
		w.line(`      authProtocols = [ "WPA-PSK" ];`)
	}
	if n.Hidden {
		w.line("      hidden = true;")
	}
	w.line("      priority = %d;", priority)
	w.line("    };")
}

// The unit must run before whatever reads what it installs: without the
// secrets file the Wi-Fi service fails for good, and without the host key
// sshd makes one of its own.
func (w *writer) firstBoot() {
	w.line("")
	w.line("  # moves what piwiz wrote to FIRMWARE:/piwiz to its place")
	w.line("  systemd.services.piwiz-firstboot = {")
	w.line(`    description = "Install the secrets left on the firmware partition";`)
	w.line(`    wantedBy = [ "multi-user.target" ];`)
	w.line("    before = [")
	for _, unit := range []string{"wpa_supplicant-wlan0", "sshd-keygen", "sshd"} {
		w.line(`      "%s.service"`, unit)
	}
	w.line("    ];")
	w.line(`    unitConfig.WantsMountsFor = [ "/boot/firmware" ];`)
	w.line("    serviceConfig = {")
	w.line(`      Type = "oneshot";`)
	w.line("      RemainAfterExit = true;")
	w.line("    };")
	w.line("    path = [ pkgs.coreutils pkgs.gnugrep ];")
	w.line("    script = %s;", nixstr.Indented(firstBoot, "    "))
	w.line("  };")
	for _, unit := range []string{"sshd-keygen", "sshd"} {
		w.line("  systemd.services.%s = {", unit)
		w.line(`    wants = [ "piwiz-firstboot.service" ];`)
		w.line(`    after = [ "piwiz-firstboot.service" ];`)
		w.line("  };")
	}
}

func (w *writer) access(h Host) {
	w.line("")
	w.line("  # reachable as %s.local, by key only", h.Name)
	w.line("  services.openssh = {")
	w.line("    enable = true;")
	w.line("    settings.PasswordAuthentication = false;")
	w.line("    settings.KbdInteractiveAuthentication = false;")
	w.line(`    settings.PermitRootLogin = "no";`)
	w.line("    hostKeys = [")
	w.line(`      { path = "/etc/ssh/ssh_host_ed25519_key"; type = "ed25519"; }`)
	w.line("    ];")
	w.line("  };")
	w.line("  services.avahi = {")
	w.line("    enable = true;")
	w.line("    nssmdns4 = true;")
	w.line("    publish = { enable = true; addresses = true; workstation = true; };")
	w.line("  };")
	w.line("")
	w.line("  users.mutableUsers = false;")
	w.line("  users.users.%s = {", nixstr.Attr(h.User))
	w.line("    isNormalUser = true;")
	w.line(`    extraGroups = [ "wheel" ];`)
	w.line("    openssh.authorizedKeys.keys = [")
	for _, k := range h.Keys {
		w.line("      %s", w.str("keys", k))
	}
	w.line("    ];")
	w.line("  };")
	w.line("  # there is no password, so sudo cannot ask for one")
	w.line("  security.sudo.wheelNeedsPassword = false;")
	w.line("  nix.settings = {")
	w.line(`    experimental-features = [ "nix-command" "flakes" ];`)
	w.line(`    trusted-users = [ "root" "@wheel" ];`)
	w.line("  };")
	w.line("")
	w.line("  zramSwap.enable = true;")
}

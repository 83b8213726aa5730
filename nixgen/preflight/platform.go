package preflight

import (
	"context"
	"errors"
	"slices"

	"piwiz/nixgen/aarch64"
)

// Platform says whether Nix will build for the Pi when this user asks for it.
func (c Computer) Platform(ctx context.Context) (string, error) {
	store, _, err := info(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return "", err
	case err != nil:
		return "", ErrEarlier
	case store.Trusted():
		return "Nix lets you build for the Pi's processor.", nil
	}
	set, err := settingsOf(ctx, !store.Direct())
	switch {
	case errors.Is(err, context.Canceled):
		return "", err
	case err == nil && set.System == aarch64.System:
		return "This Nix builds for the Pi's processor natively.", nil
	case err == nil && slices.Contains(set.ExtraPlatforms, aarch64.System):
		return "Nix is set to build for the Pi's processor.", nil
	}
	return "", (&Problem{
		Headline: "Nix does not let you build for the Pi's processor.",
		Why:      "Your user (" + c.user + ") is not trusted by the Nix service, and its own settings do not name " + aarch64.System + ".",
		Err:      err,
	}).with(c.setting("extra-extra-platforms", aarch64.System, "boot.binfmt.emulatedSystems"))
}

// setting adds a value to a list in the daemon's settings. A name with
// "extra-" before it adds to what is there. Source: NixOS/nix nix.conf(5).
func (c Computer) setting(name, value, nixos string) remedy {
	if c.system.Is("nixos") {
		return line(nixos + ` = [ "` + value + `" ];`)
	}
	file := "/etc/nix/nix.conf"
	if c.has("etc/nix/nix.custom.conf") { // Determinate Nix rewrites nix.conf
		file = "/etc/nix/nix.custom.conf"
	}
	add := `printf '\n` + name + " = " + value + `\n' | sudo tee -a ` + file
	if c.unit("nix-daemon.service") {
		return remedy{command: add + " && sudo systemctl restart nix-daemon.service"}
	}
	return remedy{[]string{"Then restart the Nix service (nix-daemon), so that it reads its settings."}, add}
}

package preflight

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"piwiz/nixgen/aarch64"
)

// settings are those of nix.conf that matter here.
type settings struct {
	System         struct{ Value string }
	ExtraPlatforms struct{ Value []string } `json:"extra-platforms"`
	BuildDir       struct{ Value string }   `json:"build-dir"`
	AllowedUsers   struct{ Value []string } `json:"allowed-users"`
}

// settingsOf reads the settings of this user's Nix or, with system, those the
// daemon reads: it knows neither the user's files nor the environment.
func settingsOf(ctx context.Context, system bool) (s settings, err error) {
	var env []string
	if system {
		env = slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "NIX_CONFIG=") || strings.HasPrefix(v, "NIX_CONF_DIR=") || strings.HasPrefix(v, "NIX_USER_CONF_FILES=")
		})
		env = append(env, "NIX_USER_CONF_FILES=")
	}
	_, err = ask(ctx, env, &s, []string{"config", "show"}, []string{"show-config"})
	return s, err
}

// Platform says whether Nix will build for the Pi when this user asks for it.
func (c Computer) Platform(ctx context.Context) (string, error) {
	store, _, err := c.store.info(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return "", err
	case err != nil:
		return "", ErrEarlier
	case store.Trusted():
		return "You may tell Nix to build for the Pi's processor.", nil
	}
	set, err := settingsOf(ctx, !store.Direct())
	switch {
	case errors.Is(err, context.Canceled):
		return "", err
	case err == nil && set.System.Value == aarch64.System:
		return "This Nix builds for the Pi's processor by nature.", nil
	case err == nil && slices.Contains(set.ExtraPlatforms.Value, aarch64.System):
		return "Nix is set to build for the Pi's processor.", nil
	}
	return "", (&Problem{
		Headline: "Nix may not build for the Pi's processor when you ask for it.",
		Why:      "Your user (" + c.user + ") is not trusted by the service of Nix, and its own settings do not name " + aarch64.System + ".",
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
	if c.has("etc/nix/nix.custom.conf") { // Determinate Nix writes nix.conf anew
		file = "/etc/nix/nix.custom.conf"
	}
	add := `printf '\n` + name + " = " + value + `\n' | sudo tee -a ` + file
	if c.unit("nix-daemon.service") {
		return remedy{command: add + " && sudo systemctl restart nix-daemon.service"}
	}
	return remedy{[]string{"Then start the service of Nix (nix-daemon) anew, so that it reads its settings."}, add}
}

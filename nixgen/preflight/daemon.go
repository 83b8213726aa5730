package preflight

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"piwiz/nixgen/nix"
)

// info asks for the store, with nix.Patience.
func info(ctx context.Context) (nix.Store, string, error) {
	ctx, stop := context.WithTimeout(ctx, nix.Patience)
	defer stop()
	return nix.AskStore(ctx)
}

// settingsOf asks for the settings, with nix.Patience.
func settingsOf(ctx context.Context, system bool) (nix.Settings, error) {
	ctx, stop := context.WithTimeout(ctx, nix.Patience)
	defer stop()
	return nix.AskSettings(ctx, system)
}

// Daemon says whether Nix can reach its store.
func (c Computer) Daemon(ctx context.Context) (string, error) {
	s, said, err := info(ctx)
	switch {
	case err == nil && s.Direct():
		return "Nix keeps its store by itself, without a service.", nil
	case err == nil:
		return "The Nix service answers.", nil
	case errors.Is(err, context.Canceled):
		return "", err
	}
	if _, old := c.Nix(ctx); old != nil {
		return "", ErrEarlier
	}
	return "", c.unreachable(ctx, said, err)
}

// unreachable is why it cannot, with what helps on this system.
func (c Computer) unreachable(ctx context.Context, said string, err error) *Problem {
	cause, headline := nix.Unreachable(ctx, said, err)
	p := &Problem{Headline: headline, Why: "The Nix store belongs to the system; its service (nix-daemon) builds for you.", Err: err}
	switch cause {
	case nix.Slow, nix.Stopped:
		return p.with(c.restart())
	case nix.Closes:
		p.Todo = []string{"If that does not help, see what it says: journalctl -u nix-daemon"}
		return p.with(c.restart())
	case nix.Forbidden:
		return p.with(c.setting("extra-allowed-users", c.user, "nix.settings.allowed-users"))
	case nix.NotPermitted:
		return c.notPermitted(p)
	case nix.NotRunning:
		return p.with(c.start())
	}
	p.Todo = []string{nix.Read}
	return p
}

// start is for a service that may never have been set up.
func (c Computer) start() remedy {
	switch {
	case c.system.Is("nixos"):
		return remedy{command: "sudo systemctl start nix-daemon.socket"}
	case c.unit("nix-daemon.socket"):
		return remedy{command: "sudo systemctl enable --now nix-daemon.socket"}
	case c.unit("nix-daemon.service"):
		return remedy{command: "sudo systemctl enable --now nix-daemon.service"}
	case c.packaged():
		return remedy{[]string{newMember}, "sudo apt-get install nix-setup-systemd && sudo usermod -aG nix-users " + c.user}
	case c.system.Is("fedora") && c.systemd:
		return remedy{command: "sudo dnf install nix-daemon && sudo systemctl enable --now nix-daemon.socket"}
	case c.systemd:
		return remedy{[]string{"This Nix came without its service: this installs it again, with the service."}, installer}
	}
	return remedy{todo: []string{"Start it as root and leave it running: sudo nix-daemon"}}
}

// restart stops before it starts: a socket cannot be restarted while its service runs.
func (c Computer) restart() remedy {
	switch {
	case c.system.Is("nixos"), c.unit("nix-daemon.socket"):
		return remedy{command: "sudo systemctl stop nix-daemon.service nix-daemon.socket; sudo systemctl start nix-daemon.socket"}
	case c.unit("nix-daemon.service"):
		return remedy{command: "sudo systemctl restart nix-daemon.service"}
	}
	return c.start()
}

// notPermitted finds out which group may use the socket.
func (c Computer) notPermitted(p *Problem) *Problem {
	gid := owner(nix.Socket())
	group, err := user.LookupGroupId(strconv.Itoa(gid))
	if gid <= 0 || err != nil {
		p.Why += " Its socket is closed to everybody but the administrator."
		return p.with(c.restart())
	}
	p.Why += " Only members of a group may ask it."
	if u, err := user.Current(); err == nil {
		if ids, err := u.GroupIds(); err == nil && slices.Contains(ids, group.Gid) {
			p.Headline = "You are in the group " + group.Name + " now, but this session began before that."
			p.Todo = []string{"Log out and in again, then start piwiz again."}
			return p
		}
	}
	if c.system.Is("nixos") {
		return p.with(line(`users.users.` + c.user + `.extraGroups = [ "` + group.Name + `" ];`))
	}
	return p.with(remedy{[]string{newMember}, "sudo usermod -aG " + group.Name + " " + c.user})
}

// owner is the group of what keeps this user from the socket: its folder, or
// the socket itself. -1 when neither can be seen.
func owner(socket string) int {
	for _, name := range []string{socket, filepath.Dir(socket)} {
		if st, err := os.Stat(name); err == nil {
			if sys, ok := st.Sys().(*syscall.Stat_t); ok {
				return int(sys.Gid)
			}
		}
	}
	return -1
}

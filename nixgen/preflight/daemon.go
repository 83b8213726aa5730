package preflight

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"piwiz/nixgen/nix"
)

// patience is how long Nix may take for an answer that costs it nothing.
const patience = 10 * time.Second

// info asks for the store, with patience.
func info(ctx context.Context) (nix.Store, string, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return nix.AskStore(ctx)
}

// settingsOf asks for the settings, with patience.
func settingsOf(ctx context.Context, system bool) (nix.Settings, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
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

// socket is where the daemon listens. Source: NixOS/nix src/libstore/globals.cc.
func (c Computer) socket() string {
	state := cmp.Or(os.Getenv("NIX_STATE_DIR"), filepath.Join(c.root, "nix/var/nix"))
	return cmp.Or(os.Getenv("NIX_DAEMON_SOCKET_PATH"), filepath.Join(state, "daemon-socket/socket"))
}

const whyDaemon = "The Nix store belongs to the system; its service (nix-daemon) builds for you."

// unreachable asks the kernel why: the same failure has other words in each
// version of Nix.
func (c Computer) unreachable(ctx context.Context, said string, err error) *Problem {
	conn, dial := net.DialTimeout("unix", c.socket(), time.Second)
	if dial == nil {
		_ = conn.Close() // only the answer counts
	}
	p := &Problem{Why: whyDaemon, Err: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		p.Headline = "Nix does not answer within " + patience.String() + "."
		return p.with(c.restart())
	case dial == nil && c.forbidden(ctx):
		p.Headline = "The Nix service closes the connection: its settings do not allow your user (" + c.user + ")."
		return p.with(c.setting("extra-allowed-users", c.user, "nix.settings.allowed-users"))
	case dial == nil && hungUp.MatchString(said):
		p.Headline = "The Nix service (nix-daemon) closes the connection."
		p.Todo = []string{"If that does not help, see what it says: journalctl -u nix-daemon"}
		return p.with(c.restart())
	case errors.Is(dial, syscall.EACCES):
		return c.notPermitted(p)
	case errors.Is(dial, syscall.ECONNREFUSED):
		p.Headline = "The Nix service (nix-daemon) has stopped: its socket is there, but nothing is listening."
		return p.with(c.restart())
	case errors.Is(dial, fs.ErrNotExist):
		p.Headline = "The Nix service (nix-daemon) is not running."
		return p.with(c.start())
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	p.Headline = "The Nix store does not answer: " + strings.TrimPrefix(first, "error: ")
	p.Todo = []string{"See its full message: nix --extra-experimental-features nix-command store info"}
	return p
}

// hungUp is how the versions of Nix say that the service ended the talk.
var hungUp = regexp.MustCompile(`Connection reset by peer|disconnected unexpectedly|unexpected end-of-file`)

// forbidden says whether the service's settings name its users, and not this
// one. Groups have an @ before their name.
func (c Computer) forbidden(ctx context.Context) bool {
	set, err := settingsOf(ctx, true)
	allowed := set.AllowedUsers
	return err == nil && len(allowed) > 0 && !slices.ContainsFunc(allowed, func(a string) bool {
		return a == "*" || a == c.user || strings.HasPrefix(a, "@")
	})
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

// restart begins anew: a socket cannot be restarted while its service runs.
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
	p.Headline = "Your user (" + c.user + ") may not use Nix on this computer."
	p.Why = whyDaemon + " Only members of a group may ask it."
	gid := owner(c.socket())
	group, err := user.LookupGroupId(strconv.Itoa(gid))
	if gid <= 0 || err != nil {
		p.Why = whyDaemon + " Its socket is closed to everybody but the administrator."
		return p.with(c.restart())
	}
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

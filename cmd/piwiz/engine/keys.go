package engine

import (
	"context"
	"os"
	"os/user"
	"path/filepath"

	"piwiz/flash/firstboot/sshconfig"
	"piwiz/nixgen"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/offer"
	"piwiz/nixgen/xdg"
)

// Keys asks ssh which keys it offers to the host, and lists those and all others
// of this user. Problems are files that could not be read.
func (e *Engine) Keys(ctx context.Context, h nixgen.Host) ([]sshkey.PublicKey, []error) {
	home, err := xdg.Home()
	if err != nil {
		return nil, []error{err}
	}
	asked := home // the home of ssh is the one in the user database
	if u, err := user.Current(); err == nil && u.HomeDir != "" {
		asked = u.HomeDir
	}
	name := h.Name + ".local"
	said, why := sshconfig.Ask(ctx, h.User, name)
	found, problems := sshkey.Find(ctx, filepath.Join(home, ".ssh"), offer.Read(said, h.User, name, asked, os.Getenv("SSH_AUTH_SOCK")))
	if why != nil {
		return found, append([]error{why}, errorsOf(problems)...)
	}
	return found, errorsOf(problems)
}

// MakeKey makes an ed25519 key pair for this user, in files of that name; it fails
// with sshkey.ErrExists where there are any.
func (e *Engine) MakeKey(name string) (sshkey.PublicKey, error) {
	home, err := xdg.Home()
	if err != nil {
		return sshkey.PublicKey{}, err
	}
	return sshkey.Make(filepath.Join(home, ".ssh"), name, Guess().User+"@piwiz")
}

// ReadKey reads the public keys in a file; a path may begin with ~/.
func (e *Engine) ReadKey(path string) ([]sshkey.PublicKey, error) {
	home, err := xdg.Home()
	if err != nil {
		return nil, err
	}
	return sshkey.ReadFile(path, home)
}

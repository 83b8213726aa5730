package nix

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Ask runs nix with --json and decodes the answer. Some commands were renamed:
// the first name that this Nix knows counts. said is what it said besides, the
// first 4 KiB. Env nil is the present environment.
func Ask(ctx context.Context, env []string, answer any, names ...[]string) (said string, err error) {
	for _, name := range names {
		var b strings.Builder
		out, err := Run(ctx, Command{Args: slices.Concat([]string{"--extra-experimental-features", "nix-command"}, name, []string{"--json"}), Env: env}, func(e Event) {
			if b.Len() < 4096 {
				b.WriteString(e.Text + "\n")
			}
		})
		said = b.String()
		switch {
		case err == nil:
			return said, json.Unmarshal(out, answer)
		case !strings.Contains(said, "is not a recognised command"):
			return said, err
		}
	}
	return said, errors.New("this Nix knows neither name of the command")
}

// Store is what nix says of the store that it opens. Source: NixOS/nix
// src/nix/store-info.cc.
type Store struct {
	URL   string
	Trust json.RawMessage `json:"trusted"` // a number before Nix 2.28, a truth value since; absent when Nix does not know
}

// AskStore asks nix for its store: "store info", which was "store ping" before
// Nix 2.19. said is as of Ask.
func AskStore(ctx context.Context) (s Store, said string, err error) {
	said, err = Ask(ctx, nil, &s, []string{"store", "info"}, []string{"store", "ping"})
	return s, said, err
}

// Trusted says that the store knows the user and trusts them.
func (s Store) Trusted() bool { return string(s.Trust) == "true" || string(s.Trust) == "1" }

// Distrusted says that the store knows the user and does not.
func (s Store) Distrusted() bool { return string(s.Trust) == "false" || string(s.Trust) == "0" }

// Direct says that Nix writes the store itself: no daemon, nobody to ask.
func (s Store) Direct() bool { return strings.HasPrefix(s.URL, "local") }

// Daemon says that root's nix-daemon answers.
func (s Store) Daemon() bool { return s.URL == "daemon" || strings.HasPrefix(s.URL, "unix:") }

package nix

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
)

// ask runs nix with --json and decodes the answer. Some commands were renamed:
// the first name that this Nix knows counts. said is what it said besides, the
// first 4 KiB. Env nil is the present environment.
func ask(ctx context.Context, env []string, answer any, names ...[]string) (said string, err error) {
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
// Nix 2.19. said is what nix said besides, the first 4 KiB. Whoever asks while
// the answer to another is on its way gets that one: of two programs that are
// the first ever to use a store, one can fail ("SQLite database is busy").
func AskStore(ctx context.Context) (s Store, said string, err error) { return presently.info(ctx) }

var presently question

type question struct {
	mu  sync.Mutex
	now *answer
}

type answer struct {
	done  chan struct{}
	store Store
	said  string
	err   error
}

// info asks, or waits for the answer to a question that is on its way.
func (q *question) info(ctx context.Context) (Store, string, error) {
	q.mu.Lock()
	a := q.now
	if a == nil {
		a = &answer{done: make(chan struct{})}
		q.now = a
		q.mu.Unlock()
		a.said, a.err = ask(ctx, nil, &a.store, []string{"store", "info"}, []string{"store", "ping"})
		q.mu.Lock()
		q.now = nil
		close(a.done)
	}
	q.mu.Unlock()
	select {
	case <-a.done:
	case <-ctx.Done():
		return Store{}, "", ctx.Err()
	}
	if ctx.Err() == nil && (errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded)) {
		return q.info(ctx) // it was asked by somebody who has left
	}
	return a.store, a.said, a.err
}

// Settings are those of nix.conf(5) that matter here.
type Settings struct {
	System         string
	ExtraPlatforms []string
	BuildDir       string
	AllowedUsers   []string
}

// AskSettings asks for the settings of this user's Nix or, with system, for
// those the daemon reads: it knows neither the user's files nor the environment.
// They were shown by "show-config" before Nix 2.20.
func AskSettings(ctx context.Context, system bool) (Settings, error) {
	var env []string
	if system {
		env = slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "NIX_CONFIG=") || strings.HasPrefix(v, "NIX_CONF_DIR=") || strings.HasPrefix(v, "NIX_USER_CONF_FILES=")
		})
		env = append(env, "NIX_USER_CONF_FILES=")
	}
	var s struct {
		System         struct{ Value string }
		ExtraPlatforms struct{ Value []string } `json:"extra-platforms"`
		BuildDir       struct{ Value string }   `json:"build-dir"`
		AllowedUsers   struct{ Value []string } `json:"allowed-users"`
	}
	_, err := ask(ctx, env, &s, []string{"config", "show"}, []string{"show-config"})
	return Settings{s.System.Value, s.ExtraPlatforms.Value, s.BuildDir.Value, s.AllowedUsers.Value}, err
}

// Trusted says that the store knows the user and trusts them.
func (s Store) Trusted() bool { return string(s.Trust) == "true" || string(s.Trust) == "1" }

// Distrusted says that the store knows the user and does not.
func (s Store) Distrusted() bool { return string(s.Trust) == "false" || string(s.Trust) == "0" }

// Direct says that Nix writes the store itself: no daemon, nobody to ask.
func (s Store) Direct() bool { return strings.HasPrefix(s.URL, "local") }

// Daemon says that root's nix-daemon answers.
func (s Store) Daemon() bool { return s.URL == "daemon" || strings.HasPrefix(s.URL, "unix:") }

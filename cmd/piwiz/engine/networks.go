package engine

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os/user"
	"slices"
	"sync"
	"time"

	"piwiz/cmd/piwiz/root"
	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/air"
	"piwiz/nixgen/wifi/files"
	"piwiz/nixgen/wifi/networkmanager"
	"piwiz/nixgen/wifi/sources"
)

// places is what the last search for networks found where.
type places struct {
	mu       sync.Mutex
	searched wifi.Places
}

// programs are the sources, in the order asked.
var programs = append([]wifi.Source{networkmanager.Source{}}, sources.All()...)

// search asks every source. fs.ErrPermission says that one of them has more,
// which takes administrator rights.
func search(ctx context.Context) (searches []wifi.Search, problems []wifi.Problem, err error) {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second) // a bus may hang
	defer stop()
	for _, s := range programs {
		found, e := s.Read(ctx)
		l := wifi.Search{Found: found, Missing: errors.Is(e, fs.ErrNotExist), Locked: errors.Is(e, fs.ErrPermission)}
		if e != nil && !l.Missing && !l.Locked {
			problems = append(problems, wifi.Problem{File: found.Name, Err: e})
		}
		if l.Locked {
			err = errors.Join(err, e)
		}
		searches = append(searches, l)
		problems = append(problems, found.Problems...)
	}
	return searches, problems, err
}

// Networks are the Wi-Fi networks this computer knows that can be read without a
// question. fs.ErrPermission means that there may be more, which takes
// administrator rights.
func (e *Engine) Networks(ctx context.Context) ([]wifi.Network, []error, error) {
	searches, problems, err := search(ctx)
	found, problems := weighed(ctx, searches, problems)
	e.sources.say(searches)
	return found, errorsOf(problems), err
}

func (p *places) say(searches []wifi.Search) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.searched = wifi.Searched(searches)
}

// Searched says where the last search was, and what it found where.
func (e *Engine) Searched() wifi.Places {
	e.sources.mu.Lock()
	defer e.sources.mu.Unlock()
	return e.sources.searched
}

// AskSecret asks the program that keeps a network for its secret; the desktop may
// ask the user first. fs.ErrPermission means that it takes administrator rights.
func (e *Engine) AskSecret(ctx context.Context, n wifi.Network) (wifi.Network, error) {
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	return networkmanager.Secret(ctx, n)
}

// weighed decides by what is in the air how the networks are joined, makes one
// of those that several sources keep, and sorts them. Where the air or the
// network in use cannot be asked for, what is saved alone decides, and the
// last used one comes first.
func weighed(ctx context.Context, searches []wifi.Search, problems []wifi.Problem) ([]wifi.Network, []wifi.Problem) {
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	heard, err := air.Heard(ctx)
	if err != nil {
		slog.Info("the Wi-Fi networks in range are not known", "error", err)
		heard = map[string]wifi.Evidence{}
	}
	var found []wifi.Network
	for _, l := range searches {
		found = append(found, l.Networks...)
		for ssid, e := range l.Air {
			heard[ssid] |= e
		}
	}
	found, more := wifi.Weigh(found, heard)
	found = wifi.Merge(found)
	connected, err := air.Connected(ctx)
	if err != nil {
		connected = ""
	}
	wifi.Sort(found, connected)
	return found, append(problems, more...)
}

// granted makes networks of the files that the privileged half read, by path.
func granted(files map[string][]byte) (found []wifi.Network, problems []wifi.Problem) {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	for _, s := range programs {
		networks, wrong := s.FromFiles(files, name)
		found, problems = append(found, networks...), append(problems, wrong...)
	}
	return found, problems
}

// GrantNetworks prepares reading the files of Wi-Fi networks with administrator
// rights.
func (e *Engine) GrantNetworks() *NetworksGrant {
	return &NetworksGrant{Asker: asker("wifi"), places: &e.sources}
}

// NetworksGrant reads the files by the privileged half; Networks is valid after a run
// without error.
type NetworksGrant struct {
	root.Asker
	found  files.Found
	places *places
}

// Run asks for the rights and reads the files.
func (g *NetworksGrant) Run() error {
	err := g.Ask(&g.found)
	g.End()
	return err
}

// Networks are those of the files that were read, with what can be had without
// them.
func (g *NetworksGrant) Networks() ([]wifi.Network, []error) {
	ctx := context.Background()
	searches, problems, _ := search(ctx) // what is locked is in the files
	kept, more := granted(g.found.Files)
	g.found.Wipe()
	problems = append(problems, more...)
	for _, file := range slices.Sorted(maps.Keys(g.found.Skipped)) {
		problems = append(problems, wifi.Problem{File: file, Err: errors.New(g.found.Skipped[file])})
	}
	for i := range searches {
		for j, n := range searches[i].Networks {
			if slices.ContainsFunc(kept, func(f wifi.Network) bool { return f.SSID == n.SSID && f.Security == n.Security && !f.Secret.IsZero() }) {
				searches[i].Networks[j].Kept = "" // it need not be asked for any more
			}
		}
		for _, f := range kept {
			if f.From == searches[i].Name {
				searches[i].Networks = append(searches[i].Networks, f)
				searches[i].Missing = false
			}
		}
	}
	found, problems := weighed(ctx, searches, problems)
	g.places.say(searches)
	return found, errorsOf(problems)
}

package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile/answers"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/journal"
	"piwiz/nixgen/hostfile/kept"
	"piwiz/nixgen/hostfile/layout"
)

// keptPrefix begins the folders in secrets/ with what was there before.
const keptPrefix = "before-"

// Save writes a host and its flake: all of it, or nothing where it fails or is
// killed. A file of the flake that is the user's own is made only when there
// is none.
//
// Secrets that change are kept as they were, with the answers that belong to
// them, in a folder before-DATE in secrets; kept is that folder, "" when
// nothing was lost. The newest eight are kept.
func (s Store) Save(h Saved, files []nixgen.File) (kept string, err error) {
	name := h.Host.Name
	if err := checkName(name); err != nil {
		return "", err
	}
	parts, err := partsOf(h, files)
	if err != nil {
		return "", err
	}
	defer forget(parts)
	if err := s.disk.Mkdir(s.Dir, 0o700); err != nil { // there must be something to lock
		return "", fmt.Errorf("save %s: %w", name, err)
	}
	unlock, err := s.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if kept, err = s.save(name, parts); err != nil {
		return "", fmt.Errorf("save %s: %w", name, err)
	}
	return kept, nil
}

func (s Store) save(name string, parts []journal.Part) (copied string, err error) {
	if err := s.changes().Finish(name); err != nil {
		return "", err
	}
	if err := inspect.Linked(s.Dir, name); err != nil {
		return "", err
	}
	s.fromDraft(name, parts)
	if !slices.ContainsFunc(parts, func(p journal.Part) bool { return s.changes().Differs(name, p) }) {
		return "", s.dropDraft(name)
	}
	was, err := s.before(name, parts)
	if err != nil {
		return "", err
	}
	defer func() {
		for _, p := range was {
			clear(p.Data)
		}
	}()
	if len(was) > 0 {
		copied = s.Path(name, filepath.Dir(was[0].Name))
		if err := kept.Prune(s.disk, s.Path(name, "secrets", keptPrefix)); err != nil {
			return "", err
		}
	}
	if err := s.changes().Commit(name, append(was, parts...)); err != nil {
		return "", err
	}
	return copied, s.dropDraft(name)
}

// partsOf are the files of a host.
func partsOf(h Saved, files []nixgen.File) ([]journal.Part, error) {
	text, err := toml.Marshal(h.Host.Born()) // else it would count as made before
	if err != nil {
		return nil, fmt.Errorf("save %s: %w", h.Host.Name, err)
	}
	secrets, err := answers.MarshalSecrets(h.Host.Networks, h.PSK)
	if err != nil {
		return nil, fmt.Errorf("save the Wi-Fi passwords of %s", h.Host.Name) // the cause could hold one
	}
	out := []journal.Part{
		{Name: "host.toml", Data: text, Mode: 0o600},
		{Name: layout.Wifi, Data: secrets, Mode: 0o600},
	}
	if !h.Identity.IsZero() {
		out = append(out,
			journal.Part{Name: layout.Key, Data: h.Identity.Reveal(), Mode: 0o600},
			journal.Part{Name: layout.Key + ".pub", Data: []byte(h.Identity.PublicLine() + "\n"), Mode: 0o644})
	}
	for _, f := range files {
		out = append(out, journal.Part{Name: filepath.Join("flake", f.Name), Data: []byte(f.Text), Mode: 0o644, Once: f.Once})
	}
	return out, nil
}

// forget zeroes the passwords. The key is the identity's own.
func forget(parts []journal.Part) {
	for _, p := range parts {
		if p.Name == layout.Wifi {
			clear(p.Data)
		}
	}
}

// before is what must be kept of a host that gets these parts: nothing unless
// a secret changes.
func (s Store) before(name string, parts []journal.Part) ([]journal.Part, error) {
	if !slices.ContainsFunc(parts, func(p journal.Part) bool { return s.losesSecret(name, p) }) {
		return nil, nil
	}
	dir, err := kept.Free(s.Path(name, "secrets", keptPrefix))
	if err != nil {
		return nil, err
	}
	var out []journal.Part
	for _, file := range []string{"host.toml", layout.Wifi, layout.Key, layout.Key + ".pub"} {
		data, err := os.ReadFile(s.Path(name, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err // what cannot be kept is not written over
		}
		out = append(out, journal.Part{Name: filepath.Join("secrets", filepath.Base(dir), filepath.Base(file)), Data: data, Mode: 0o600})
	}
	return out, nil
}

// losesSecret tells whether writing p would lose a secret.
func (s Store) losesSecret(name string, p journal.Part) bool {
	if p.Name != layout.Wifi && p.Name != layout.Key || !s.changes().Differs(name, p) {
		return false
	}
	old, err := os.ReadFile(s.Path(name, p.Name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(old) == string(p.Data) {
		return false
	}
	defer clear(old)
	psk, err := answers.ReadSecrets(old)
	return p.Name == layout.Key || err != nil || len(psk) > 0
}

package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"piwiz/nixgen/durable"
	"piwiz/nixgen/hostfile/journal"
	"piwiz/nixgen/hostfile/layout"
)

// draft is the user's own file of a host that is not saved yet.
func (s Store) draft(name string) string {
	return filepath.Join(s.Dir, layout.Draft+name, filepath.Base(layout.Configuration))
}

// ReadConfiguration is the user's own file as it is now; fs.ErrNotExist when
// there is none yet.
func (s Store) ReadConfiguration(name string) (string, error) {
	b, err := os.ReadFile(s.Path(name, layout.Configuration))
	if errors.Is(err, fs.ErrNotExist) {
		b, err = os.ReadFile(s.draft(name))
	}
	return string(b), err
}

// EditConfiguration is the path of the user's own file, made with this text if
// there is none. A host that is not saved yet has it as a draft, which Save
// makes part of the host.
func (s Store) EditConfiguration(name, text string) (string, error) {
	own := s.Path(name, layout.Configuration)
	if _, err := os.Lstat(s.Path(name, layout.Answers)); errors.Is(err, fs.ErrNotExist) {
		own = s.draft(name)
	}
	if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
		return "", fmt.Errorf("make your configuration.nix: %w", err)
	}
	if err := durable.Create(own, []byte(text), 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make your configuration.nix: %w", err)
	}
	return own, nil
}

// fromDraft puts the draft, if there is one, in the place of the text that the
// user's own file would be made with.
func (s Store) fromDraft(name string, parts []journal.Part) {
	own, err := os.ReadFile(s.draft(name))
	for i, p := range parts {
		if err == nil && p.Name == layout.Configuration {
			parts[i].Data = own
		}
	}
}

// dropDraft removes a draft that has become part of the host.
func (s Store) dropDraft(name string) error {
	if _, err := os.Lstat(s.Path(name, layout.Configuration)); err != nil {
		return nil // there is none yet
	}
	return s.disk.RemoveAll(filepath.Dir(s.draft(name)))
}

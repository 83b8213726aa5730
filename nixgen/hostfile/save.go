package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
)

// Save writes a host. Each file is whole or as it was, and host.toml, which
// makes the host appear, comes last.
func (s Store) Save(h Saved) error {
	if canonical, complaint := nixgen.CheckName(h.Host.Name); complaint != "" || canonical != h.Host.Name {
		return fmt.Errorf("%q is no host name: %s", h.Host.Name, complaint)
	}
	answers, err := toml.Marshal(h.Host)
	if err != nil {
		return fmt.Errorf("save %s: %w", h.Host.Name, err)
	}
	var plain struct {
		Networks []secretLine `toml:"networks"`
	}
	for _, n := range h.Host.Networks {
		if secret := h.PSK[n.SSID]; !secret.IsZero() {
			plain.Networks = append(plain.Networks, secretLine{n.SSID, secret.Reveal()})
		}
	}
	secrets, err := toml.Marshal(plain)
	if err != nil {
		return fmt.Errorf("save the Wi-Fi keys of %s", h.Host.Name) // the cause could hold one
	}
	if err := os.MkdirAll(s.Path(h.Host.Name, "secrets"), 0o700); err != nil {
		return fmt.Errorf("save %s: %w", h.Host.Name, err)
	}
	writes := []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{"secrets/ssh_host_ed25519_key", h.Identity.Reveal(), 0o600},
		{"secrets/ssh_host_ed25519_key.pub", []byte(h.Identity.PublicLine() + "\n"), 0o644},
		{"secrets/wifi.toml", secrets, 0o600},
		{"host.toml", answers, 0o600},
	}
	if h.Identity.IsZero() {
		writes = writes[2:]
	}
	for _, w := range writes {
		if err := replace(s.Path(h.Host.Name, w.name), w.data, w.mode); err != nil {
			return fmt.Errorf("save %s: %w", h.Host.Name, err)
		}
	}
	return nil
}

// WriteFlake writes the flake of a host and returns its folder. A file that
// is the user's own is made only when there is none.
func (s Store) WriteFlake(name string, files []nixgen.File) (string, error) {
	dir := s.Path(name, "flake")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write the flake of %s: %w", name, err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if f.Once {
			if _, err := os.Lstat(path); err == nil {
				continue
			}
		}
		if err := replace(path, []byte(f.Text), 0o644); err != nil {
			return "", fmt.Errorf("write the flake of %s: %w", name, err)
		}
	}
	return dir, nil
}

// ReadConfiguration is the user's own file as it is now; fs.ErrNotExist when
// there is none yet.
func (s Store) ReadConfiguration(name string) (string, error) {
	b, err := os.ReadFile(s.Path(name, "flake", "configuration.nix"))
	return string(b), err
}

// replace writes a file whole or not at all: the data is on the disk under
// another name before it takes the name.
func replace(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

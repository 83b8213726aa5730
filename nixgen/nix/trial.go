package nix

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"piwiz/nixgen/nixstr"
)

// Trial is a build whose builder is a program of ours. How it ends tells where
// such programs run.
type Trial struct {
	Name    string // of the derivation
	System  string // that the program is for
	Program []byte // the file
	Attrs   string // more of the derivation, in Nix: "args = [ ]; "
	Args    []string
	Env     []string // nil is the present environment
}

// Build builds it, through the Nix of this user. The error is as of Run.
func (t Trial) Build(ctx context.Context, report func(Event)) error {
	dir, err := os.MkdirTemp("", "piwiz-trial-")
	if err != nil {
		return fmt.Errorf("make a folder for the test program: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "builder")
	if err := os.WriteFile(file, t.Program, 0o700); err != nil {
		return fmt.Errorf("write the test program: %w", err)
	}
	path, err := nixstr.Path(file)
	if err != nil {
		return fmt.Errorf("name the test program %q: %w", file, err)
	}
	expr := fmt.Sprintf(`derivation {
  name = %[1]q; system = %[2]q; %[3]s
  builder = builtins.path { name = "%[1]s-builder"; path = %[4]s; };
}`, t.Name, t.System, t.Attrs, path)
	_, err = Run(ctx, Command{Env: t.Env, Args: slices.Concat([]string{
		"--extra-experimental-features", "nix-command", "build", "--impure", "--no-link", "--expr", expr, "--log-format", "internal-json",
	}, t.Args)}, report)
	return err
}

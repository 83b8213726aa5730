package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/regular"
	"piwiz/nixgen"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/seal"
	"piwiz/nixgen/xdg"
)

func (p *program) importVerb() *cobra.Command {
	as, replace, identities := "", false, []string(nil)
	c := verb(&cobra.Command{
		Use: "import FILE", Short: "Restore a host from a file that `hosts export` wrote",
		Long: "Restore a host from a file that `hosts export` wrote, or that tar and age made.\n\n" +
			"If the file needs a passphrase, piwiz asks for it on the terminal. Otherwise your SSH\n" +
			"keys are tried, or the private keys named with --identity. An ssh-agent cannot be\n" +
			"used: it only signs.",
		Example: "  piwiz hosts import bach.age\n  piwiz hosts import bach.age --as haydn --identity ~/.ssh/id_ed25519",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		var wrong problems
		if as != "" {
			wrong.add(engine.NewName(as))
		}
		f, err := regular.Open(ctx, args[0])
		if err != nil {
			wrong.add(fmt.Errorf("open the export: %w", err))
		} else {
			defer f.Close()
		}
		var unanswered error
		keys, err := seal.Open(orUsual(identities), func(what string) (string, error) {
			var text string
			text, unanswered = p.passphrase(ctx, what)
			return text, unanswered
		})
		wrong.add(err)
		if err := wrong.err(); err != nil {
			return err
		}
		s, replaced, err := store.Import(f, as, replace, nixgen.Files, keys...)
		switch {
		case unanswered != nil:
			return fmt.Errorf("nothing was imported: %w", unanswered)
		case errors.Is(err, fs.ErrExist):
			return &engine.Refused{Err: hostExists(err)}
		case err != nil:
			return engine.Guarded(err)
		}
		p.imported(s, replaced)
		return nil
	}))
	c.Flags().StringVar(&as, "as", "", "give the host this name instead of the one it had")
	c.Flags().BoolVar(&replace, "replace", false, "replace the saved host of that name, of which a copy is kept")
	c.Flags().StringArrayVar(&identities, "identity", nil, "an SSH private key, or a key file from age-keygen, that opens it; may be repeated")
	return c
}

// orUsual are these keys, or without any those that ssh would use.
func orUsual(files []string) []string {
	home, err := xdg.Home()
	if len(files) > 0 || err != nil {
		return files
	}
	return seal.Usual(filepath.Join(home, ".ssh"))
}

func (p *program) passphrase(ctx context.Context, what string) (string, error) {
	tty, err := terminal()
	if err != nil {
		return "", err
	}
	defer tty.in.Close()
	return tty.secret(ctx, "Passphrase of "+what+": ")
}

// hostExists is the error for an import that needs a yes.
func hostExists(err error) error {
	return &fault.Error{Headline: err.Error() + "; nothing was changed", Err: err, Todo: fault.Todo{
		"To have both, give this one another name: --as NAME",
		"To replace it with this one, add --replace; a copy of the old one is kept.",
	}}
}

func (p *program) imported(s hostfile.Saved, replaced string) {
	text := fmt.Sprintf("%s is saved in %s. Make a card for it: piwiz build %[1]s", s.Host.Name, s.Folder)
	if replaced != "" {
		text += "\nWhat was saved under this name is kept in " + replaced
	}
	p.say("imported", map[string]any{"host": s.Host.Name, "folder": s.Folder, "replaced": replaced, "problems": len(s.Problems)}, text)
	for _, x := range s.Problems {
		p.problem("! ", x)
	}
}

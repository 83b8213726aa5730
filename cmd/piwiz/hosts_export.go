package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/disk"
	"piwiz/flash/regular"
	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/seal"
)

func (p *program) exportVerb() *cobra.Command {
	to, recipients := "", []string(nil)
	c := verb(&cobra.Command{
		Use: "export NAME", Short: "Write all of a saved host into one encrypted file, as a backup or for another computer",
		Long: "Write all of a saved host into one encrypted file: answers, Nix files, Wi-Fi passwords\n" +
			"and host key. It is an age file with a tar archive in it, so that without piwiz\n" +
			"`age -d FILE | tar x` gives back the folder.\n\n" +
			"Without --recipient a passphrase is asked for on the terminal, twice.",
		Example: "  piwiz hosts export bach\n  piwiz hosts export bach --to /media/stick --recipient ~/.ssh/id_ed25519.pub",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		name := args[0]
		s, err := store.Load(name)
		if err != nil {
			return err
		}
		for _, x := range s.Problems {
			p.problem("! ", x)
		}
		file := exportFile(to, name)
		if _, err := os.Lstat(file); err == nil {
			return &engine.Refused{Err: &fileExists{file}}
		}
		keys, err := sealFor(ctx, recipients)
		if err != nil {
			return err
		}
		var skipped []string
		err = durable.CreateFrom(file, func(w io.Writer) error {
			buffered := bufio.NewWriterSize(w, 1<<20)
			var err error
			skipped, err = store.Export(buffered, name, keys...)
			return errors.Join(err, buffered.Flush())
		})
		if err != nil {
			return fmt.Errorf("export %s to %s: %w", name, file, err)
		}
		p.exported(name, file, skipped, len(recipients) > 0)
		return nil
	}))
	c.Flags().StringVar(&to, "to", "", "the file or folder to write to, else NAME.age here")
	c.Flags().StringArrayVar(&recipients, "recipient", nil, "encrypt for this key instead of a passphrase: a public SSH key (ed25519, rsa) or one of age (age1...), or a file of them; may be given again")
	return c
}

// exportFile is where an export goes.
func exportFile(to, name string) string {
	if to == "" {
		to = "."
	}
	if st, err := os.Stat(to); err == nil && st.IsDir() {
		return filepath.Join(to, name+".age")
	}
	return to
}

// fileExists is the error for an export that would overwrite something.
type fileExists struct{ file string }

func (f *fileExists) Error() string { return f.file + " is there already; nothing was written" }

// Hints says where else to write.
func (f *fileExists) Hints() []string { return []string{"Name another file: --to FILE"} }

func (p *program) exported(name, file string, skipped []string, forKeys bool) {
	for _, s := range skipped {
		p.say("skipped", map[string]any{"file": s}, "skipped: "+s+" is no part of a host")
	}
	size := int64(-1)
	if st, err := os.Stat(file); err == nil {
		size = st.Size()
	}
	with := "Keep the passphrase where you find it without this computer."
	if forKeys {
		with = "Only the private half of the key opens it, so keep a copy of that too, elsewhere."
	}
	p.say("exported", map[string]any{"host": name, "file": file, "size": size},
		fmt.Sprintf("All of %s is in %s (%s), encrypted. %s\nTo bring it back, here or on another computer: piwiz hosts import %[2]s", name, file, disk.Human(size), with))
}

// sealFor are the keys that will open an export, or a passphrase.
func sealFor(ctx context.Context, words []string) ([]age.Recipient, error) {
	if len(words) > 0 {
		return seal.For(words)
	}
	tty, err := terminal()
	if err != nil {
		return nil, err
	}
	defer tty.in.Close()
	for {
		text, err := tty.secret(ctx, "Passphrase for the export: ")
		if err != nil {
			return nil, err
		}
		again, err := tty.secret(ctx, "The same again: ")
		if err != nil {
			return nil, err
		}
		switch {
		case text != again:
			fmt.Fprintln(tty.out, "These are two different ones. Once more:")
		case text == "":
			fmt.Fprintln(tty.out, "An empty passphrase protects nothing. Once more:")
		default:
			r, err := seal.Passphrase(text)
			return []age.Recipient{r}, err
		}
	}
}

// terminal asks on the terminal itself, so that no passphrase comes out of a
// file or a pipe.
func terminal() (*prompt, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, &exit{usage, errors.New("a passphrase is asked for on the terminal, and there is none; use a key: --recipient KEY to export, --identity FILE to import")}
	}
	return &prompt{tty, bufio.NewReader(tty), tty}, nil
}

func (p *program) importVerb() *cobra.Command {
	as, replace, identities := "", false, []string(nil)
	c := verb(&cobra.Command{
		Use: "import FILE", Short: "Bring back a host from a file of `hosts export`",
		Long: "Bring back a host from a file of `hosts export`, or from one that age and tar made.\n\n" +
			"A passphrase is asked for on the terminal where the file needs one. Otherwise your SSH\n" +
			"keys are tried, or the private keys named with --identity. An ssh-agent cannot be\n" +
			"used: it only signs.",
		Example: "  piwiz hosts import bach.age\n  piwiz hosts import bach.age --as haydn --identity ~/.ssh/id_ed25519",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		if as != "" {
			if err := newName(as); err != nil {
				return err
			}
		}
		f, err := regular.Open(ctx, args[0])
		if err != nil {
			return fmt.Errorf("open the export: %w", err)
		}
		defer f.Close()
		var unanswered error
		keys, err := seal.Open(orUsual(identities), func(what string) (string, error) {
			var text string
			text, unanswered = p.passphrase(ctx, what)
			return text, unanswered
		})
		if err != nil {
			return err
		}
		s, replaced, err := store.Import(f, as, replace, nixgen.Files, keys...)
		switch {
		case unanswered != nil:
			return fmt.Errorf("nothing was imported: %w", unanswered)
		case errors.Is(err, fs.ErrExist):
			return &engine.Refused{Err: &hostExists{err}}
		case err != nil:
			return engine.Guarded(err)
		}
		p.imported(s, replaced)
		return nil
	}))
	c.Flags().StringVar(&as, "as", "", "give the host this name instead of the one it had")
	c.Flags().BoolVar(&replace, "replace", false, "put it in the place of a saved host of that name, which is kept aside")
	c.Flags().StringArrayVar(&identities, "identity", nil, "a private SSH key, or a file of age-keygen, that opens it; may be given again")
	return c
}

// orUsual are these keys, or without any those that ssh would use.
func orUsual(files []string) []string {
	home, err := os.UserHomeDir()
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
type hostExists struct{ err error }

func (h *hostExists) Error() string { return h.err.Error() + "; nothing was changed" }
func (h *hostExists) Unwrap() error { return h.err }

// Hints says how to go on.
func (h *hostExists) Hints() []string {
	return []string{
		"To have both, give this one another name: --as NAME",
		"To have this one in its place, add --replace; what is there is kept aside.",
	}
}

func (p *program) imported(s hostfile.Saved, replaced string) {
	text := fmt.Sprintf("%s is saved here, in %s. Make a card for it: piwiz build %[1]s", s.Host.Name, s.Folder)
	if replaced != "" {
		text += "\nWhat was saved under this name is kept in " + replaced
	}
	p.say("imported", map[string]any{"host": s.Host.Name, "folder": s.Folder, "replaced": replaced, "problems": len(s.Problems)}, text)
	for _, x := range s.Problems {
		p.problem("! ", x)
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/disk"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile/seal"
)

func (p *program) exportVerb() *cobra.Command {
	to, recipients := "", []string(nil)
	c := verb(&cobra.Command{
		Use: "export NAME", Short: "Write all of a saved host into one encrypted file, as a backup or for another computer",
		Long: "Write all of a saved host into one encrypted file: answers, Nix files, Wi-Fi passwords\n" +
			"and host key. It is an age file with a tar archive in it, so that without piwiz\n" +
			"`age -d FILE | tar x` restores the folder.\n\n" +
			"Without --recipient, piwiz asks for a passphrase on the terminal, twice.",
		Example: "  piwiz hosts export bach\n  piwiz hosts export bach --to /media/stick --recipient ~/.ssh/id_ed25519.pub",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		name := args[0]
		var wrong problems
		s, err := store.Load(name)
		wrong.add(err)
		file := exportFile(to, name)
		if _, err := os.Lstat(file); err == nil {
			wrong.add(&engine.Refused{Err: &fault.Error{
				Headline: file + " already exists; nothing was written", Todo: fault.Todo{"Name another file: --to FILE"},
			}})
		}
		keys, err := seal.For(recipients)
		wrong.add(err)
		if err := wrong.err(); err != nil {
			return err
		}
		for _, x := range s.Problems {
			p.problem("! ", x)
		}
		if len(recipients) == 0 {
			if keys, err = passphraseTwice(ctx); err != nil {
				return err
			}
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
	c.Flags().StringVar(&to, "to", "", "the file or folder to write to; without it, NAME.age in this folder")
	c.Flags().StringArrayVar(&recipients, "recipient", nil, "encrypt to this key instead of with a passphrase: an SSH public key (ed25519, rsa), an age recipient (age1...), or a file of them; may be repeated")
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

func (p *program) exported(name, file string, skipped []string, forKeys bool) {
	for _, s := range skipped {
		p.say("skipped", map[string]any{"file": s}, "skipped: "+s+" is not part of a host")
	}
	size := int64(-1)
	if st, err := os.Stat(file); err == nil {
		size = st.Size()
	}
	with := "Keep the passphrase where you can find it without this computer."
	if forKeys {
		with = "Only the private half of the key opens it, so keep a copy of that somewhere else too."
	}
	p.say("exported", map[string]any{"host": name, "file": file, "size": size},
		fmt.Sprintf("All of %s is in %s (%s), encrypted. %s\nTo restore it, here or on another computer: piwiz hosts import %[2]s", name, file, disk.Human(size), with))
}

// passphraseTwice asks for the passphrase of an export.
func passphraseTwice(ctx context.Context) ([]age.Recipient, error) {
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
		again, err := tty.secret(ctx, "Repeat the passphrase: ")
		if err != nil {
			return nil, err
		}
		switch {
		case text != again:
			fmt.Fprintln(tty.out, "The two passphrases differ. Try again:")
		case text == "":
			fmt.Fprintln(tty.out, "An empty passphrase protects nothing. Try again:")
		default:
			r, err := seal.Passphrase(text)
			return []age.Recipient{r}, err
		}
	}
}

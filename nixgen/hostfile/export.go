package hostfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/sys/unix"

	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile/archive"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/kept"
	"piwiz/nixgen/hostfile/layout"
)

// Export writes all of a host as one encrypted file: a tar archive (package
// archive) in an age file (age-encryption.org/v1), binary. So
//
//	age -d FILE | tar x
//
// gives back its folder. What a build leaves is not in it. skipped names what
// else is in the folder and is not part of a host.
func (s Store) Export(w io.Writer, name string, to ...age.Recipient) (skipped []string, err error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	unlock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := s.load(name); err != nil {
		return nil, err
	}
	if err := inspect.Linked(s.Dir, name); err != nil {
		return nil, err
	}
	sealed, err := age.Encrypt(w, to...)
	if err != nil {
		return nil, fmt.Errorf("encrypt %s: %w", name, err)
	}
	err = archive.Pack(sealed, s.Path(name), name, func(top string) bool {
		part := top == layout.Answers || top == "flake" || top == "secrets"
		if !part && !made(top) {
			skipped = append(skipped, s.Path(name, top))
		}
		return !part
	})
	if err := errors.Join(err, sealed.Close()); err != nil {
		var no *archive.Refused
		if errors.As(err, &no) {
			return nil, &unfit{err, without(s.Path(no.Name))}
		}
		return nil, fmt.Errorf("export %s: %w", name, err)
	}
	return skipped, nil
}

// unfit is a file of a host that cannot be exported.
type unfit struct {
	err error
	fault.Todo
}

func (u *unfit) Error() string { return "nothing was exported: " + u.err.Error() }
func (u *unfit) Unwrap() error { return u.err }

// without says what to do with the file.
func without(path string) fault.Todo {
	if to, err := os.Readlink(path); err == nil {
		return fault.Todo{inspect.Unlink(path, to)}
	}
	return fault.Todo{inspect.Command("mv %s ~/", path)}
}

// ErrNoExport is the error for a file that is no export of a host, or a damaged
// or hostile one; ErrWrongKey for one that is for other keys or another
// passphrase.
var (
	ErrNoExport error = &fault.Error{Headline: "this is not a complete file from `piwiz hosts export`; nothing was changed", Todo: []string{
		"If it was copied or downloaded, do that again and compare the sizes. Otherwise use an earlier one.",
	}}
	ErrWrongKey error = &fault.Error{Headline: "the file cannot be opened with this passphrase or key", Todo: []string{
		"Check capitals and the keyboard layout, and try again.",
		"If it was exported with --recipient, name the private half of that key: --identity ~/.ssh/id_ed25519",
	}}
)

// Import brings back a host from a file of Export, or from one that age and
// tar made alike. as is its name here, "" for the name it had: another one is
// like Rename. There may be such a host only if replace is set; that one is
// kept as it was in the folder replaced. After an error nothing has changed.
func (s Store) Import(r io.Reader, as string, replace bool, render func(nixgen.Host) ([]nixgen.File, error), with ...age.Identity) (h Saved, replaced string, err error) {
	if as != "" {
		if err := checkName(as); err != nil {
			return h, "", err
		}
	}
	plain, err := decrypt(r, with)
	if err != nil {
		return h, "", err
	}
	if err := s.disk.Mkdir(s.Dir, 0o700); err != nil {
		return h, "", fmt.Errorf("make the folder of saved hosts: %w", err)
	}
	stage, err := os.MkdirTemp(s.Dir, layout.Importing)
	if err != nil {
		return h, "", fmt.Errorf("make a folder for the host: %w", err)
	}
	defer func() { err = errors.Join(err, s.disk.Wipe(stage)) }()
	if h, err = unpack(plain, Store{Dir: stage}, as, render); err != nil {
		return h, "", err
	}
	if err := s.disk.SyncTree(stage); err != nil {
		return h, "", fmt.Errorf("import %s: %w", h.Host.Name, err)
	}
	return s.adopt(stage, h.Host.Name, replace)
}

// decrypt opens the encryption. What is read is genuine only when its end was.
func decrypt(r io.Reader, with []age.Identity) (io.Reader, error) {
	in := bufio.NewReader(r)
	var sealed io.Reader = in
	if start, _ := in.Peek(len(armor.Header)); string(start) == armor.Header {
		sealed = armor.NewReader(in)
	}
	plain, err := age.Decrypt(sealed, with...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, ErrWrongKey
	case durable.IsSystem(err):
		return nil, fmt.Errorf("open the file: %w", err)
	case err != nil && strings.HasPrefix(err.Error(), "failed to read "): // the header, or the nonce behind it
		return nil, fmt.Errorf("%w: %w", ErrNoExport, err)
	case err != nil:
		return nil, fmt.Errorf("open the file: %w", err)
	}
	return plain, nil
}

// unwritten is the error for a disk that does not take what is in a file, or does
// not give it: the file itself is not at fault.
func unwritten(dir string, err error) error {
	if !durable.IsSystem(err) {
		return nil
	}
	return &fault.Error{Headline: "nothing was changed: " + err.Error(), Todo: durable.Remedy(err, dir), Err: err}
}

// unpack puts the host of an archive into a store of its own.
func unpack(plain io.Reader, s Store, as string, render func(nixgen.Host) ([]nixgen.File, error)) (Saved, error) {
	dir := s.Path(layout.Staging + "x")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return Saved{}, err
	}
	name, err := archive.Unpack(plain, dir)
	if err := unwritten(filepath.Dir(s.Dir), err); err != nil {
		return Saved{}, err
	}
	if err == nil {
		err = checkName(name)
	}
	if err != nil {
		return Saved{}, fmt.Errorf("%w: %w", ErrNoExport, err)
	}
	if err := os.Rename(dir, s.Path(name)); err != nil {
		return Saved{}, err
	}
	h, err := s.load(name)
	if err := unwritten(filepath.Dir(s.Dir), err); err != nil {
		return Saved{}, err
	}
	if err != nil {
		return Saved{}, fmt.Errorf("%w: %w", ErrNoExport, err)
	}
	if as == "" || as == name {
		return h, nil
	}
	if err := s.rename(h, as, render); err != nil {
		return Saved{}, fmt.Errorf("give it the name %s: %w", as, err)
	}
	return s.load(as)
}

// adopt makes an unpacked host one of this store.
func (s Store) adopt(stage, name string, replace bool) (h Saved, replaced string, err error) {
	unlock, err := s.lock()
	if err != nil {
		return h, "", err
	}
	defer unlock()
	from, to := filepath.Join(stage, name), s.Path(name)
	err = s.free(name)
	var other *taken
	switch {
	case err == nil:
		err = s.disk.Rename(from, to)
	case replace && errors.As(err, &other) && other.name == name && !layout.IsLink(to):
		if replaced, err = kept.Free(s.replaced(name)); err == nil {
			err = errors.Join(kept.Prune(s.disk, s.replaced(name)), s.disk.Mkdir(filepath.Dir(replaced), 0o700))
		}
		if err == nil {
			err = s.swap(from, to, replaced)
		}
	}
	if err != nil {
		return h, "", err
	}
	h, err = s.load(name)
	return h, replaced, err
}

// swap puts a new host in the place of one, and that one where it is kept. It
// is never anywhere else in between: where the last step does not happen, what
// is kept is the new one.
func (s Store) swap(from, to, away string) error {
	if err := s.disk.Rename(from, away); err != nil {
		return err
	}
	err := s.disk.Exchange(away, to)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err = &fault.Error{Headline: "this file system cannot swap two folders", Todo: []string{
			"Give the host that is there another name first: piwiz hosts rename " + filepath.Base(to) + " " + filepath.Base(to) + "-old",
		}}
	}
	if err != nil {
		return errors.Join(err, s.disk.Wipe(away))
	}
	return nil
}

// replaced begins the folders where a host of this name is kept that an import
// replaced.
func (s Store) replaced(name string) string {
	return filepath.Join(filepath.Dir(s.Dir), "replaced", name+".")
}

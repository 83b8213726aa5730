// Package register puts QEMU into the kernel's table of emulators, and takes it
// out again: what root does so that programs for the Pi's processor run here.
//
// Nothing that the user says counts: the emulator is one that only the
// administrator can change, and the entry is removed by whoever made it, known by
// its name, its flags and the lock on it.
package register

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/fault"
)

const (
	// Name is the name of the entry that piwiz makes, and of no other.
	Name = "piwiz-aarch64"
	// flags: F lets it work in Nix's sandbox, P passes argv[0] on, O opens
	// programs that may be run but not read.
	flags = "POF"
	// The header of aarch64 programs as QEMU's own scripts/qemu-binfmt-conf.sh
	// has it; the kernel resolves the escapes.
	magic = `\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`
	mask  = `\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`
)

// denied says why the emulator could not be registered.
func denied(why string, todo ...string) error {
	return &fault.Error{Headline: why + "; no emulator was registered", Todo: todo}
}

// Line is an entry for the Pi's processor as the kernel reads it.
func Line(name, interpreter, flags string) string {
	return fmt.Sprintf(":%s:M::%s:%s:%s:%s", name, magic, mask, interpreter, flags)
}

// Registered is the entry that this process made. Whoever holds it has the
// lock on it, which the kernel takes away from a killed process.
type Registered struct{ file *os.File }

// Register mounts the table if need be and puts an entry of its own into it,
// after taking away one that a killed run left. It refuses where another entry
// does the work already.
func Register() (*Registered, error) { return register(binfmt.Dir, places) }

func register(dir string, places []string) (*Registered, error) {
	if err := mount(dir); err != nil {
		return nil, err
	}
	if err := takeAway(dir); err != nil {
		return nil, err
	}
	t, err := binfmt.Read(dir, program)
	if err != nil {
		return nil, err
	}
	u := t.Used()
	switch {
	case t.Off:
		return nil, denied("all emulators are switched off", Command("1", "status"))
	case u.Enabled:
		return nil, denied("the emulator "+binfmt.Printable(u.Name)+" ("+binfmt.Printable(u.Interpreter)+") is there already", "See what is wrong with it: piwiz check")
	}
	qemu, err := find(places)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "register"), []byte(Line(Name, qemu, flags)), 0); err != nil {
		return nil, denied("the kernel did not accept it ("+err.Error()+")", "In a container, register it outside; else restart the computer and try again.")
	}
	return hold(dir, qemu)
}

// hold opens the entry and locks it. What is open can be removed even if
// somebody made another one of its name meanwhile.
func hold(dir, qemu string) (*Registered, error) {
	f, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the new emulator: %w", err)
	}
	r := &Registered{f}
	e, err := read(f)
	if err == nil && e.Interpreter != qemu {
		_ = f.Close()
		return nil, denied("another program registered one of the same name just now", "Try again.")
	}
	// Somebody who asks whether it is locked holds it for a moment.
	for try := 0; err == nil; try++ {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return r, nil
		}
		if errors.Is(err, unix.EWOULDBLOCK) && try < 20 {
			time.Sleep(50 * time.Millisecond)
			err = nil
		}
	}
	return nil, errors.Join(fmt.Errorf("lock the new emulator: %w", err), r.Remove())
}

func read(f *os.File) (binfmt.Entry, error) {
	text := make([]byte, 4096)
	n, err := f.ReadAt(text, 0)
	if n == 0 {
		return binfmt.Entry{}, err
	}
	return binfmt.Parse(filepath.Base(f.Name()), string(text[:n])), nil
}

// Remove takes exactly this entry out of the table. An emulated program that
// runs goes on to run.
func (r *Registered) Remove() error {
	defer r.file.Close()
	if _, err := r.file.WriteString("-1"); err != nil {
		return fmt.Errorf("remove the emulator: %w; remove it with: %s", err, Command("-1", Name))
	}
	return nil
}

// takeAway removes the entry of a run that was killed, if there is one, known
// by its name and its flags, and by the lock that nobody holds.
func takeAway(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the emulator that was left over: %w", err)
	}
	e, err := read(f)
	if err != nil || !Own(e) {
		_ = f.Close()
		return denied("there is an entry named "+Name+" that piwiz did not make", "Remove it: "+Command("-1", Name))
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return denied("another piwiz has set one up and uses it", "Wait until it has ended, then try again.")
	}
	return (&Registered{f}).Remove()
}

// Own tells an entry that piwiz made.
func Own(e binfmt.Entry) bool { return e.Name == Name && e.Flags == flags && e.Matches(program) }

// program is any for the Pi's processor.
var program = aarch64.Program()

// Held says whether a running piwiz holds the entry in the table on dir.
func Held(dir string) bool {
	f, err := os.Open(filepath.Join(dir, Name))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// mount makes the table visible; it stays so, because others may use it.
func mount(dir string) error {
	if t, err := binfmt.Read(dir, program); err != nil || t.Mounted {
		return err
	}
	if fd, err := unix.Fsopen("binfmt_misc", unix.FSOPEN_CLOEXEC); err == nil {
		_ = unix.Close(fd) // asking for it loads the module, which makes the folder
	}
	if err := unix.Mount("binfmt_misc", dir, "binfmt_misc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return denied("the kernel's table of emulators cannot be mounted ("+err.Error()+")", "In a container, do this outside; else see whether this kernel has binfmt_misc: sudo modprobe binfmt_misc")
	}
	return nil
}

package emulate

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/osrelease"
)

const (
	// ownName is the name of the entry that piwiz makes, and of no other.
	ownName = "piwiz-aarch64"
	// ownFlags: F lets it work in Nix's sandbox, P passes argv[0] on, O opens
	// programs that may be run but not read.
	ownFlags = "POF"
	// The header of aarch64 programs as QEMU's own scripts/qemu-binfmt-conf.sh
	// has it; the kernel resolves the escapes.
	magic = `\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`
	mask  = `\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`
)

// Denied says why the emulator could not be registered.
type Denied struct {
	Why  string `json:"why,omitempty"`
	Todo string `json:"todo,omitempty"`
}

func (d *Denied) Error() string { return d.Why + "; no emulator was registered" }

// Hints says what to do.
func (d *Denied) Hints() []string {
	if d.Todo == "" {
		return nil
	}
	return []string{d.Todo}
}

// places are where distributions put the emulator. PATH is not asked: it may
// be the user's.
var places = []string{
	"/usr/bin/qemu-aarch64-static", "/usr/local/bin/qemu-aarch64-static", "/run/current-system/sw/bin/qemu-aarch64-static",
	"/usr/bin/qemu-aarch64", "/usr/local/bin/qemu-aarch64", "/run/current-system/sw/bin/qemu-aarch64",
}

// Lies says whether an emulator lies on this computer that a Registrar could
// register.
func Lies() bool {
	_, err := find(places)
	return err == nil
}

// registered is the entry that this process made. Whoever holds it has the
// lock on it, which the kernel takes away from a killed process.
type registered struct{ file *os.File }

// register puts an entry of its own into the table, after taking away one that
// a killed run left. It refuses where another entry does the work already.
func register(dir string, places []string) (*registered, error) {
	if err := mount(dir); err != nil {
		return nil, err
	}
	if err := takeAway(dir); err != nil {
		return nil, err
	}
	t, err := readTable(dir)
	if err != nil {
		return nil, err
	}
	u := t.Used()
	switch {
	case t.Off:
		return nil, &Denied{"all emulators are switched off", write("1", "status")}
	case u.Enabled:
		return nil, &Denied{"the emulator " + printable(u.Name) + " (" + printable(u.Interpreter) + ") is there already", "See what is wrong with it: piwiz check"}
	}
	qemu, err := find(places)
	if err != nil {
		return nil, err
	}
	line := fmt.Sprintf(":%s:M::%s:%s:%s:%s", ownName, magic, mask, qemu, ownFlags)
	if err := os.WriteFile(filepath.Join(dir, "register"), []byte(line), 0); err != nil {
		return nil, &Denied{"the kernel did not take it (" + err.Error() + ")", "In a container, register it outside; else start the computer anew and try again."}
	}
	return hold(dir, qemu)
}

// hold opens the entry and locks it. What is open can be removed even if
// somebody made another one of its name meanwhile.
func hold(dir, qemu string) (*registered, error) {
	f, err := os.OpenFile(filepath.Join(dir, ownName), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the new emulator: %w", err)
	}
	r := &registered{f}
	e, err := read(f)
	if err == nil && e.Interpreter != qemu {
		_ = f.Close()
		return nil, &Denied{"another program registered one of the same name just now", "Try again."}
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
	return nil, errors.Join(fmt.Errorf("lock the new emulator: %w", err), r.remove())
}

func read(f *os.File) (binfmt.Entry, error) {
	text := make([]byte, 4096)
	n, err := f.ReadAt(text, 0)
	if n == 0 {
		return binfmt.Entry{}, err
	}
	return binfmt.Parse(filepath.Base(f.Name()), string(text[:n])), nil
}

// remove takes exactly this entry out of the table. An emulated program that
// runs goes on to run.
func (r *registered) remove() error {
	defer r.file.Close()
	if _, err := r.file.WriteString("-1"); err != nil {
		return fmt.Errorf("remove the emulator: %w", err)
	}
	return nil
}

// takeAway removes the entry of a run that was killed, if there is one, known
// by its name and its flags, and by the lock that nobody holds.
func takeAway(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, ownName), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the emulator that was left over: %w", err)
	}
	e, err := read(f)
	if err != nil || !own(e) {
		_ = f.Close()
		return &Denied{"there is an entry named " + ownName + " that piwiz did not make", "Remove it: " + write("-1", ownName)}
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return &Denied{"another piwiz has set one up and uses it", "Wait until it has ended, then try again."}
	}
	return (&registered{f}).remove()
}

// locked says whether a running piwiz holds the entry.
func locked(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// mount makes the table visible; it stays so, because others may use it.
func mount(dir string) error {
	if t, err := readTable(dir); err != nil || t.Mounted {
		return err
	}
	if fd, err := unix.Fsopen("binfmt_misc", unix.FSOPEN_CLOEXEC); err == nil {
		_ = unix.Close(fd) // asking for it loads the module, which makes the folder
	}
	if err := unix.Mount("binfmt_misc", dir, "binfmt_misc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return &Denied{"the kernel's table of emulators cannot be mounted (" + err.Error() + ")", "In a container, do this outside; else see whether this kernel has binfmt_misc: sudo modprobe binfmt_misc"}
	}
	return nil
}

// find is the first emulator that may be registered, by its real path.
func find(places []string) (string, error) {
	why := ""
	for _, p := range places {
		file, err := filepath.EvalSymlinks(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = fit(file)
		}
		if err == nil {
			return file, nil
		}
		if why == "" {
			why = fmt.Sprintf("%s is not taken: %v", p, err)
		}
	}
	e := &Error{Reason: NotRegistered, system: osrelease.Read("/")}
	todo := strings.Join(e.install(), " && ")
	if e.system.Is("nixos") {
		todo = strings.Join(e.install(), " ")
	}
	if why == "" {
		why = "there is no QEMU for aarch64 on this computer"
	}
	return "", &Denied{why, todo}
}

// fit is every rule about a program that the kernel will run for everybody:
// only the administrator may be able to change it, and it needs no other file,
// for there is none in Nix's sandbox.
func fit(file string) error {
	for p := file; ; p = filepath.Dir(p) {
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		// In a sticky folder (the Nix store) others may add files, but not exchange them.
		if st.Uid != 0 || st.Mode&0o022 != 0 && (!isDir || st.Mode&unix.S_ISVTX == 0) {
			return fmt.Errorf("others than the administrator can change %s", p)
		}
		if p == file && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Mode&0o111 == 0) {
			return errors.New("it is not a program")
		}
		if p == "/" {
			break
		}
	}
	if strings.ContainsAny(file, ":\n") {
		return errors.New("its path cannot be written to the kernel's table")
	}
	f, err := elf.Open(file)
	if err != nil {
		return errors.New("it is not a program")
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return errors.New("it is not a program")
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is not static, so it would not run in Nix's sandbox")
		}
	}
	return nil
}

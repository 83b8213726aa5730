package grant

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
	"piwiz/flash/disk/facts"
)

const putBack = "Put it back and choose it again."

// Way is how a card is opened. Unmount closes its file systems. Open opens it
// for reading and writing, for itself alone and past the page cache; it need
// not check what it opened. Both return unix.EBUSY when the card is in use.
type Way struct {
	Unmount func(disk.Device) error
	Open    func(disk.Device) (*os.File, error)
}

// itself is the way of the kernel: this process asks it.
var itself = Way{unmount, open}

// OpenDirect opens a card as the user piwiz runs as. fs.ErrPermission means
// that administrator rights are needed; *Refused is final.
func OpenDirect(d disk.Device) (*os.File, error) { return OpenBy(itself, d) }

// OpenBy opens a card in a way of the caller's, by the same rules. *Refused is
// final; other errors are those of the way.
func OpenBy(w Way, d disk.Device) (*os.File, error) { return w.take(d.Name, d.Identity(), also(d)) }

// also is the word for what was asked for besides cards.
func also(d disk.Device) string {
	switch {
	case d.Any:
		return anyDisk
	case d.Soldered:
		return soldered
	}
	return ""
}

func openFor(path, expect, also string) (*os.File, error) {
	want, err := disk.ParseIdentity(expect)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	if path != "/dev/"+name {
		return nil, refused(facts.Printable(path), "It is not a disk.")
	}
	return itself.take(name, want, also)
}

// take is every rule about a card, on facts gathered now: before it is
// unmounted, and again when nobody else can have it any more.
func (w Way) take(name string, want disk.Identity, also string) (*os.File, error) {
	d, err := inspect(name, want, also)
	if err != nil {
		return nil, err
	}
	f, err := w.unmountAndOpen(d, want)
	// An auto-mounter may come in between.
	for range 2 {
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		if d, err = inspect(name, want, also); err != nil {
			return nil, err
		}
		f, err = w.unmountAndOpen(d, want)
	}
	if errors.Is(err, unix.EBUSY) {
		return nil, busy(d)
	}
	if err != nil {
		return nil, err
	}
	_, err = inspect(name, want, also)
	if err == nil {
		err = written(d)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// unmountAndOpen checks that what was opened is what was meant. EBUSY is left
// to the caller. Who is in the way of unmounting is asked for all mounts before
// the first one goes: a card that is refused stays as it was.
func (w Way) unmountAndOpen(d disk.Device, want disk.Identity) (*os.File, error) {
	if by := settled(func() []process { return inFolders("/proc", d) }); len(by) > 0 {
		return nil, busyBy(d, by)
	}
	if err := w.Unmount(d); err != nil {
		return nil, err
	}
	f, err := w.Open(d)
	if err != nil {
		return nil, err
	}
	if why := opened(int(f.Fd()), want); why != "" {
		_ = f.Close() // nothing was written
		return nil, refused(d.Path, why)
	}
	if err := lock(int(f.Fd())); err != nil {
		_ = f.Close()
		return nil, busy(d)
	}
	return f, nil
}

// inspect reads the facts about a disk and judges them.
func inspect(name string, want disk.Identity, also string) (disk.Device, error) {
	d, err := disk.Read("/", name)
	d.Soldered, d.Any = also == soldered, also == anyDisk
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, refused("/dev/"+facts.Printable(name), "It is not there: the card or its reader was taken out.", putBack)
	case err != nil:
		return d, err
	}
	if why := d.Refusal(); why != "" {
		return d, refused(d.Path, why)
	}
	if why := want.Differs(d.Identity()); why != "" {
		return d, refused(d.Path, why)
	}
	return d, nil
}

// unmount closes the file systems of a card, the last mounted first; inspect has
// made sure that none is the system's. UMOUNT_NOFOLLOW: the folder above a
// mount point may be the user's.
func unmount(d disk.Device) error {
	mounts := d.Unmounts()
	if len(mounts) > 0 && os.Geteuid() != 0 {
		return fmt.Errorf("unmount %s: %w", facts.Printable(mounts[0]), fs.ErrPermission)
	}
	if needed(mounts) {
		return busy(d)
	}
	for _, m := range slices.Backward(mounts) {
		err := unix.Unmount(m, unix.UMOUNT_NOFOLLOW)
		switch {
		case err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT): // gone meanwhile
		case errors.Is(err, unix.EBUSY):
			return busy(d)
		default:
			return refused(d.Path, "Its files at "+facts.Printable(m)+" cannot be closed: "+err.Error()+".", "Take the card out, put it back and choose it again.")
		}
	}
	return nil
}

// needed asks the kernel about each mount with none of the others in it whether
// it could go: EBUSY or EAGAIN (umount(2), MNT_EXPIRE). It knows more than the
// list of open files. Stat of a mount takes the mark of the question off.
func needed(mounts []string) bool {
	busy := false
	for _, m := range mounts {
		if slices.ContainsFunc(mounts, func(other string) bool { return other != m && facts.Within(other, m) }) {
			continue
		}
		busy = busy || errors.Is(unix.Unmount(m, unix.MNT_EXPIRE|unix.UMOUNT_NOFOLLOW), unix.EBUSY)
		var st unix.Stat_t
		_ = unix.Lstat(m, &st) // whether it answers does not matter
	}
	return busy
}

// open opens a card for itself alone and past the page cache.
func open(d disk.Device) (*os.File, error) {
	fd, err := unix.Open(d.Path, unix.O_RDWR|unix.O_EXCL|unix.O_DIRECT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, openProblem(d.Path, err)
	}
	return os.NewFile(uintptr(fd), d.Path), nil
}

func openProblem(path string, err error) error {
	switch {
	case errors.Is(err, unix.ENOMEDIUM):
		return refused(path, "There is no card in this slot.", putBack)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENOENT):
		return refused(path, "It is not there: the card or its reader was taken out.", putBack)
	case errors.Is(err, unix.EROFS):
		return refused(path, "The card is locked.", "Move the small switch on its side, then put it in again.")
	case errors.Is(err, unix.ELOOP):
		return refused(path, "It is not a disk.")
	case errors.Is(err, unix.EIO):
		return refused(path, "The card does not answer.", "Try another reader; if it is the same there, use another card.")
	}
	return &fs.PathError{Op: "open for writing", Path: path, Err: err}
}

// opened asks the kernel about an open descriptor. A kernel before 5.15 knows
// no diskseq; then size and number decide.
func opened(fd int, want disk.Identity) string {
	const gone = "The card or its reader was taken out just now."
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "It is not a disk."
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if must := unix.O_RDWR | unix.O_DIRECT; err != nil || flags&(unix.O_ACCMODE|unix.O_DIRECT) != must {
		return "It is not open for direct reading and writing (O_DIRECT)."
	}
	now := want
	now.Major, now.Minor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
	size, err := ioctl64(fd, unix.BLKGETSIZE64)
	if err != nil || size == 0 {
		return gone
	}
	now.Size = int64(size)
	const blkGetDiskSeq = 0x80081280 // linux/fs.h, _IOR(0x12, 128, __u64)
	if want.DiskSeq != 0 {
		if now.DiskSeq, err = ioctl64(fd, blkGetDiskSeq); err != nil {
			return gone
		}
	}
	return want.Differs(now)
}

func ioctl64(fd int, request uint) (uint64, error) {
	var n uint64
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&n))); e != 0 {
		return 0, e
	}
	return n, nil
}

// lock keeps udev from looking into a card that is half written
// (systemd.io/BLOCK_DEVICE_LOCKING). The lock belongs to the open card, so it
// lasts until the ordinary half has closed it too. udev itself holds a lock
// for a moment when a card was put in.
func lock(fd int) error {
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	for range 20 {
		if !errors.Is(err, unix.EWOULDBLOCK) {
			break
		}
		time.Sleep(100 * time.Millisecond)
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	}
	return err
}

// Reread lets the kernel read the new partition table. Right after writing
// the disk can be busy for a moment.
func Reread(f *os.File) {
	for range 10 {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKRRPART, 0); e != unix.EBUSY {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Package grant is the privileged half: what runs as root, and how the
// ordinary half asks for it.
//
// "piwiz grant open" checks the card again by its own rules, unmounts it,
// opens it, and passes the descriptor back over the socket that is its
// standard input (unix(7), SCM_RIGHTS). "piwiz grant wifi" passes back the
// files of the Wi-Fi networks. All writing is done by the ordinary user.
package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

// reply is the one message of the privileged half.
type reply struct {
	Error string            `json:"error,omitempty"`
	Files map[string][]byte `json:"files,omitempty"`
}

// A reply holds at most the Wi-Fi files.
const maxReply = 4 << 20

// Refused is a card that must not be opened, and why.
type Refused struct{ Path, Why string }

func (r *Refused) Error() string { return r.Path + " is not written. " + r.Why }

// Hints says what to do.
func (r *Refused) Hints() []string { return []string{"Choose the card again from the list."} }

// check is every rule about a card, on facts gathered now.
func check(d disk.Device, want disk.Identity) error {
	if why := d.Refusal(); why != "" {
		return &Refused{d.Path, why}
	}
	if why := want.Differs(d.Identity()); why != "" {
		return &Refused{d.Path, why}
	}
	return nil
}

// open opens a card for itself alone and past the page cache, and checks that
// what was opened is what was meant.
func open(path string, want disk.Identity) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_EXCL|unix.O_DIRECT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, openProblem(path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	if why := opened(fd, want); why != "" {
		_ = f.Close() // nothing was written
		return nil, &Refused{path, why}
	}
	return f, nil
}

func openProblem(path string, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return &Refused{path, "Another program is using it; close windows that show its files, and try again."}
	case errors.Is(err, unix.ENOMEDIUM):
		return &Refused{path, "There is no card in this slot."}
	case errors.Is(err, unix.EROFS):
		return &Refused{path, "The card is locked: move the small switch on its side, then put it in again."}
	}
	return &fs.PathError{Op: "open for writing", Path: path, Err: err}
}

// opened asks the kernel about an open descriptor. A kernel before 5.15 knows
// no diskseq; then size and number decide.
func opened(fd int, want disk.Identity) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "It is not a disk."
	}
	now := want
	now.Major, now.Minor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
	if size, err := ioctl64(fd, unix.BLKGETSIZE64); err == nil {
		now.Size = int64(size)
	}
	const blkGetDiskSeq = 0x80081280 // linux/fs.h, _IOR(0x12, 128, __u64)
	if seq, err := ioctl64(fd, blkGetDiskSeq); err == nil && want.DiskSeq != 0 {
		now.DiskSeq = seq
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

// OpenDirect opens a card as the user piwiz runs as. fs.ErrPermission means
// that administrator rights are needed.
func OpenDirect(d disk.Device) (*os.File, error) {
	now, err := disk.Read("/", d.Name)
	if err != nil {
		return nil, err
	}
	if err := check(now, d.Identity()); err != nil {
		return nil, err
	}
	if m := now.Unmounts(); len(m) > 0 {
		if os.Geteuid() != 0 {
			return nil, fmt.Errorf("unmount %s: %w", m[0], fs.ErrPermission)
		}
		if err := unmount(now); err != nil {
			return nil, err
		}
	}
	return open(now.Path, now.Identity())
}

// unmount closes the file systems of a card; Refusal has made sure that none
// is the system's.
func unmount(d disk.Device) error {
	for _, m := range d.Unmounts() {
		if err := unix.Unmount(m, unix.UMOUNT_NOFOLLOW); err != nil {
			return &Refused{d.Path, "A program is using its files at " + m + "; close it and try again."}
		}
	}
	return nil
}

// Serve is the privileged half, "piwiz grant ...". Its exit code is 0 when it
// did what was asked, 2 for wrong usage and 1 for anything else.
func Serve(args []string, stdin *os.File, stderr io.Writer) int {
	switch {
	case len(args) == 3 && args[0] == "open":
		return serveOpen(args[1], args[2], stdin)
	case len(args) == 1 && args[0] == "wifi":
		return serveWifi(stdin)
	}
	fmt.Fprintln(stderr, "piwiz grant is a part of piwiz that it runs by itself.")
	return 2
}

func serveOpen(path, expect string, socket *os.File) int {
	f, err := openFor(path, expect)
	if err != nil {
		return answer(socket, reply{Error: err.Error()}, -1)
	}
	defer f.Close()
	if code := answer(socket, reply{}, int(f.Fd())); code != 0 {
		return code
	}
	// The other half holds the socket open as long as it writes.
	_, _ = io.Copy(io.Discard, socket)
	return reread(f)
}

func openFor(path, expect string) (*os.File, error) {
	want, err := disk.ParseIdentity(expect)
	if err != nil {
		return nil, err
	}
	if filepath.Dir(path) != "/dev" {
		return nil, &Refused{path, "It is not a disk."}
	}
	d, err := disk.Read("/", filepath.Base(path))
	if err != nil {
		return nil, err
	}
	if err := check(d, want); err != nil {
		return nil, err
	}
	if err := unmount(d); err != nil {
		return nil, err
	}
	return open(d.Path, want)
}

// reread lets the kernel look at the new partition table. Right after writing
// the disk can be busy for a moment.
func reread(f *os.File) int {
	for range 10 {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKRRPART, 0); e != unix.EBUSY {
			return 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	return 0
}

// WifiDir is the only folder that is read with administrator rights.
const WifiDir = "/var/lib/iwd"

func serveWifi(socket *os.File) int {
	entries, err := os.ReadDir(WifiDir)
	if err != nil {
		return answer(socket, reply{Error: err.Error()}, -1)
	}
	files := map[string][]byte{}
	total := 0
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if !e.Type().IsRegular() || ext != ".psk" && ext != ".open" && ext != ".8021x" {
			continue
		}
		f, err := os.OpenFile(filepath.Join(WifiDir, e.Name()), os.O_RDONLY|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue // gone in the meantime
		}
		b, err := io.ReadAll(io.LimitReader(f, 64<<10))
		_ = f.Close()
		if err == nil && total+len(b) < maxReply/2 {
			files[e.Name()], total = b, total+len(b)
		}
	}
	return answer(socket, reply{Files: files}, -1)
}

// answer sends the reply: its length, then JSON, and with it the descriptor.
func answer(socket *os.File, r reply, fd int) int {
	body, err := json.Marshal(r)
	if err != nil {
		return 1
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	head := fmt.Appendf(nil, "%010d\n", len(body))
	if err := unix.Sendmsg(int(socket.Fd()), head, rights, nil, 0); err != nil {
		return 1
	}
	if _, err := socket.Write(body); err != nil || r.Error != "" {
		return 1
	}
	return 0
}

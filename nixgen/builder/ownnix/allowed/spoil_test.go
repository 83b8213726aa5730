package allowed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/fault"
)

// spoiled makes of the namespace that it runs in, as its root, a computer where
// something does not work, for real. Then it says what In says.
func spoiled(how, dir string) int {
	runtime.LockOSThread()
	what, more, _ := strings.Cut(how, " ")
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = spoils[what](dir, more)
	}
	if err != nil {
		fmt.Println("spoil:", err)
		return 1
	}
	_, there := os.Stat(filepath.Join(dir, "nix"))
	_, err = In(context.Background(), filepath.Join(dir, "nix"))
	fmt.Print(said(err))
	if left, _ := os.ReadDir(dir); len(left) > 0 && there != nil {
		fmt.Println("left:", left)
	}
	return 0
}

// said is an error as a face of the program tells it.
func said(err error) string {
	if err == nil {
		return "allowed\n"
	}
	var b strings.Builder
	fmt.Fprintln(&b, err)
	if f, ok := errors.AsType[*fault.Error](err); !ok || !f.Lacks {
		fmt.Fprintln(&b, "no fault of the computer")
	}
	if f, ok := errors.AsType[fault.Told](err); ok {
		for _, h := range f.Hints() {
			fmt.Fprintln(&b, "-", h)
		}
	}
	return b.String()
}

var spoils = map[string]func(dir, more string) error{
	"nothing": func(string, string) error { return nil },
	"limit": func(_, name string) error {
		return os.WriteFile("/proc/sys/user/"+name, []byte("0"), 0)
	},
	"chroot": func(dir, _ string) error {
		if err := unix.Mount("/", dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return err
		}
		return unix.Chroot(dir)
	},
	"seccomp": func(string, string) error { return noNamespaces() },
	"proc":    func(string, string) error { return unix.Mount("none", "/proc/irq", "tmpfs", 0, "") },
	"tmpfs": func(dir, options string) error {
		flags := map[string]uintptr{"noexec": unix.MS_NOEXEC, "ro": unix.MS_RDONLY, "": 0, "nosuid,nodev": unix.MS_NOSUID | unix.MS_NODEV}[options]
		return unix.Mount("none", dir, "tmpfs", flags, "")
	},
	"names": func(dir, n string) error {
		number, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(dir, "nix"), 0o755); err != nil {
			return err
		}
		return shortNames(filepath.Join(dir, "nix"), number)
	},
	"unwritable": func(dir, _ string) error {
		return unix.Mount("none", dir, "tmpfs", 0, "nr_inodes=1")
	},
	"table": func(_, qemu string) error { // an emulator is registered for the whole computer
		const at = "/proc/sys/fs/binfmt_misc"
		if err := unix.Mount("binfmt_misc", at, "binfmt_misc", 0, ""); err != nil || qemu == "" {
			return err
		}
		return os.WriteFile(at+"/register", []byte(register.Line("theirs", qemu, "PF")), 0)
	},
}

// noNamespaces is what Docker, Podman and RestrictNamespaces= of systemd do.
func noNamespaces() error {
	const nr, firstArgument = 0, 16 // in struct seccomp_data
	load, equal, set, back := uint16(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS), uint16(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K), uint16(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K), uint16(unix.BPF_RET|unix.BPF_K)
	program := []unix.SockFilter{
		{Code: load, K: nr},
		{Code: equal, Jf: 3, K: unix.SYS_CLONE},
		{Code: load, K: firstArgument},
		{Code: set, Jf: 1, K: unix.CLONE_NEWUSER},
		{Code: back, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: back, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})))
	runtime.KeepAlive(program)
	if errno != 0 {
		return errno
	}
	return nil
}

// shortNames mounts an empty file system whose names may have n bytes, as those of
// eCryptfs have 143. Source: the kernel's include/uapi/linux/fuse.h.
func shortNames(dir string, n int) error {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", f.Fd())
	if err := unix.Mount("short", dir, "fuse", 0, options); err != nil {
		return err
	}
	go func() {
		le := binary.LittleEndian
		for b := make([]byte, 1<<17); ; {
			size, err := f.Read(b)
			if err != nil {
				return
			}
			const header, attributes = 16, 104
			var errno int32
			answer := make([]byte, header)
			switch le.Uint32(b[4:size]) { // the operation
			case 26: // init
				answer = append(answer, make([]byte, 64)...)
				le.PutUint32(answer[header:], 7)
				le.PutUint32(answer[header+4:], 31)
				le.PutUint32(answer[header+20:], 4096) // max_write
			case 3: // getattr: a folder
				answer = append(answer, make([]byte, attributes)...)
				le.PutUint32(answer[header+16+60:], unix.S_IFDIR|0o755)
				le.PutUint32(answer[header+16+64:], 2)
			case 17: // statfs
				answer = append(answer, make([]byte, 80)...)
				le.PutUint32(answer[header+40:], 4096) // bsize
				le.PutUint32(answer[header+44:], uint32(n))
			case 28, 44: // readdir: nothing
			case 2, 36: // forget is not answered
				continue
			default:
				errno = -int32(unix.ENOSYS)
			}
			le.PutUint32(answer, uint32(len(answer)))
			le.PutUint32(answer[4:], uint32(errno))
			copy(answer[8:16], b[8:16])
			if _, err := f.Write(answer); err != nil && !errors.Is(err, unix.ENOENT) {
				return
			}
		}
	}()
	return nil
}

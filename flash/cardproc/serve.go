package cardproc

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
)

// Serve is the part that asks the card: standard input is the socket. It ends
// when the other part does, or when the request that hangs at that time is
// over. Its exit code is 0, 1 after a fault of its own, or 2 when it was
// not started by piwiz.
func Serve(stdin int, stderr io.Writer) int {
	memory, err := unix.Mmap(memoryFile, 0, Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		fmt.Fprintln(stderr, "This is an internal command; run piwiz instead.")
		return 2
	}
	over := make(chan error, atOnce)
	for range atOnce {
		crash.Go(func() error { serve(stdin, memory); return nil }, func(err error) { over <- err })
	}
	if err := <-over; err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// atOnce is how many requests can be under way: one for each lane of the
// engine, and one more to look what is wrong while they hang.
const atOnce = 4

// serve takes requests and makes them, in the same thread: handing each over to
// another one takes longer than the fastest cards do.
func serve(stdin int, memory []byte) {
	b := make([]byte, requestSize)
	for {
		n, err := unix.Read(stdin, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != requestSize {
			return
		}
		_, _ = unix.Write(stdin, decodeRequest(b).do(memory).encode()) // nobody may be left to be told
	}
}

// do makes the system call.
func (r request) do(memory []byte) answer {
	a := answer{id: r.id}
	var err error
	n := 0
	switch {
	case r.op == sync:
		err = unix.Fsync(cardFile)
	case r.op == seek:
		a.n, err = unix.Seek(cardFile, r.off, int(r.at))
	case r.op == eject:
		err = ejected()
	case r.at < 0 || r.n < 0 || r.at+r.n > int64(len(memory)):
		err = unix.EFAULT
	case r.op == read:
		n, err = whole(unix.Pread, memory[r.at:r.at+r.n], r.off)
		a.n = int64(n)
	case r.op == write:
		n, err = whole(unix.Pwrite, memory[r.at:r.at+r.n], r.off)
		a.n = int64(n)
	}
	if err != nil {
		a.errno, _ = err.(unix.Errno) // package unix gives no others
	}
	return a
}

// ejected tells a reader to give its card out, which whoever may write to the
// card may do. The kernel locks the door of a reader whose card is open (linux,
// drivers/scsi/sd.c, sd_open); a reader without a door knows no lock.
func ejected() error {
	const doorUnlock, eject = 0x5381, 0x5309 // SCSI_IOCTL_DOORUNLOCK, CDROMEJECT
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, cardFile, doorUnlock, 0)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, cardFile, eject, 0); e != 0 {
		return e
	}
	return nil
}

// whole goes on where a call stopped half-way, and again where a signal
// ended it.
func whole(do func(int, []byte, int64) (int, error), b []byte, off int64) (int, error) {
	done := 0
	for done < len(b) {
		n, err := do(cardFile, b[done:], off+int64(done))
		if err == unix.EINTR {
			continue
		}
		done += max(n, 0)
		if err != nil || n == 0 {
			return done, err
		}
	}
	return done, nil
}

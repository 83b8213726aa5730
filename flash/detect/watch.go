package detect

import (
	"bytes"
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
)

// Watch tells when the disks may be different from before: at once when the
// kernel says so, and each second in any case, because in a container it may
// say nothing, and udev's labels come a moment after the disk. Several events
// make one message as long as nobody takes it. The channel is closed when ctx
// ends.
func Watch(ctx context.Context) <-chan struct{} { return watch(ctx, time.Second) }

func watch(ctx context.Context, every time.Duration) <-chan struct{} {
	out, events := make(chan struct{}, 1), listen(ctx)
	crash.Go(func() error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			case _, ok := <-events:
				if !ok {
					events = nil // from now on by the clock alone
					continue
				}
			}
			select {
			case out <- struct{}{}:
			default: // one is waiting already
			}
		}
	}, func(error) { close(out) })
	return out
}

// fromKernel is the multicast group of the kernel's own messages; udev repeats
// them in another one.
const fromKernel = 1

// listen gives the kernel's messages about disks (netlink(7),
// NETLINK_KOBJECT_UEVENT, open to every user). The channel is closed when
// there are none to be had.
func listen(ctx context.Context) <-chan struct{} {
	events := make(chan struct{})
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		close(events)
		return events
	}
	f := os.NewFile(uintptr(fd), "kernel events") // closing it ends a waiting read
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: fromKernel}); err != nil {
		_ = f.Close()
		close(events)
		return events
	}
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	crash.Go(func() error {
		defer f.Close()
		defer stop()
		buf := make([]byte, 8192) // the kernel's own limit is 2048
		for {
			about, err := receive(f, buf)
			if err != nil {
				return err
			}
			if !about {
				continue
			}
			select {
			case events <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		}
	}, func(error) { close(events) })
	return events
}

// receive waits for one message and says whether it is about a disk.
func receive(f *os.File, buf []byte) (about bool, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return false, err
	}
	var n int
	var from unix.Sockaddr
	var recvErr error
	err = conn.Read(func(fd uintptr) bool {
		n, from, recvErr = unix.Recvfrom(int(fd), buf, 0)
		return recvErr != unix.EAGAIN
	})
	switch {
	case err != nil:
		return false, err
	case recvErr == unix.ENOBUFS:
		return true, nil // messages were lost: look
	case recvErr != nil:
		return false, recvErr
	}
	// Any program can send to a socket; the kernel is number 0.
	sender, ok := from.(*unix.SockaddrNetlink)
	return ok && sender.Pid == 0 && aboutDisk(buf[:n]), nil
}

// aboutDisk says whether a message of the kernel is about a disk or partition:
// "add@/devices/...", then fields such as "SUBSYSTEM=block", each ended by a
// zero byte (kernel, lib/kobject_uevent.c).
func aboutDisk(message []byte) bool {
	head, fields, ok := bytes.Cut(message, []byte{0})
	if !ok || !bytes.Contains(head, []byte("@/")) {
		return false
	}
	for field := range bytes.SplitSeq(fields, []byte{0}) {
		if string(field) == "SUBSYSTEM=block" {
			return true
		}
	}
	return false
}

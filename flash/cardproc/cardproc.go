// Package cardproc asks a card for reads and writes in a process of its own. A
// request can hang in the kernel for minutes, and until it is over a process
// with such a thread does not end, even when killed: the shell would wait. So
// the process that holds the terminal never asks the card itself.
//
// The two processes share memory for the data (memfd_create(2)), and a socket
// (unix(7), SOCK_SEQPACKET) for requests and answers.
package cardproc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	gosync "sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
)

var (
	errEnded   = errors.New("the part of piwiz that talks to the card has ended")
	errForeign = errors.New("this memory is not shared with the part of piwiz that talks to the card")
)

// Card is a card behind another process. Requests must be in Memory.
type Card struct {
	memory  []byte
	socket  *os.File
	process *os.Process
	ended   chan struct{} // the other process is gone

	mu      gosync.Mutex
	last    uint32 // request
	waiting map[uint32]chan answer
	over    error // why no more answers come, nil while they do
}

// Start hands an open card over to a new process: program, run with args,
// must call Serve. The card is closed here.
func Start(card *os.File, program string, args ...string) (*Card, error) {
	defer card.Close() // the other process has its own
	c := &Card{ended: make(chan struct{}), waiting: map[uint32]chan answer{}}
	fd, err := unix.MemfdCreate("card", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("get memory to share: %w", err)
	}
	memory := os.NewFile(uintptr(fd), "memory")
	defer memory.Close()
	if err := memory.Truncate(Size); err != nil {
		return nil, fmt.Errorf("get memory to share: %w", err)
	}
	if c.memory, err = unix.Mmap(fd, 0, Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("get memory to share: %w", err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connect to the card: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.ExtraFiles = theirs, []*os.File{card, memory}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for the process at the terminal
	if err := errors.Join(unix.SetNonblock(pair[0], true), cmd.Start()); err != nil {
		_ = unix.Close(pair[0])
		return nil, fmt.Errorf("start the part that talks to the card: %w", err)
	}
	c.socket, c.process = os.NewFile(uintptr(pair[0]), "socket"), cmd.Process
	crash.Go(cmd.Wait, func(error) { close(c.ended) }) // what it could not do, it answered
	crash.Go(c.listen, c.giveUp)
	return c, nil
}

// listen hands out the answers, until there can be no more.
func (c *Card) listen() error {
	b := make([]byte, answerSize)
	for {
		n, err := c.socket.Read(b)
		if err != nil || n != answerSize {
			return errEnded
		}
		a := decodeAnswer(b)
		c.mu.Lock()
		if to, ok := c.waiting[a.id]; ok {
			delete(c.waiting, a.id)
			to <- a
		}
		c.mu.Unlock()
	}
}

// giveUp ends the waiting for answers that have not come.
func (c *Card) giveUp(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = why
	for _, to := range c.waiting {
		close(to)
	}
	clear(c.waiting)
}

func (c *Card) ask(r request) (int64, error) {
	to := make(chan answer, 1)
	c.mu.Lock()
	if over := c.over; over != nil {
		c.mu.Unlock()
		return 0, over
	}
	c.last++
	r.id = c.last
	c.waiting[r.id] = to
	c.mu.Unlock()
	if _, err := c.socket.Write(r.encode()); err != nil {
		return 0, errEnded
	}
	a, ok := <-to
	switch {
	case !ok:
		c.mu.Lock()
		defer c.mu.Unlock()
		return 0, c.over
	case a.errno != 0:
		return a.n, a.errno
	}
	return a.n, nil
}

// Memory is what requests must be in: Size bytes, page-aligned, zero at
// first. It stays when the card is closed.
func (c *Card) Memory() []byte { return c.memory }

// transfer asks for a read or a write.
func (c *Card) transfer(o op, b []byte, off int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	at := int64(uintptr(unsafe.Pointer(&b[0]))) - int64(uintptr(unsafe.Pointer(&c.memory[0])))
	if at < 0 || at+int64(len(b)) > Size {
		return 0, errForeign
	}
	n, err := c.ask(request{op: o, off: off, at: at, n: int64(len(b))})
	return int(n), err
}

// ReadAt reads as an io.ReaderAt.
func (c *Card) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.transfer(read, b, off)
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes as an io.WriterAt.
func (c *Card) WriteAt(b []byte, off int64) (int, error) {
	n, err := c.transfer(write, b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}

// Sync returns when the card has taken everything.
func (c *Card) Sync() error {
	_, err := c.ask(request{op: sync})
	return err
}

// Seek moves as an io.Seeker, which tells the size of a disk: 0 when its
// reader is gone.
func (c *Card) Seek(off int64, whence int) (int64, error) {
	return c.ask(request{op: seek, off: off, at: int64(whence)})
}

// Eject tells the reader to give the card out, as the button of a file manager
// does. Not every kind of card reader can; then it is an error.
func (c *Card) Eject() error {
	_, err := c.ask(request{op: eject})
	return err
}

// patience is how long Close waits for the other process.
const patience = 300 * time.Millisecond

// ErrHangs is a card that is closed as soon as it answers.
var ErrHangs = errors.New("the card does not answer; it is closed when it does")

// Close ends the other process, and with it closes the card.
func (c *Card) Close() error {
	_ = c.socket.Close() // it can only be closed already
	defer func() { _ = unix.Madvise(c.memory, unix.MADV_REMOVE) }()
	select {
	case <-c.ended:
		return nil
	case <-time.After(patience):
		return ErrHangs
	}
}

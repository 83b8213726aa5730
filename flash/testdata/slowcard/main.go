// Command slowcard plays a card that pays for every request, as cards do: a FUSE
// file in which each read and each write takes the same time whatever its size,
// one after the other. It is a module of its own, so that piwiz has no use for a
// FUSE library.
//
//	slowcard FOLDER FILE COST [stall]
//
// mounts FOLDER, in which "card" has the bytes of FILE and each request costs COST
// (20ms). It says "ready", and at its end (TERM, or when it is unmounted) how many
// requests there were and of what size. What a disk does not do, it does not
// either: being cut. A flush costs nothing, since SD cards have no such command.
//
// With "stall" no read is ever answered, like a file on a server that has gone.
//
// What it cannot play: the kernel cuts what is asked of a FUSE file into requests
// of 1 MiB at most. A program that asks for more gains less here than on a card.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// card is the file, and what was asked of it.
type card struct {
	fs.Inode
	file  *os.File
	cost  time.Duration
	stall bool

	mu     sync.Mutex
	counts map[string]int
}

// serve makes a request take its time, one after the other.
func (c *card) serve(kind string, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[fmt.Sprintf("%s of %4d KiB", kind, bytes>>10)]++
	time.Sleep(c.cost)
}

func (c *card) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	st, err := c.file.Stat()
	if err != nil {
		return fs.ToErrno(err)
	}
	out.Mode, out.Size = syscall.S_IFREG|0o600, uint64(st.Size())
	return 0
}

func (c *card) Setattr(ctx context.Context, h fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return c.Getattr(ctx, h, out)
}

func (c *card) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) { return nil, 0, 0 }

func (c *card) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if c.stall {
		select {}
	}
	c.serve("reads ", len(dest))
	n, _ := c.file.ReadAt(dest, off) // fewer at the end
	return fuse.ReadResultData(dest[:n]), 0
}

func (c *card) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	c.serve("writes", len(data))
	n, err := c.file.WriteAt(data, off)
	return uint32(n), fs.ToErrno(err)
}

func (c *card) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno { return 0 }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "slowcard:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: slowcard FOLDER FILE COST [stall]")
	}
	file, err := os.OpenFile(args[1], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	cost, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	c := &card{file: file, cost: cost, stall: len(args) > 3 && args[3] == "stall", counts: map[string]int{}}
	root := &fs.Inode{}
	forever := time.Hour
	server, err := fs.Mount(args[0], root, &fs.Options{
		MountOptions: fuse.MountOptions{MaxWrite: 1 << 20, DirectMountStrict: true, DisableSplice: true, Name: "slowcard"},
		AttrTimeout:  &forever, EntryTimeout: &forever,
		OnAdd: func(ctx context.Context) {
			root.AddChild("card", root.NewPersistentInode(ctx, c, fs.StableAttr{Mode: syscall.S_IFREG}), false)
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-end
		_ = syscall.Unmount(args[0], syscall.MNT_DETACH) // it may be in use
	}()
	server.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(c.counts)) {
		fmt.Fprintf(os.Stderr, "%6d %s\n", c.counts[k], k)
	}
	return nil
}

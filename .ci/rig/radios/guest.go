package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// guest is the virtual computer, and the port on which it does what it is told.
type guest struct {
	qemu *exec.Cmd
	port net.Conn
	in   *bufio.Reader
}

// boot starts the guest in the folder that radio prepared.
func boot(rig string) (*guest, error) {
	os.Remove("port")
	const share = "security_model=none,multidevs=remap"
	q := exec.Command("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024", "-M", "q35",
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "file:console", "-no-reboot",
		"-kernel", rig+"/guest/vmlinux", "-initrd", "initrd.cpio", "-append", "console=ttyS0 quiet panic=-1 nokaslr mitigations=off tsc=reliable",
		"-virtfs", "local,path=share,mount_tag=host,"+share, "-virtfs", "local,path=/,mount_tag=root,readonly=on,"+share,
		"-virtfs", "local,path=layer,mount_tag=udev,readonly=on,"+share,
		"-device", "virtio-serial", "-chardev", "socket,id=port,path=port,server=on,wait=off", "-device", "virtserialport,chardev=port,name=host")
	q.Stderr = os.Stderr
	runtime.LockOSThread() // it is the thread's death that ends the guest
	q.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := q.Start(); err != nil {
		return nil, err
	}
	g := &guest{qemu: q}
	for range 200 {
		if c, err := net.Dial("unix", "port"); err == nil {
			g.port, g.in = c, bufio.NewReader(c)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if g.port == nil {
		g.end()
		return nil, fmt.Errorf("the virtual computer does not start")
	}
	g.port.SetDeadline(time.Now().Add(5 * time.Minute))
	if line, err := g.in.ReadString('\n'); err != nil || line != "ready\n" {
		g.end()
		return nil, fmt.Errorf("the virtual computer said %q, %v: see radio/console", line, err)
	}
	return g, nil
}

func (g *guest) end() {
	g.qemu.Process.Kill()
	g.qemu.Wait()
}

// sh runs a shell line as root.
func (g *guest) sh(format string, args ...any) (string, error) {
	line := fmt.Sprintf(format, args...)
	g.port.SetDeadline(time.Now().Add(8 * time.Minute))
	if _, err := fmt.Fprintln(g.port, line); err != nil {
		return "", err
	}
	var code, size int
	if _, err := fmt.Fscanf(g.in, "%d %d\n", &code, &size); err != nil {
		return "", fmt.Errorf("%s: %w", line, err)
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(g.in, out); err != nil {
		return "", err
	}
	if code != 0 {
		return string(out), fmt.Errorf("%s: exit %d: %s", line, code, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// quoted is s as one word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

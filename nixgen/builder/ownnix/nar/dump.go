package nar

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Dump writes path as a NAR, as nix-store --dump does.
func Dump(w io.Writer, path string) error {
	d := dumper{bufio.NewWriterSize(w, 1<<16)}
	d.text(magic)
	if err := d.node(path); err != nil {
		return err
	}
	return d.out.Flush() // and what failed before it
}

type dumper struct{ out *bufio.Writer }

func (d dumper) text(words ...string) {
	for _, w := range words {
		d.length(int64(len(w)))
		_, _ = d.out.WriteString(w) // Flush tells
		d.padding(int64(len(w)))
	}
}

func (d dumper) length(n int64) {
	_, _ = d.out.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func (d dumper) padding(n int64) { _, _ = d.out.Write(make([]byte, -n&7)) }

func (d dumper) node(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	d.text("(", "type")
	switch mode := info.Mode(); {
	case mode.IsRegular():
		err = d.file(path, info)
	case mode.IsDir():
		err = d.folder(path)
	case mode&fs.ModeSymlink != 0:
		var target string
		target, err = os.Readlink(path)
		d.text("symlink", "target", target)
	default:
		err = fmt.Errorf("%s is no file, folder or link", path)
	}
	d.text(")")
	return err
}

func (d dumper) file(path string, info fs.FileInfo) error {
	d.text("regular")
	if info.Mode()&0o100 != 0 {
		d.text("executable", "")
	}
	d.text("contents")
	d.length(info.Size())
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(d.out, f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d.padding(info.Size())
	return nil
}

func (d dumper) folder(path string) error {
	d.text("directory")
	entries, err := os.ReadDir(path) // sorted by name
	for _, e := range entries {
		d.text("entry", "(", "name", e.Name(), "node")
		if err := d.node(filepath.Join(path, e.Name())); err != nil {
			return err
		}
		d.text(")")
	}
	return err
}

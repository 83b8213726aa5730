package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/image/kind"
)

// at is a file of 200 KiB with some bytes at a place.
func at(off int, b string) []byte {
	out := make([]byte, 200<<10)
	out[100<<10] = 1
	copy(out[off:], b)
	return out
}

// typed is a table of partitions of these types.
func typed(types ...byte) []byte {
	b := small()
	clear(b[446:510])
	for i, k := range types {
		e := b[446+16*i:]
		e[4] = k
		binary.LittleEndian.PutUint32(e[8:], uint32(16+32*i))
		binary.LittleEndian.PutUint32(e[12:], 32)
	}
	return b
}

func TestWhatIsRefusedSaysWhatItIsAndWhatToDo(t *testing.T) {
	hybrid := small()
	copy(hybrid[32769:], "CD001")
	dmg := append(small(), make([]byte, 512)...)
	copy(dmg[len(dmg)-512:], "koly")
	vfat := at(0, "\xeb\x3c\x90mkfs.fat\x00\x02\x04")
	copy(vfat[54:], "FAT16   ")
	vfat[510], vfat[511] = 0x55, 0xaa
	for label, c := range map[string]struct {
		data []byte
		what string
		todo string
	}{
		"iso":           {at(32769, "CD001"), "ISO image", "sd-image"},
		"hybrid iso":    {hybrid, "ISO image", "sd-image"},
		"gpt":           {typed(0xee), "GPT", "sd-image"},
		"hybrid gpt":    {typed(0x0c, 0xee), "GPT", "sd-image"},
		"disk of a PC":  {typed(0x07, 0x83), "no FAT partition", "sd-image"},
		"zip":           {at(0, "PK\x03\x04"), "zip archive", "unzip "},
		"7z":            {at(0, "7z\xbc\xaf\x27\x1c"), "7-Zip", "7z x "},
		"rar":           {at(0, "Rar!\x1a\x07\x01\x00"), "RAR", "unrar x "},
		"lzip":          {at(0, "LZIP\x01"), "compressed with lzip", "lzip -dc "},
		"lzma":          {at(0, "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "compressed with lzma", "xz --format=lzma -dc "},
		"lzma, sized":   {at(0, "\x5d\x00\x00\x00\x04\x00\x00\x00\xc0\x00\x00\x00\x00\x00"), "compressed with lzma", "xz --format=lzma -dc "},
		"qcow2":         {at(0, "QFI\xfb\x00\x00\x00\x03"), "qcow2", "qemu-img convert -O raw "},
		"vmdk":          {at(0, "KDMV\x01"), "vmdk", "qemu-img convert -O raw "},
		"vdi":           {at(0, "<<< Oracle VM VirtualBox Disk Image >>>\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x10\xda\xbe"), "vdi", "qemu-img convert -O raw "},
		"vhd":           {at(0, "conectix"), "vhd", "qemu-img convert -O raw "},
		"vhdx":          {at(0, "vhdxfile"), "vhdx", "qemu-img convert -O raw "},
		"dmg":           {dmg, "dmg", "dmg2img "},
		"sparse":        {at(0, "\x3a\xff\x26\xed\x01\x00"), "Android sparse", "simg2img "},
		"ext4":          {at(1080, "\x53\xef"), "ext4", "sd-image"},
		"fat":           {vfat, "FAT file system without", "sd-image"},
		"ntfs":          {at(3, "NTFS    "), "NTFS", "sd-image"},
		"exfat":         {at(3, "EXFAT   "), "exFAT", "sd-image"},
		"btrfs":         {at(65600, "_BHRfS_M"), "btrfs", "sd-image"},
		"squashfs":      {at(0, "hsqs"), "squashfs", "sd-image"},
		"luks":          {at(0, "LUKS\xba\xbe\x00\x02"), "LUKS", "sd-image"},
		"deb":           {at(0, "!<arch>\ndebian-binary"), "Debian package", "sd-image"},
		"html":          {[]byte("\n<!DOCTYPE HTML>\n<html><head><title>404"), "web page", "browser"},
		"xhtml":         {[]byte(`<?xml version="1.0"?><html xmlns="x">`), "web page", "browser"},
		"lfs":           {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), "Git LFS", "git lfs pull"},
		"torrent":       {[]byte("d8:announce35:http://tracker/announce4:infod6:lengthi5e6:pieces20:\x00\x01\xff"), "torrent", "BitTorrent"},
		"magnet":        {[]byte("magnet:?xt=urn:btih:aaaa"), "magnet", "BitTorrent"},
		"sum":           {[]byte(strings.Repeat("a", 64) + "  image.img.zst\n"), "checksums", "image itself"},
		"json":          {[]byte(`{"message":"Not Found"}`), "but a text", "less "},
		"text in UTF-8": {append([]byte("ä"), bytes.Repeat([]byte("ä"), 400)...), "but a text", "less "},
		"empty":         {nil, "empty", "again"},
		"zeros":         {make([]byte, 4096), "nothing but zeros", "again"},
		"noise":         {append([]byte{1, 2, 3}, bytes.Repeat([]byte("\xfe\x00\x7f\x10"), 2000)...), "no partition table", "sd-image"},
		"short":         {[]byte{1, 2, 3}, "less than one sector", "again"},
		"nar":           {at(0, "\x0d\x00\x00\x00nix-archive-1\x00\x00\x00"), "Nix archive", "nix-store --restore"},
		"kernel":        {at(56, "ARM\x64"), "kernel", "sd-image"},
		"age":           {[]byte("age-encryption.org/v1\n-> X25519 abc\n"), "encrypted with age", "age -d "},
		"salted":        {at(0, "Salted__12345678"), "openssl", "openssl enc -d"},
	} {
		t.Run(label, func(t *testing.T) {
			for how, data := range map[string][]byte{"plain": c.data, "gzip": gzipped(t, c.data), "zstd": zstdPacked(t, c.data)} {
				if label == "dmg" && how != "plain" {
					continue // only its end tells
				}
				_, err := Open(t.Context(), From{Path: write(t, data)})
				var e *Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), c.what) || !strings.Contains(strings.Join(e.Hints(), "\n"), c.todo) {
					t.Errorf("%s: %v %q", how, err, e.Hints())
				}
				if strings.Contains(strings.Join(e.Hints(), ""), "piwiz build") {
					t.Error("it was not piwiz that built this")
				}
			}
		})
	}
}

// Those that a program of this computer makes are known, and the command that is
// named makes the image of them.
func TestTheNamedCommandMakesAnImageOfIt(t *testing.T) {
	for label, c := range map[string]struct {
		tool, make, first, result string
	}{
		"tar":        {"tar", "tar -cf $out image.img", "tar ", "image.img"},
		"tar.gz":     {"tar", "tar -czf $out image.img", "tar ", "image.img"},
		"tar.zst":    {"zstd", "tar -cf - image.img | zstd -q > $out", "tar ", "image.img"},
		"tar.xz":     {"xz", "tar -cJf $out image.img", "tar ", "image.img"},
		"cpio":       {"cpio", "echo image.img | cpio -o -H newc > $out", "cpio ", "image.img"},
		"cpio, odc":  {"cpio", "echo image.img | cpio -o -H odc > $out", "cpio ", "image.img"},
		"cpio, bin":  {"cpio", "echo image.img | cpio -o > $out", "cpio ", "image.img"},
		"lz4":        {"lz4", "lz4 -qc image.img > $out", "lz4 ", kind.Unpacked},
		"lz4, old":   {"lz4", "lz4 -qlc image.img > $out", "lz4 ", kind.Unpacked},
		"lzma":       {"xz", "xz --format=lzma -c image.img > $out", "xz ", kind.Unpacked},
		"lzma, max":  {"xz", "xz --format=lzma -9e -c image.img > $out", "xz ", kind.Unpacked},
		"zstd, wide": {"zstd", "zstd -q --long=30 -c < image.img > $out", "zstd ", kind.Unpacked},
		"xz, arm64":  {"xz", "xz --arm --lzma2 -c image.img > $out", "xz ", kind.Unpacked},
		"xz, wide":   {"xz", "xz --lzma2=dict=512MiB -c image.img > $out", "xz ", kind.Unpacked},
	} {
		t.Run(label, func(t *testing.T) {
			tool(t, c.tool)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "image.img"), small(), 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "it's packed")
			cmd := exec.Command("sh", "-c", c.make)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "out="+filepath.Join(dir, "packed"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if err := os.Rename(filepath.Join(dir, "packed"), path); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), From{Path: path})
			made := runHint(t, err, c.first)
			if got, err := os.ReadFile(filepath.Join(made, c.result)); err != nil || !bytes.Equal(got, small()) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestWhatProgramsMakeIsKnownForWhatItIs(t *testing.T) {
	for label, c := range map[string]struct{ tool, make, what string }{
		"ext4":       {"mkfs.ext4", "truncate -s 2M $out && mkfs.ext4 -q -F $out", "ext4"},
		"fat16":      {"mkfs.vfat", "truncate -s 30M $out && mkfs.vfat $out", "FAT file system"},
		"fat32":      {"mkfs.vfat", "truncate -s 40M $out && mkfs.vfat -F 32 $out", "FAT file system"},
		"gpt":        {"sgdisk", "truncate -s 4M $out && sgdisk -n 1:2048:4095 -t 1:ef00 $out", "GPT"},
		"hybrid mbr": {"sgdisk", "truncate -s 4M $out && sgdisk -n 1:2048:4095 -t 1:0700 -h 1:EE $out", "GPT"},
		"gpg":        {"gpg", "export GNUPGHOME=$home; echo pass | gpg --batch --pinentry-mode loopback --passphrase-fd 0 -c -o $out image.img", "OpenPGP"},
		"gpg, armor": {"gpg", "export GNUPGHOME=$home; echo pass | gpg --batch --pinentry-mode loopback --passphrase-fd 0 -a -c -o $out image.img", "OpenPGP"},
		"age":        {"age-keygen", "age-keygen -o $home/k 2> /dev/null && age -r $(age-keygen -y $home/k) -o $out image.img", "encrypted with age"},
		"age, armor": {"age-keygen", "age-keygen -o $home/k 2> /dev/null && age -a -r $(age-keygen -y $home/k) -o $out image.img", "encrypted with age"},
		"openssl":    {"openssl", "openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in image.img -out $out", "openssl"},
		"deb":        {"dpkg-deb", "mkdir -p p/DEBIAN && printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: me\\nDescription: d\\n' > p/DEBIAN/control && dpkg-deb -b p $out", "Debian package"},
		"nested":     {"xz", "gzip -c image.img | xz -c > $out", "gzip once more"},
	} {
		t.Run(label, func(t *testing.T) {
			tool(t, c.tool)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "image.img"), small(), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-c", c.make)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "out="+filepath.Join(dir, "made"), "home="+t.TempDir())
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			_, err := Open(t.Context(), From{Path: filepath.Join(dir, "made")})
			saysNo(t, err, c.what)
		})
	}
}

// A pipe, a folder or a disk is named at once, and nothing waits for it.
func TestAPathThatIsNoFileSaysWhatToDoWithThat(t *testing.T) {
	dir := t.TempDir()
	fifo, socket := filepath.Join(dir, "a fifo"), filepath.Join(dir, "socket")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	paths := map[string][2]string{
		dir: {"a folder", "ls "}, fifo: {"a pipe", "cat '"}, socket: {"a socket", ".img"}, "/dev/null": {"a character device", ".img"},
		filepath.Join(dir, "none"): {"there is no such image", "ls -l "},
	}
	if found, _ := filepath.Glob("/dev/loop[0-9]"); len(found) > 0 {
		paths[found[0]] = [2]string{"a block device", "sudo dd if=" + found[0]}
	}
	for path, want := range paths {
		began := time.Now()
		_, err := Open(t.Context(), From{Path: path})
		saysNo(t, err, want[0])
		saysHint(t, err, want[1])
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %v", path, took)
		}
	}
	// Beside an image a pipe is no better.
	path := write(t, small())
	if err := unix.Mkfifo(path+".sha256", 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), From{Path: path})
	saysNo(t, err, "a pipe")
}

// Whose image it is decides what is said of one that is damaged.
func TestOnlyAnImageThatPiwizBuiltIsBuiltAgain(t *testing.T) {
	cut := zstdPacked(t, small())
	path := write(t, cut[:len(cut)-100])
	_, err := Open(t.Context(), From{Path: path})
	saysHint(t, err, "Download it again")
	_, err = Open(t.Context(), From{Path: path, Again: "Build it again with: piwiz build bach"})
	saysHint(t, err, "piwiz build bach")
}

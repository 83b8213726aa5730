// Package kind tells what a file is that is no SD image, by how it begins: an
// archive, a disk of a virtual machine, one part of a system, a web page. Each kind
// has what to do with it, with the command for that very file.
package kind

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"piwiz/flash/regular"
	"piwiz/flash/shell"
)

// Kind is something that is no SD image: what it is, and what to do with it.
type Kind struct {
	what, todo string // %s in todo is the file

	// HasTable is one that can have a good partition table and is no image for
	// all that.
	HasTable bool
}

const (
	// Head is how many bytes of a file tell its kind: the mark of btrfs is behind
	// 64 KiB. Tail is how many of its last ones do.
	Head = 1 << 17
	Tail = 512
	// Unpacked is what the image that a command makes is called.
	Unpacked = "image.img"
	// ForThePi says which image to take.
	ForThePi = "Take the SD card image for the Raspberry Pi; for NixOS its name has sd-image and aarch64-linux in it."

	isoAt    = 32769 // of the mark of an ISO 9660 image, in bytes
	thenName = ", then name " + Unpacked
)

// kinds are known by their first bytes. Sources: file(1) and its magic(5), and
// the specification of each format.
var kinds = []struct {
	at                int
	magic, what, todo string
}{
	{0, "PK\x03\x04", "a zip archive", "Unpack it, then name the image in it: unzip %s"},
	{0, "PK\x05\x06", "an empty zip archive", "Download it again."},
	{0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, then name the image in it: 7z x %s"},
	{0, "Rar!\x1a\x07", "a RAR archive", "Unpack it, then name the image in it: unrar x %s"},
	{257, "ustar", "a tar archive", "Unpack it, then name the image in it: tar -xf %s"},
	{0, "070701", "a cpio archive", "Unpack it in an empty folder, then name the image in it: cpio -id < %s"},
	{0, "070702", "a cpio archive", "Unpack it in an empty folder, then name the image in it: cpio -id < %s"},
	{0, "070707", "a cpio archive", "Unpack it in an empty folder, then name the image in it: cpio -id < %s"},
	{0, "\xc7\x71", "a cpio archive", "Unpack it in an empty folder, then name the image in it: cpio -id < %s"},
	{0, "MSCF", "a cabinet archive", "Unpack it, then name the image in it: cabextract %s"},
	{0, "\x0d\x00\x00\x00nix-archive-1", "a Nix archive", "Unpack it, then name the image in it: nix-store --restore unpacked < %s"},
	{0, "\x04\x22\x4d\x18", "compressed with lz4", "Unpack it" + thenName + ": lz4 -dc %s > " + Unpacked},
	{0, "\x02\x21\x4c\x18", "compressed with lz4", "Unpack it" + thenName + ": lz4 -dc %s > " + Unpacked},
	{0, "LZIP", "compressed with lzip", "Unpack it" + thenName + ": lzip -dc %s > " + Unpacked},
	{0, "\x89LZO\x00\x0d\x0a\x1a\x0a", "compressed with lzop", "Unpack it" + thenName + ": lzop -dc %s > " + Unpacked},
	{0, "LRZI", "compressed with lrzip", "Unpack it" + thenName + ": lrzip -d -o " + Unpacked + " %s"},
	{0, "\x1f\x9d", "compressed with compress", "Unpack it" + thenName + ": gzip -dc %s > " + Unpacked},
	{0, "QFI\xfb", "a disk of QEMU (qcow2)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "KDMV", "a disk of VMware (vmdk)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "COWD", "a disk of VMware (vmdk)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "# Disk DescriptorFile", "the description of a disk of VMware (vmdk)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{64, "\x7f\x10\xda\xbe", "a disk of VirtualBox (vdi)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "conectix", "a disk of Hyper-V (vhd)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "vhdxfile", "a disk of Hyper-V (vhdx)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "WithoutFreeSpace", "a disk of Parallels", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "WithouFreSpacExt", "a disk of Parallels", "Convert it" + thenName + ": qemu-img convert -O raw %s " + Unpacked},
	{0, "\x3a\xff\x26\xed", "an Android sparse image", "Convert it" + thenName + ": simg2img %s " + Unpacked},
	{isoAt, "CD001", "an ISO image, made for the CDs and USB sticks of PCs", ForThePi},
	{0, "hsqs", "a squashfs file system, only one part of a system", ForThePi},
	{0, "XFSB", "an XFS file system without a partition table", ForThePi},
	{3, "NTFS    ", "an NTFS file system without a partition table", ForThePi},
	{3, "EXFAT   ", "an exFAT file system without a partition table", ForThePi},
	{1080, "\x53\xef", "an ext4 file system without a partition table", ForThePi},
	{1024, "\x10\x20\xf5\xf2", "an F2FS file system without a partition table", ForThePi},
	{1024, "\xe2\xe1\xf5\xe0", "an EROFS file system, only one part of a system", ForThePi},
	{65600, "_BHRfS_M", "a btrfs file system without a partition table", ForThePi},
	{0, "LUKS\xba\xbe", "an encrypted disk (LUKS)", ForThePi},
	{0, "age-encryption.org/", "encrypted with age", "Decrypt it" + thenName + ": age -d -i KEYFILE -o " + Unpacked + " %s"},
	{0, "-----BEGIN AGE ENCRYPTED FILE", "encrypted with age", "Decrypt it" + thenName + ": age -d -i KEYFILE -o " + Unpacked + " %s"},
	{0, "-----BEGIN PGP MESSAGE", "encrypted or signed with OpenPGP", "Decrypt it" + thenName + ": gpg -o " + Unpacked + " -d %s"},
	{0, "-----BEGIN PGP SIG", "a signature, not the image that was signed", "Name the image itself, without .asc or .sig."},
	{0, "Salted__", "encrypted with openssl", "Decrypt it" + thenName + ": openssl enc -d -aes-256-cbc -pbkdf2 -in %s -out " + Unpacked},
	{0, "!<arch>\ndebian", "a Debian package", ForThePi},
	{0, "\xed\xab\xee\xdb", "an RPM package", ForThePi},
	{0, "\x7fELF", "a program", ForThePi},
	{0, "MZ", "a program for Windows", ForThePi},
	{0, "%PDF-", "a PDF document", ForThePi},
	{0, "\x89PNG", "a picture", "An SD image is not a picture: its name ends in .img, perhaps followed by .zst, .xz or .gz."},
	{0, "\xff\xd8\xff", "a picture", "An SD image is not a picture: its name ends in .img, perhaps followed by .zst, .xz or .gz."},
	{56, "ARM\x64", "only a Linux kernel", ForThePi},
	{0, "\x27\x05\x19\x56", "a kernel or file system packed for U-Boot", ForThePi},
	{0, "\xd0\x0d\xfe\xed", "a device tree or FIT image for U-Boot", ForThePi},
	{0, "ER\x02\x00", "a disk with the partition table of old Macs", ForThePi},
	{0, "version https://git-lfs", "a Git LFS pointer, not the file it stands for", "Fetch the file itself, in its repository: git lfs pull"},
	{0, "magnet:", "a magnet link", "Open it with a BitTorrent program, then name what that has downloaded."},
}

// Of tells what a file is that begins with head, of which Head bytes are enough;
// false when it is no kind that is known.
func Of(head []byte) (Kind, bool) {
	k, ok := known(head)
	k.HasTable = k.HasTable || isFAT(head)
	return k, ok
}

func known(head []byte) (Kind, bool) {
	for _, k := range kinds {
		if len(head) > k.at && bytes.HasPrefix(head[k.at:], []byte(k.magic)) {
			return Kind{k.what, k.todo, k.at == isoAt}, true
		}
	}
	switch {
	case isFAT(head):
		return Kind{what: "a FAT file system without a partition table", todo: ForThePi}, true
	case isLZMA(head):
		return Kind{what: "compressed with lzma", todo: "Unpack it" + thenName + ": xz --format=lzma -dc %s > " + Unpacked}, true
	case isPGP(head):
		return Kind{what: "encrypted with OpenPGP", todo: "Decrypt it" + thenName + ": gpg -o " + Unpacked + " -d %s"}, true
	case len(head) > 0 && len(bytes.TrimLeft(head, "\x00")) == 0:
		return Kind{what: "not an image, or incomplete: it begins with nothing but zeros"}, true
	}
	return textKind(head)
}

// OfTail tells what a file is by its last Tail bytes, whatever it begins with.
func OfTail(tail []byte) (Kind, bool) {
	if len(tail) < Tail || string(tail[:4]) != "koly" {
		return Kind{}, false
	}
	return Kind{what: "a disk image of macOS (dmg)", todo: "Convert it" + thenName + ": dmg2img %s " + Unpacked}, true
}

// Packed is a file that is packed once more in what was unpacked; program is what
// unpacks that to its output.
func Packed(name, program string) Kind {
	return Kind{what: "compressed with " + name + " once more", todo: "Unpack that too" + thenName + ": " + program + " %s > " + Unpacked}
}

// Says is what is wrong with it, as a part of a sentence that begins with it.
func (k Kind) Says(it string) error {
	switch verb, _, _ := strings.Cut(k.what, " "); verb {
	case "compressed", "encrypted":
		return fmt.Errorf("%s is %s, which piwiz cannot undo", it, k.what)
	case "not":
		return fmt.Errorf("%s is %s", it, k.what)
	}
	return fmt.Errorf("%s is not an SD image but %s", it, k.what)
}

// Todo is what to do with the file; "" when nothing but to get another one.
func (k Kind) Todo(path string) string { return strings.ReplaceAll(k.todo, "%s", shell.File(path)) }

// TodoInside is what to do with what is in a file that program unpacks to its
// output; nil when it is that of Todo.
func (k Kind) TodoInside(path, program string) []string {
	if !strings.Contains(k.todo, "%s") || strings.Contains(k.todo, "tar -xf") { // tar unpacks by itself
		return nil
	}
	return []string{
		fmt.Sprintf("Unpack it first: %s %s > unpacked", program, shell.File(path)), fmt.Sprintf(k.todo, "unpacked"),
	}
}

// isFAT tells whether a sector is the first of a FAT volume: it has the jump,
// the sector size and the name of the type that mkfs.vfat and Windows write.
func isFAT(b []byte) bool {
	return len(b) >= 512 && (b[0] == 0xeb || b[0] == 0xe9) && (string(b[54:57]) == "FAT" || string(b[82:85]) == "FAT") &&
		binary.LittleEndian.Uint16(b[11:]) >= 512
}

// isLZMA tells a file of lzma-utils, which has no magic number, as file(1) and
// xz(1) do: by properties, a dictionary of a usual size, and a possible length.
func isLZMA(b []byte) bool {
	if len(b) < 13 || b[0] >= 9*5*5 {
		return false
	}
	dict, size := binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint64(b[5:])
	top := dict
	for top&(top-1) != 0 {
		top &= top - 1
	}
	return dict >= 1<<12 && (dict == top || dict == top|top>>1) && (size == 1<<64-1 || size < 1<<38) && size != 0
}

// isPGP tells an OpenPGP message (RFC 9580, 4.2) by its first packet: a session
// key, encrypted with a public key (type 1, version 3) or a passphrase (3, 4).
func isPGP(b []byte) bool {
	if len(b) < 8 || b[0]&0x80 == 0 {
		return false
	}
	tag, version := b[0]>>2&15, b[2]
	switch {
	case b[0]&0x40 != 0:
		tag = b[0] & 63
		if b[1] >= 192 {
			version = b[3]
		}
	case b[0]&3 == 1:
		version = b[3]
	case b[0]&3 > 1:
		return false
	}
	return tag == 1 && (version == 3 || version == 6) || tag == 3 && version >= 4 && version <= 6
}

var torrentFile = Kind{what: "a torrent file", todo: "Open it with a BitTorrent program, then name what that has downloaded."}

var (
	torrent = regexp.MustCompile(`^d\d{1,2}:[a-z]`)
	sumLine = regexp.MustCompile(`^\\?[0-9A-Fa-f]{32,128}[ \t]|^SHA\d+ ?\(`)
)

// textKind tells what a text is.
func textKind(head []byte) (Kind, bool) {
	b := bytes.TrimPrefix(head[:min(len(head), 512)], []byte("\xef\xbb\xbf"))
	if len(b) == 512 {
		for range utf8.UTFMax { // a letter that was cut
			if utf8.Valid(b) {
				break
			}
			b = b[:len(b)-1]
		}
	}
	text := strings.TrimSpace(string(b))
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		if torrent.Match(b) {
			return torrentFile, true
		}
		return Kind{}, false
	}
	lower := strings.ToLower(text)
	switch {
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"), strings.Contains(lower, "<html"), strings.Contains(lower, "<head>"):
		return Kind{what: "a web page, not the file behind its link", todo: "Open it in a browser: it says what went wrong, or has the link to the image."}, true
	case torrent.MatchString(text):
		return torrentFile, true
	case sumLine.MatchString(text):
		return Kind{what: "a file of checksums, not the image", todo: "Name the image itself. piwiz reads IMAGE.sha256 next to it by itself."}, true
	}
	// What it says is not shown: it can be a file of passwords that was named by mistake.
	return Kind{what: "a text", todo: "Read it, it may say what went wrong: less %s"}, true
}

// Instead is what to do with a path that is no file.
func Instead(e *regular.Error) []string {
	switch {
	case e.Mode.IsDir():
		return []string{"Name the image in it. These are there: ls " + shell.File(e.Path)}
	case e.Mode&fs.ModeCharDevice == 0 && e.Mode&fs.ModeDevice != 0:
		return []string{"Make an image of it first" + thenName + ": sudo dd if=" + shell.File(e.Path) + " of=" + Unpacked + " bs=4M conv=sparse"}
	case e.Mode&fs.ModeNamedPipe != 0:
		return []string{"An image is read more than once. Save it first" + thenName + ": cat " + shell.File(e.Path) + " > " + Unpacked}
	}
	return []string{"Name a file that ends in .img, perhaps followed by .zst, .xz, .gz or .bz2."}
}

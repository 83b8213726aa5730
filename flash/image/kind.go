package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"piwiz/flash/image/packed"
	"piwiz/flash/regular"
	"piwiz/flash/shell"
)

// kind is something that is no SD image: what it is, and what to do with it. %s
// in that is the file.
type kind struct {
	at    int
	magic string
	what  string
	todo  string
}

const (
	isoAt        = 32769       // of the mark of an ISO 9660 image, in bytes
	unpackedName = "image.img" // in the commands that are named
	thenName     = ", then name " + unpackedName
	forThePi     = "Take the SD card image for the Raspberry Pi; for NixOS its name has sd-image and aarch64-linux in it."
)

// kinds are known by their first bytes. Sources: file(1) and its magic(5), and
// the specification of each format.
var kinds = []kind{
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
	{0, "\x04\x22\x4d\x18", "compressed with lz4", "Unpack it" + thenName + ": lz4 -dc %s > " + unpackedName},
	{0, "\x02\x21\x4c\x18", "compressed with lz4", "Unpack it" + thenName + ": lz4 -dc %s > " + unpackedName},
	{0, "LZIP", "compressed with lzip", "Unpack it" + thenName + ": lzip -dc %s > " + unpackedName},
	{0, "\x89LZO\x00\x0d\x0a\x1a\x0a", "compressed with lzop", "Unpack it" + thenName + ": lzop -dc %s > " + unpackedName},
	{0, "LRZI", "compressed with lrzip", "Unpack it" + thenName + ": lrzip -d -o " + unpackedName + " %s"},
	{0, "\x1f\x9d", "compressed with compress", "Unpack it" + thenName + ": gzip -dc %s > " + unpackedName},
	{0, "QFI\xfb", "a disk of QEMU (qcow2)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "KDMV", "a disk of VMware (vmdk)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "COWD", "a disk of VMware (vmdk)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "# Disk DescriptorFile", "the description of a disk of VMware (vmdk)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{64, "\x7f\x10\xda\xbe", "a disk of VirtualBox (vdi)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "conectix", "a disk of Hyper-V (vhd)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "vhdxfile", "a disk of Hyper-V (vhdx)", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "WithoutFreeSpace", "a disk of Parallels", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "WithouFreSpacExt", "a disk of Parallels", "Convert it" + thenName + ": qemu-img convert -O raw %s " + unpackedName},
	{0, "\x3a\xff\x26\xed", "an Android sparse image", "Convert it" + thenName + ": simg2img %s " + unpackedName},
	{isoAt, "CD001", "an ISO image, made for the CDs and USB sticks of PCs", forThePi},
	{0, "hsqs", "a squashfs file system, only one part of a system", forThePi},
	{0, "XFSB", "an XFS file system without a partition table", forThePi},
	{3, "NTFS    ", "an NTFS file system without a partition table", forThePi},
	{3, "EXFAT   ", "an exFAT file system without a partition table", forThePi},
	{1080, "\x53\xef", "an ext4 file system without a partition table", forThePi},
	{1024, "\x10\x20\xf5\xf2", "an F2FS file system without a partition table", forThePi},
	{1024, "\xe2\xe1\xf5\xe0", "an EROFS file system, only one part of a system", forThePi},
	{65600, "_BHRfS_M", "a btrfs file system without a partition table", forThePi},
	{0, "LUKS\xba\xbe", "an encrypted disk (LUKS)", forThePi},
	{0, "age-encryption.org/", "encrypted with age", "Decrypt it" + thenName + ": age -d -i KEYFILE -o " + unpackedName + " %s"},
	{0, "-----BEGIN AGE ENCRYPTED FILE", "encrypted with age", "Decrypt it" + thenName + ": age -d -i KEYFILE -o " + unpackedName + " %s"},
	{0, "-----BEGIN PGP MESSAGE", "encrypted or signed with OpenPGP", "Decrypt it" + thenName + ": gpg -o " + unpackedName + " -d %s"},
	{0, "-----BEGIN PGP SIG", "a signature, not the image that was signed", "Name the image itself, without .asc or .sig."},
	{0, "Salted__", "encrypted with openssl", "Decrypt it" + thenName + ": openssl enc -d -aes-256-cbc -pbkdf2 -in %s -out " + unpackedName},
	{0, "!<arch>\ndebian", "a Debian package", forThePi},
	{0, "\xed\xab\xee\xdb", "an RPM package", forThePi},
	{0, "\x7fELF", "a program", forThePi},
	{0, "MZ", "a program for Windows", forThePi},
	{0, "%PDF-", "a PDF document", forThePi},
	{0, "\x89PNG", "a picture", "An SD image is not a picture: its name ends in .img, perhaps followed by .zst, .xz or .gz."},
	{0, "\xff\xd8\xff", "a picture", "An SD image is not a picture: its name ends in .img, perhaps followed by .zst, .xz or .gz."},
	{56, "ARM\x64", "only a Linux kernel", forThePi},
	{0, "\x27\x05\x19\x56", "a kernel or file system packed for U-Boot", forThePi},
	{0, "\xd0\x0d\xfe\xed", "a device tree or FIT image for U-Boot", forThePi},
	{0, "ER\x02\x00", "a disk with the partition table of old Macs", forThePi},
	{0, "version https://git-lfs", "a Git LFS pointer, not the file it stands for", "Fetch the file itself, in its repository: git lfs pull"},
	{0, "magnet:", "a magnet link", "Open it with a BitTorrent program, then name what that has downloaded."},
}

// kindOf tells what a file is that begins with head.
func kindOf(head []byte) (kind, bool) {
	for _, k := range kinds {
		if len(head) > k.at && bytes.HasPrefix(head[k.at:], []byte(k.magic)) {
			return k, true
		}
	}
	switch {
	case isFAT(head):
		return kind{what: "a FAT file system without a partition table", todo: forThePi}, true
	case isLZMA(head):
		return kind{what: "compressed with lzma", todo: "Unpack it" + thenName + ": xz --format=lzma -dc %s > " + unpackedName}, true
	case isPGP(head):
		return kind{what: "encrypted with OpenPGP", todo: "Decrypt it" + thenName + ": gpg -o " + unpackedName + " -d %s"}, true
	case len(head) > 0 && len(bytes.TrimLeft(head, "\x00")) == 0:
		return kind{what: "not an image, or incomplete: it begins with nothing but zeros"}, true
	}
	return textKind(head)
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

var torrentFile = kind{what: "a torrent file", todo: "Open it with a BitTorrent program, then name what that has downloaded."}

var (
	torrent = regexp.MustCompile(`^d\d{1,2}:[a-z]`)
	sumLine = regexp.MustCompile(`^\\?[0-9A-Fa-f]{32,128}[ \t]|^SHA\d+ ?\(`)
)

// textKind tells what a text is.
func textKind(head []byte) (kind, bool) {
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
		return kind{}, false
	}
	lower := strings.ToLower(text)
	switch {
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"), strings.Contains(lower, "<html"), strings.Contains(lower, "<head>"):
		return kind{what: "a web page, not the file behind its link", todo: "Open it in a browser: it says what went wrong, or has the link to the image."}, true
	case torrent.MatchString(text):
		return torrentFile, true
	case sumLine.MatchString(text):
		return kind{what: "a file of checksums, not the image", todo: "Name the image itself. piwiz reads IMAGE.sha256 next to it by itself."}, true
	}
	// What it says is not shown: it can be a file of passwords that was named by mistake.
	return kind{what: "a text", todo: "Read it, it may say what went wrong: less %s"}, true
}

// known refuses a file that is something else as it is.
func (i *Image) known(size int64) error {
	head := make([]byte, headSize)
	n, err := i.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	tail := make([]byte, 512)
	if n, _ := i.file.ReadAt(tail, max(0, size-512)); n == 512 && string(tail[:4]) == "koly" { // whatever it begins with
		return i.isNo(kind{what: "a disk image of macOS (dmg)", todo: "Convert it" + thenName + ": dmg2img %s " + unpackedName})
	}
	if packed.Of(head) != (packed.Format{}) {
		return nil
	}
	if k, ok := noImage(head, size); ok {
		return i.isNo(k)
	}
	return nil
}

// noImage tells what it is that begins with head, unless that is an image. A good
// partition table is believed, but for kinds that have one of their own.
func noImage(head []byte, size int64) (kind, bool) {
	k, ok := kindOf(head)
	if m, err := ParseMBR(head); err == nil && m.check(size) == nil && k.at != isoAt && !isFAT(head) {
		return kind{}, false
	}
	return k, ok
}

// unpackedIs refuses what is in a packed file and no image.
func (i *Image) unpackedIs(head []byte) error {
	if i.how == (packed.Format{}) {
		return nil // its head was checked already
	}
	if len(head) == 0 {
		return errors.New("there is nothing in it once it is unpacked")
	}
	k, ok := noImage(head, i.size.Exact)
	if f := packed.Of(head); f != (packed.Format{}) {
		k, ok = kind{what: "compressed with " + f.Name + " once more", todo: "Unpack that too" + thenName + ": " + f.Program + " %s > " + unpackedName}, true
	}
	if !ok {
		return nil
	}
	e := i.isNo(k)
	if strings.Contains(k.todo, "%s") && !strings.Contains(k.todo, "tar -xf") { // tar unpacks by itself
		e.Todo = []string{
			fmt.Sprintf("Unpack it first: %s %s > unpacked", i.how.Program, shell.File(i.from.Path)), fmt.Sprintf(k.todo, "unpacked"),
		}
	}
	return e
}

// isNo is the refusal of a kind.
func (i *Image) isNo(k kind) *Error {
	todo, it := i.from.Remedy(), "it"
	if k.todo != "" {
		todo = strings.ReplaceAll(k.todo, "%s", shell.File(i.from.Path))
	}
	if i.how != (packed.Format{}) {
		it = "unpacked, it"
	}
	err := fmt.Errorf("%s is not an SD image but %s", it, k.what)
	switch verb, _, _ := strings.Cut(k.what, " "); verb {
	case "compressed", "encrypted":
		err = fmt.Errorf("%s is %s, which piwiz cannot undo", it, k.what)
	case "not":
		err = fmt.Errorf("%s is %s", it, k.what)
	}
	return &Error{"", err, []string{todo}}
}

// insteadOf is what to do with a path that is no file.
func insteadOf(e *regular.Error) []string {
	switch {
	case e.Mode.IsDir():
		return []string{"Name the image in it. These are there: ls " + shell.File(e.Path)}
	case e.Mode&fs.ModeCharDevice == 0 && e.Mode&fs.ModeDevice != 0:
		return []string{"Make an image of it first" + thenName + ": sudo dd if=" + shell.File(e.Path) + " of=" + unpackedName + " bs=4M conv=sparse"}
	case e.Mode&fs.ModeNamedPipe != 0:
		return []string{"An image is read more than once. Save it first" + thenName + ": cat " + shell.File(e.Path) + " > " + unpackedName}
	}
	return []string{"Name a file that ends in .img, perhaps followed by .zst, .xz, .gz or .bz2."}
}

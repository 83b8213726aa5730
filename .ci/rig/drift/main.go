// Drift is the half of .ci/drift that knows what piwiz assumes about nixpkgs.
//
//	drift releases       NAME ENDS FLAKE of each release of the table
//	drift hosts FOLDER   the flake of a host with every answer, for each board: FOLDER/BOARD
//	drift answers BOARD  a file of answers for `piwiz build`, on standard output
//	drift image FILE     an image compared with what flash expects; ends with 1 when it differs
//	drift pins           fetches the Nix that piwiz brings along, from each of its sources
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piwiz/flash/bootfs"
	"piwiz/flash/image"
	"piwiz/nixgen"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

func main() {
	args := append(os.Args[1:], "", "")
	var err error
	switch args[0] {
	case "releases":
		for _, r := range nixgen.Releases() {
			fmt.Println(r.Name, r.Ends.Format(time.DateOnly), r.Flake())
		}
	case "hosts":
		err = hosts(args[1])
	case "answers":
		err = answers(args[1])
	case "image":
		err = compare(args[1])
	case "pins":
		err = pinned(context.Background())
	default:
		err = errors.New("usage: drift releases | hosts FOLDER | answers BOARD | image FILE | pins")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "drift:", err)
		os.Exit(1)
	}
}

// host has every answer that changes the text of a module.
func host(b nixgen.Board) (nixgen.Host, error) {
	id, err := keypair.ForHost("drift")
	return nixgen.Host{
		Name: "drift", Board: b, User: "alice", Country: "DE", TimeZone: "Europe/Berlin", Locale: "de_DE.UTF-8", Keymap: "de",
		HostKey: id.PublicLine(), Keys: []string{id.PublicLine()},
		Networks: []nixgen.Network{
			{SSID: `Home "Net" ${x}`, Security: wifi.WPA2}, {SSID: "cafe", Security: wifi.Open}, {SSID: "new", Security: wifi.WPA3, Hidden: true},
		},
	}, err
}

func hosts(folder string) error {
	for _, b := range nixgen.Boards() {
		if b.Refused != "" {
			continue
		}
		h, err := host(b.Board)
		if err != nil {
			return err
		}
		files, err := nixgen.Files(h)
		if err != nil {
			return fmt.Errorf("the host of board %s: %w", b.Board, err)
		}
		dir := filepath.Join(folder, string(b.Board))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Text), 0o644); err != nil {
				return err
			}
		}
		fmt.Println(b.Board)
	}
	return nil
}

// answers has no network, because nobody is there to give a password.
func answers(board string) error {
	h, err := host(nixgen.Board(board))
	fmt.Printf("name = %q\nboard = %q\nuser = %q\nkeys = [%q]\n", h.Name, h.Board, h.User, h.Keys[0])
	return err
}

// compare says everything that is not as expected (nixpkgs
// nixos/modules/installer/sd-card/sd-image.nix). What flash would refuse is an
// error; what it takes and was different until now is one too, as somebody must
// look.
func compare(file string) error {
	i, err := image.Open(context.Background(), image.From{Path: file})
	if err != nil {
		return err
	}
	defer i.Close()
	var wrong []string
	expect := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %v, not %v", what, got, want))
		}
	}
	boot, root := i.MBR().Partitions[0], i.MBR().Partitions[1]
	expect("the start of FIRMWARE", boot.Start, int64(8<<20))
	expect("the size of FIRMWARE", boot.Size, int64(30<<20))
	expect("the type of FIRMWARE", boot.Type, byte(0x0b))
	expect("the start of the root file system", root.Start, int64(38<<20))
	expect("the type of the root file system", root.Type, byte(0x83))
	head := make([]byte, root.Start+4096)
	if _, err := io.ReadFull(i, head); err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	expect("the disk's signature", binary.LittleEndian.Uint32(head[440:]), uint32(0x2178694e))
	fat, ext := head[boot.Start:boot.Start+boot.Size], head[root.Start+1024:]
	expect("the file system of FIRMWARE", text(fat[54:62]), "FAT16")
	expect("the label of FIRMWARE", text(fat[43:54]), "FIRMWARE")
	expect("the mark of ext4", binary.LittleEndian.Uint16(ext[56:]), uint16(0xef53))
	expect("the label of the root file system", text(ext[120:136]), "NIXOS_SD")
	// As much as a host with many networks has.
	seeds := []bootfs.File{{Path: "piwiz/wireless.conf", Data: make([]byte, 64<<10)}, {Path: "piwiz/ssh_host_ed25519_key", Data: make([]byte, 1<<10)}}
	if _, err := bootfs.Changes(fat, seeds, time.Now()); err != nil {
		wrong = append(wrong, "the files of a host do not go onto FIRMWARE: "+err.Error())
	}
	if wrong != nil {
		return errors.New("the image is not as flash expects it:\n  " + strings.Join(wrong, "\n  "))
	}
	return nil
}

func text(b []byte) string { return strings.TrimRight(string(b), " \x00") }

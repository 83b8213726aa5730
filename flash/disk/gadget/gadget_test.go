package gadget

import (
	"os"
	"strings"
	"testing"
)

// list reads lines of "number|maker|name", as others have them: see the head of
// each test.
func list(t *testing.T, file string) map[string]Device {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Device{}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 3)
		all[strings.TrimSpace(line)] = Device{ID: f[0], Names: f[1:]}
	}
	if len(all) < 50 {
		t.Fatalf("%s has only %d lines", file, len(all))
	}
	return all
}

// All players and phones of media-player-info 24 that are disks on USB: by
// their number alone, since what they call themselves is not in that list.
func TestNoPlayerOfTheListIsTakenForACard(t *testing.T) {
	for line, d := range list(t, "players.txt") {
		for _, names := range [][]string{nil, d.Names, {"Generic", "USB Storage Device"}, {"Generic", "SD Card"}} {
			d.Names = names
			if Of(d) == "" {
				t.Errorf("%s, called %q, is taken for a card", line, names)
			}
		}
	}
}

// What usb.ids of 2025-07-26 says to be in mass storage mode, but for headsets,
// modems and single boards.
func TestNoPhoneOrCameraInStorageModeIsTakenForACard(t *testing.T) {
	for line, d := range list(t, "storage-mode.txt") {
		if Of(d) == "" {
			t.Errorf("%s is taken for a card", line)
		}
	}
}

// Each card reader of usb.ids of 2025-07-26, by number and name, but for those
// in printers, recorders and players.
func TestNoCardReaderIsTakenForAnotherDevice(t *testing.T) {
	for line, d := range list(t, "readers.txt") {
		if kind := Of(d); kind != "" {
			t.Errorf("%s is taken for %s", line, kind)
		}
	}
}

func TestDevicesAreToldByWholeWordsAndByWhatElseTheyAre(t *testing.T) {
	for _, c := range []struct {
		want       Kind
		id         string
		names      string
		interfaces string
	}{
		{EReader, "2237:4161", "Kobo eReader-N905B", ""},
		{EReader, "0525:a4a5", "Kindle Internal Storage", ""},
		{EReader, "0525:a4a5", "tolino vision", ""},
		{EReader, "054c:031e", "SONY PRS-505", ""},
		{EReader, "fffe:0001", "PocketBook 626", ""},
		{EReader, "0525:a4a5", "Netronix E-Reader SD Card", ""},
		{Player, "0781:7433", "SanDisk Sansa Clip", ""},
		{Player, "0781:9999", "SanDisk Clip Jam", ""},
		{Player, "05ac:1261", "Apple iPod", ""},
		{Player, "054c:0fff", "SONY WALKMAN", ""},
		{Player, "2972:0003", "FiiO M3K", ""},
		{Player, "10d6:1101", "ACTIONS HS USB FlashDisk", ""},
		{Player, "0000:0000", "Generic MP3 Player", ""},
		{Player, "0000:0000", "Olympus Digital Voice Recorder", ""},
		{Camera, "04a9:0000", "Canon EOS", ""},
		{Camera, "04b0:0411", "NIKON DSC COOLPIX", ""},
		{Camera, "054c:0010", "Sony DSC", ""},
		{Camera, "2672:0011", "GoPro HERO5", ""},
		{Camera, "1b3f:8301", "GENPLUS DashCam", ""},
		{Navigator, "091e:0003", "Garmin nuvi", ""},
		{Navigator, "091e:0003", "Garmin SD Card", ""},
		{Navigator, "1390:0001", "TomTom ONE", ""},
		{Phone, "18d1:0001", "Android UMS Composite", ""},
		{Phone, "04e8:0001", "SAMSUNG Android", ""},
		{Other, "0525:a4a5", "Linux File-Stor Gadget", ""},
		{Console, "054c:0999", "SONY PSP", ""},
		{Printer, "03f0:0001", "HP Photosmart 7200", ""},
		{Printer, "04a9:1794", "Canon MP530", "ffffff 070102 080650"},
		{Printer, "04b8:0883", "EPSON Stylus Storage", ""},
		{Printer, "04f9:0001", "Brother MFC-J470", ""},
		{Remote, "046b:ff31", "AMI Virtual HDisk", ""},
		{Camera, "ffff:0001", "USB Disk", "080650 060101"},
		{Phone, "ffff:0001", "USB Disk", "080650 ff4201"},
		{Player, "ffff:0001", "USB Disk", "010100 080650"},
		{Camera, "ffff:0001", "USB Disk", "0e0100 080650"},
		// Cards in readers, sticks and boards to write, some with such a word inside another one.
		{"", "0bda:0316", "Generic- USB3.0 CRW -SD", "080650"},
		{"", "05e3:0749", "Generic STORAGE DEVICE", "080650"},
		{"", "05ac:8406", "Apple SDXC Reader", "080650"},
		{"", "0781:cfc9", "SanDisk SDDR-B531", ""},
		{"", "054c:0beb", "Sony Card_R/W -SD", ""},
		{"", "054c:05ba", "Sony Storage Media", ""},
		{"", "04cb:0111", "FUJIFILM Card Reader", ""},
		{"", "07b4:0112", "OLYMPUS MAUSB-100 xD Card Reader", ""},
		{"", "0781:5581", "SanDisk Ultra", ""},
		{"", "0930:6545", "Kingston DataTraveler 3.0", ""},
		{"", "090c:1000", "Eclipse Clipper", ""},
		{"", "090c:1000", "Zenith Scanner", ""},
		{"", "090c:1000", "Nookie Kindling", ""},
		{"", "090c:1000", "Clip", ""},
		{"", "090c:1000", "Zen", ""},
		{"", "090c:1000", "Canonical Cameron Playera", ""},
		{"", "0a5c:0001", "RPi-MSD- 0001", "080650"},
		{"", "0000:0000", "Raspberry Pi multi-function USB device mmcblk0", "080650 0a0000"},
		{"", "090c:1000", "Samsung Flash Drive FIT", ""},
		{"", "04e8:61f5", "Samsung PSSD T7", ""},
		{"", "13fe:4200", "Kodak K102", ""},
		{"", "03f0:3207", "hp v220w", ""},
		{"", "1908:0226", "Generic MassStorageClass", "080650"},
		{"", "", "QEMU camera", ""}, // not on USB
	} {
		d := Device{ID: c.id, Names: strings.Split(c.names, "  "), Interfaces: strings.Fields(c.interfaces)}
		if got := Of(d); got != c.want {
			t.Errorf("%s %s %s is %q, want %q", c.id, c.names, c.interfaces, got, c.want)
		}
	}
	if got := Label("KOBOeReader"); got != EReader {
		t.Errorf("by its label: %q", got)
	}
	if got := Of(Device{ID: "ffff:0001", Listed: true}); got != Player {
		t.Errorf("in the list of udev: %q", got)
	}
}

func TestWhatLiesOnADiskTellsWhatItIs(t *testing.T) {
	for names, want := range map[string]struct {
		kind Kind
		says string
	}{
		".kobo .adobe-digital-editions": {EReader, "Kobo"}, "System DOCUMENTS audible": {EReader, "Kindle"}, "documents": {}, "iPod_Control": {Player, "iPod"}, ".rockbox": {Player, ".rockbox"},
		"DCIM MISC": {"", "pictures"}, "DCIM .kobo": {EReader, "Kobo"}, "boot config.txt": {}, "": {}, "kobo DCIMS": {}, "Garmin": {Navigator, "Garmin"},
	} {
		if kind, says := Trace(strings.Fields(names)); kind != want.kind || !strings.Contains(says, want.says) || (says == "") != (want.says == "") {
			t.Errorf("%s: %q, %q", names, kind, says)
		}
	}
}

package nixgen

import (
	"fmt"
	"slices"
	"strings"
)

// Board is a model of the Raspberry Pi, or some that start alike.
type Board string

// The boards that can be built.
const (
	Zero2W Board = "zero2w"
	Pi3    Board = "3"
	Pi4    Board = "4"
)

// BoardInfo is all that piwiz knows about a board: nothing else about one stands
// anywhere else, so that a new board is a line of the table below, and what is
// said about it is in testdata/boards.golden.
type BoardInfo struct {
	Board   Board
	Title   string
	Refused string // why this board cannot be built; "" when it can

	Note   string // what speaks for it
	Memory string // from the smallest model to the largest
	Bands  string // of Wi-Fi
	Cable  Cable
	WPA3   WPA3
	Nix    string   // its own lines of the module, "" for none
	Also   []string // what people call it too, in the form of short
}

// Cable says which models have a network port.
type Cable struct {
	With    string // "" where none has one
	Without string // "" where all have one
}

// WPA3 says how well the board joins a network that accepts only WPA3.
type WPA3 struct {
	Goes string // what happens, as the end of a sentence
	Asks bool   // it most likely fails, so that a clear yes is needed
}

// boards are all of them, the common ones first.
//
// The Wi-Fi chip of no Pi does WPA3 well: the firmware of the Zero 2 W and the 3
// loses such networks, that of the 400 has no SAE (raspberrypi/linux 6130, 7610,
// 7634).
var boards = []BoardInfo{
	{
		Board: Pi4, Title: "Raspberry Pi 4 B, 400, Compute Module 4",
		Note:   "The best choice for a first one: fast, and every part of it works.",
		Memory: "1 to 8 GB", Bands: "2.4 and 5 GHz",
		Cable: Cable{With: "all models"},
		WPA3:  WPA3{Goes: "a Raspberry Pi 4 may fail to join it; a 400 cannot"},
		Also:  []string{"4b", "4b+", "400", "cm4", "computemodule4"},
	},
	{
		Board: Pi3, Title: "Raspberry Pi 3 A+, B, B+, Compute Module 3",
		Note:   "Works well.",
		Memory: "512 MB or 1 GB", Bands: "2.4 and 5 GHz; the 3 B 2.4 GHz only",
		Cable: Cable{With: "a 3 B or B+", Without: "a 3 A+"},
		WPA3:  WPA3{Goes: "a Raspberry Pi 3 most likely cannot join it", Asks: true},
		Also:  []string{"3a+", "3b", "3b+", "cm3", "computemodule3"},
	},
	{
		Board: Zero2W, Title: "Raspberry Pi Zero 2 W",
		Note:   "Small and frugal: build and update it from this computer.",
		Memory: "512 MB", Bands: "2.4 GHz only",
		Cable: Cable{Without: "a Zero 2 W"},
		WPA3:  WPA3{Goes: "a Zero 2 W most likely cannot join it", Asks: true},
		Also:  []string{"zero2"},
	},
	{
		Board: "5", Title: "Raspberry Pi 5, 500, Compute Module 5",
		Refused: "Not yet: NixOS " + Release + " has no start-up code for it. The next release will.",
		Also:    []string{"5b", "500", "cm5", "computemodule5"},
	},
	{
		Board: "old", Title: "Raspberry Pi 1, 2, Zero, Zero W",
		Refused: "These have a 32-bit processor, for which NixOS offers no ready-made packages: each would take days to build.",
		Also:    []string{"1", "1a", "1a+", "1b", "1b+", "2", "2b", "zero", "zerow", "cm1", "computemodule1"},
	},
}

// Boards lists the boards, the common ones first.
func Boards() []BoardInfo { return slices.Clone(boards) }

// about is the line of a board; one that is not known has a line that says so
// little that it is true of every Pi.
func (b Board) about() BoardInfo {
	if i := slices.IndexFunc(boards, func(i BoardInfo) bool { return i.Board == b }); i >= 0 {
		return boards[i]
	}
	return BoardInfo{Board: b, Cable: Cable{With: "most models"}, WPA3: WPA3{Goes: "a Raspberry Pi may fail to join it"}}
}

// Says is the note on a board, as a user reads it before choosing.
func (b BoardInfo) Says() string {
	if b.Refused != "" {
		return b.Refused
	}
	cable := "A network port."
	switch {
	case b.Cable.With == "":
		cable = "No network port."
	case b.Cable.Without != "":
		cable = "A network port, but not on " + b.Cable.Without + "."
	}
	return fmt.Sprintf("%s Memory: %s. Wi-Fi: %s. %s", b.Note, b.Memory, b.Bands, cable)
}

// noNetwork is the doubt about a board without Wi-Fi, "" where all is well.
func (b BoardInfo) noNetwork() string {
	const out = "nothing can reach it, unless a USB network adapter is plugged into it. Choose a Wi-Fi network"
	switch c := b.Cable; {
	case c.Without == "":
		return ""
	case c.With == "":
		return fmt.Sprintf("No Wi-Fi network is chosen, and %s has no network port: %s.", c.Without, out)
	default:
		return fmt.Sprintf("No Wi-Fi network is chosen. %s works by cable; %s has no network port: %s, or use a cable.", capital(c.With), c.Without, out)
	}
}

// byCable is how a board is connected without Wi-Fi.
func (b BoardInfo) byCable() string {
	switch c := b.Cable; {
	case c.Without == "":
		return "connect the Pi by cable"
	case c.With == "":
		return "connect the Pi by cable, with a USB network adapter"
	default:
		return "connect the Pi by cable (" + c.Without + " needs a USB network adapter)"
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// checkBoard is what must be changed about a board, "" when it can be built.
func checkBoard(b Board) string {
	var known []string
	name := short(string(b))
	for _, i := range boards {
		is := name == short(string(i.Board)) || slices.Contains(i.Also, name)
		switch {
		case i.Board == b && i.Refused == "":
			return ""
		case is && i.Refused == "":
			return "Write " + string(i.Board) + "."
		case is:
			return i.Refused
		case i.Refused == "":
			known = append(known, string(i.Board))
		}
	}
	last := len(known) - 1
	return fmt.Sprintf("There is no such board, or no image can be built for it: write %s or %s.", strings.Join(known[:last], ", "), known[last])
}

// short is a name without what every Pi is called: of Raspberry Pi 4 Model B
// it leaves 4b.
func short(s string) string {
	return strings.NewReplacer("raspberry", "", "pi", "", "model", "", " ", "", "-", "", "_", "").Replace(strings.ToLower(s))
}

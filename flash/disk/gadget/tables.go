package gadget

import (
	"regexp"
	"strings"
)

// words are whole ones: Clip is a player, Eclipse a stick. Those that stand for
// anything else as well count only beside their maker's name.
var words = []struct {
	kind Kind
	are  *regexp.Regexp
}{
	{Remote, of(`virtual`, `idrac`, `ilo`)},
	{Printer, of(`printers?`, `photosmart`, `(office|desk|laser)jet`, `stylus (photo|storage|office|color)`, `pixma`, `(mfc|dcp|ql)-\w+`, `mp storage`)},
	{EReader, of(`kindle`, `kobo`, `tolino`, `pocket ?book`, `nook`, `bookeen`, `cybook`, `boox`, `remarkable`, `e-?readers?`, `e-?book( reader)?`, `prs-\w+`, `sony prs`, `digital book reader`)},
	{Navigator, of(`garmin`, `tom ?tom`, `n[uü]vi`, `magellan`, `navigon`, `becker`, `gps`, `gpsmap`, `etrex`, `navigation`)},
	{Console, of(`psp`, `playstation`, `nintendo`, `steam ?deck`)},
	{Camera, of(
		`[a-z]*cam`, `cameras?`, `camcorders?`, `dsc`, `(dsc|ilce|ilme|nex|slt|dmc|dcr|hdr)-\w+`, `coolpix`, `powershot`, `ixus`, `eos`, `finepix`, `exilim`,
		`lumix`, `cyber-?shot`, `easy-?share`, `go ?pro`, `hero\d+`, `nikon`, `canon`, `pentax`, `leica`, `dji`, `osmo`, `insta360`, `dimage`, `camedia`, `dvc`,
	)},
	{Phone, of(
		`android`, `(smart)?phones?`, `galaxy`, `xperia`, `nexus (one|s|\d+)`, `pixel`, `black ?berry`, `i(phone|pad)`, `nokia`, `motorola`, `ericsson`, `htc`, `one ?plus`, `xiaomi`, `fairphone`,
		`alcatel`, `tablet`, `palm(os)?`, `pda`, `ums composite`,
	)},
	{Player, of(
		`walkman`, `ipod`, `zune`, `sansa`, `rockbox`, `mp[345]`, `players?`, `iaudio`, `cowon`, `iriver`, `gogear`, `yepp`, `yp-\w+`,
		`muvo`, `fiio`, `hiby`, `shanling`, `astell`, `hifi`, `hi-fi`, `i\.?beat`, `vibez`, `archos`, `gmini`, `jukebox`, `nw[dz]?-\w+`, `(voice )?recorders?`, `dictaphone`,
		`sandisk.*\bclip`, `creative.*\bzen`, `zen.*\bcreative`, `meizu`, `fuze`,
	)},
	{Other, of(`file-(stor|cd) gadget`, `gadget`)},
}

func of(words ...string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^a-z0-9])(` + strings.Join(words, "|") + `)([^a-z0-9]|$)`)
}

// labels are those of file systems that come with the device.
var labels = map[string]Kind{"koboereader": EReader, "kindle": EReader, "tolino": EReader, "nook": EReader, "ipod": Player, "walkman": Player, "garmin": Navigator, "tomtom": Navigator}

// makers make nothing else that is a disk on USB, but for readers.
var makers = map[string]Kind{
	"1949": EReader, "2237": EReader, "2080": EReader, "1f85": EReader,
	"0e21": Player, "4102": Player, "1006": Player, "0e79": Player, "1890": Player, "066f": Player, "10d6": Player, "071b": Player, "1e74": Player,
	"041e": Player, "045a": Player, "069b": Player, "2972": Player, "32bb": Player,
	"0421": Phone, "0fce": Phone, "22b8": Phone, "0bb4": Phone, "0830": Phone, "0fca": Phone, "1004": Phone, "2a70": Phone, "2ae5": Phone, "1bbb": Phone,
	"04a9": Camera, "04b0": Camera, "07b4": Camera, "0a17": Camera, "25fb": Camera, "04cb": Camera, "07cf": Camera, "040a": Camera, "2672": Camera, "1a98": Camera,
	"1003": Camera, "2ca3": Camera, "2e1a": Camera, "0686": Camera, "132b": Camera,
	"091e": Navigator, "1390": Navigator,
}

// numbers are products of makers that make other disks too.
var numbers = map[string][]struct {
	from, to string
	kind     Kind
}{
	"0402": {{"5661", "5663", Player}, {"5667", "5668", Player}, {"7108", "7108", Player}},
	"0409": {{"0300", "0301", Phone}},
	"0471": {{"0163", "0165", Player}, {"084a", "084a", Player}, {"2022", "2022", Player}, {"204e", "2079", Player}, {"20b4", "20e3", Player}},
	"0492": {{"0140", "0140", Player}},
	"04da": {{"3701", "3701", Player}},
	"04dd": {{"9337", "939a", Phone}},
	"04e8": {{"4005", "4005", Phone}, {"5010", "5133", Player}, {"5a0f", "5a0f", Player}, {"6601", "68aa", Phone}, {"0300", "0300", Phone}, {"f000", "f000", Phone}},
	"0502": {{"3202", "3317", Phone}},
	"054c": {
		{"01c8", "01c9", Console},
		{"02d2", "02d2", Console},
		{"01fb", "01fb", Player},
		{"0317", "0325", Player},
		{"035b", "035c", Player},
		{"036e", "038e", Player},
		{"03fd", "03fe", Player},
		{"04cb", "04cc", Player},
		{"05a8", "05a8", Player},
	},
	"05ac": {{"1200", "12ff", Player}},
	"05c6": {{"1000", "1000", Phone}},
	"06d6": {{"003a", "003a", Camera}},
	"0733": {{"1310", "1310", Camera}, {"2220", "2220", Camera}},
	"0738": {{"1738", "1738", Player}},
	"0781": {{"7300", "74ff", Player}},
	"0835": {{"2835", "2835", Player}},
	"0955": {{"7100", "7100", Phone}},
	"0b05": {{"17a1", "17a1", Phone}},
	"0c44": {{"41d9", "41d9", Phone}},
	"0d7d": {{"1651", "1651", Player}},
	"0da0": {{"1001", "1001", Phone}},
	"0dda": {{"0302", "0302", Player}},
	"0f9c": {{"9111", "9111", Player}},
	"1011": {{"0001", "0001", Player}},
	"10a9": {{"6021", "6021", Phone}},
	"10c7": {{"c000", "c000", Player}},
	"12d1": {{"1035", "1038", Phone}, {"1501", "1501", Phone}},
	"1332": {{"1325", "1325", Player}},
	"1457": {{"5121", "5121", Phone}},
	"1462": {{"5512", "5512", Player}},
	"1671": {{"1632", "1632", Player}},
	"1718": {{"1013", "1013", Player}},
	"17ef": {{"743a", "743a", Phone}, {"7604", "7605", Phone}},
	"18d1": {{"4e11", "4e12", Phone}, {"4e21", "4e22", Phone}},
	"1d50": {{"5121", "5121", Phone}},
	"19d2": {{"ffe2", "ffe2", Phone}},
	"19ff": {{"0308", "0308", Player}},
}

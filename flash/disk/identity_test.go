package disk

import (
	"strings"
	"testing"

	"piwiz/flash/disk/facts"
)

var chosen = Identity{DiskSeq: 12, Size: 31914983424, Serial: "2012", Major: 8, Minor: 16}

func TestEveryDifferenceOfACardIsSaid(t *testing.T) {
	for want, change := range map[string]func(*Identity){
		"taken out.":                           func(i *Identity) { i.Size = 0 },
		"it had 29.7 GiB, now it has 14.8 GiB": func(i *Identity) { i.Size = 15931539456 },
		"it had 31914983424 bytes, now it has 31914983936 bytes": func(i *Identity) { i.Size += 512 },
		"its serial number was 2012, now it is 2013":             func(i *Identity) { i.Serial = "2013" },
		"now it is not known":                                    func(i *Identity) { i.Serial = "" },
		"belongs to another disk":                                func(i *Identity) { i.Minor = 32 },
		"The card's device name now belongs":                     func(i *Identity) { i.Major = 65 },
		"taken out or swapped in the meanti":                     func(i *Identity) { i.DiskSeq++ },
	} {
		now := chosen
		change(&now)
		if got := chosen.Differs(now); !strings.Contains(got, want) || strings.Count(got, ".") > 1+strings.Count(want, ".") {
			t.Errorf("got %q, want one sentence with %q", got, want)
		}
	}
	if got := chosen.Differs(chosen); got != "" {
		t.Errorf("the same card differs: %q", got)
	}
}

func TestTheCommandLineOfAnIdentityIsReadBackAndNothingElse(t *testing.T) {
	if got, err := ParseIdentity(chosen.String()); err != nil || got != chosen {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, s := range []string{
		"", "{}", "null", "[]", chosen.String() + " ", chosen.String() + chosen.String(),
		strings.Replace(chosen.String(), "31914983424", "0", 1), strings.Replace(chosen.String(), "31914983424", "-1", 1),
		strings.Replace(chosen.String(), `"diskseq":12,`, "", 1), strings.Replace(chosen.String(), "}", `,"more":1}`, 1),
	} {
		if i, err := ParseIdentity(s); err == nil {
			t.Errorf("%q is read as %+v", s, i)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add("2012", uint64(1), int64(1), "{}")
	f.Fuzz(func(t *testing.T, serial string, seq uint64, size int64, line string) {
		want := Identity{DiskSeq: seq, Size: size, Serial: facts.Clean(serial), Major: 8}
		if got, err := ParseIdentity(want.String()); size > 0 && (err != nil || got != want) {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
		if got, err := ParseIdentity(line); err == nil && got.String() != line {
			t.Errorf("%q is read as %+v", line, got)
		}
	})
}

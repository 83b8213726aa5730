package osrelease

import "testing"

func TestAVersionIsANumberOrNone(t *testing.T) {
	for text, want := range map[string]float64{
		"24.04": 24.04, "13": 13, `"42"`: 42, "20260301": 20260301, "rolling": 0, "NaN": 0, "Inf": 0, "-1": 0, "0x1p9": 0, "1e300": 0, "99999999999": 0, "1_0": 0, "13.0.1": 0,
	} {
		if got := parse("ID=x\nVERSION_ID=" + text + "\n").Version; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"13\"\nID_LIKE='a b'\n")
	f.Add("VERSION_ID=NaN\nID\n=x")
	f.Fuzz(func(t *testing.T, text string) {
		s := parse(text)
		if !(s.Version >= 0 && s.Version < 1e8) {
			t.Fatalf("%q has the version %v", text, s.Version)
		}
		s.Is("debian")
	})
}

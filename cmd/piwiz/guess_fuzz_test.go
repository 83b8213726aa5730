package main

import "testing"

func FuzzZones(f *testing.F) {
	f.Add("Europe/Berlin", "#x\nDE\t+5230+01322\tEurope/Berlin\tmost\n")
	f.Add("", "DE  \n\x00\n")
	f.Fuzz(func(t *testing.T, zone, table string) {
		if got := parseZones(zone, table); len(got) != 0 && len(got) != 2 {
			t.Fatalf("%q", got)
		}
	})
}

package main

import (
	"errors"

	"piwiz/cmd/piwiz/root"
	"piwiz/flash/grant"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/wifi/files"
	"piwiz/nixgen/wifi/sources"
)

// operations are all that root does, for the hidden verb grant.
var operations = root.Table{
	"open":      {Takes: grant.Takes, Do: openCardAsRoot},
	"wifi":      {Takes: noWords, Do: readWifiAsRoot},
	"emulation": {Takes: noWords, Do: registerAsRoot},
}

func noWords(words []string) bool { return len(words) == 0 }

// openCardAsRoot hands the card over, and lets the kernel read its new partition
// table when it was written.
func openCardAsRoot(_ uint32, words []string) root.Done {
	f, err := grant.Open(words)
	if err != nil {
		_, no := errors.AsType[*grant.Refused](err)
		return root.Done{Err: err, Refused: no}
	}
	return root.Done{File: f, End: func(interrupted bool) error {
		if !interrupted {
			grant.Reread(f)
		}
		return nil
	}}
}

func readWifiAsRoot(user uint32, _ []string) root.Done {
	found, err := files.Read(user, sources.Folders())
	return root.Done{Err: err, Result: &found}
}

// registerAsRoot registers the emulator until the ordinary half ends.
func registerAsRoot(uint32, []string) root.Done {
	r, err := register.Register()
	if err != nil {
		return root.Done{Err: err}
	}
	return root.Done{End: func(bool) error { return r.Remove() }}
}

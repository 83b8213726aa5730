// Package sources lists the programs that keep their Wi-Fi networks in files.
//
// The privileged half takes their folders from here, so neither this package nor
// its sources link the network or libraries; of a source it runs Folders alone.
package sources

import (
	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/files"
	"piwiz/nixgen/wifi/iwd"
	"piwiz/nixgen/wifi/wpasupplicant"
)

// source is a program with its folders.
type source interface {
	wifi.Source
	Folders() []files.Folder
}

// inFiles are those programs, in the order asked.
var inFiles = []source{iwd.Source{}, wpasupplicant.Source{}}

// All are the programs of this package as sources.
func All() (all []wifi.Source) {
	for _, s := range inFiles {
		all = append(all, s)
	}
	return all
}

// Folders are all that root reads networks from: those of NetworkManager, which
// does not only keep files, and those of the programs of this package.
func Folders() []files.Folder {
	folders := files.Profiles[:len(files.Profiles):len(files.Profiles)]
	for _, s := range inFiles {
		folders = append(folders, s.Folders()...)
	}
	return folders
}

package detect

import (
	"path/filepath"
	"time"

	"piwiz/flash/crash"
	"piwiz/flash/disk"
)

// most is how many names of a folder are checked.
const most = 500

// traces are the names in the uppermost folders of what is open of a disk,
// which tell the pictures of a camera or that the disk is an e-reader. Where
// nothing is open, or it does not answer soon, there are none.
func traces(root string, d disk.Device) []string {
	if d.Refusal() != "" || len(d.Unmounts()) == 0 {
		return nil
	}
	found := make(chan []string, 1)
	var names []string
	crash.Go(func() error {
		for _, point := range d.Unmounts() {
			for _, e := range entries(filepath.Join(root, point), most) {
				names = append(names, e.Name())
			}
		}
		return nil
	}, func(error) { found <- names })
	select {
	case seen := <-found:
		return seen
	case <-time.After(patience):
		return nil
	}
}

// Command guestwatch prints what may be written each time that changes, as
// piwiz sees it, with the seconds since the guest was started.
package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/detect"
)

func main() {
	ctx := context.Background()
	last := "?"
	for range detect.Watch(ctx) {
		all, err := detect.List(ctx, "/")
		if err != nil {
			panic(err)
		}
		var names []string
		for _, d := range all {
			if d.Refusal() == "" {
				names = append(names, d.Name)
			}
		}
		if now := strings.Join(names, " "); now != last {
			var t unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // it exists
			fmt.Printf("%d.%03d %s\n", t.Sec, t.Nsec/1e6, now)
			last = now
		}
	}
}

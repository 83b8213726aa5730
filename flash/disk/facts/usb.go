package facts

import (
	"path/filepath"
	"strings"
)

// USB is the USB device that a disk hangs on (kernel,
// Documentation/ABI/testing/sysfs-bus-usb).
type USB struct {
	ID         string // idVendor:idProduct; "" when the disk hangs on none
	Serial     string
	Names      []string // manufacturer and product, as the device tells them
	Interfaces []string // class, subclass and protocol of each, six digits
}

// USBOf is the device above a folder of sysfs.
func USBOf(sys string) USB {
	dir, err := filepath.EvalSymlinks(sys)
	for ; err == nil && strings.Contains(dir, "/devices/"); dir = filepath.Dir(dir) {
		vendor := Text(dir, "idVendor")
		if vendor == "" {
			continue
		}
		u := USB{ID: strings.ToLower(vendor + ":" + Text(dir, "idProduct")), Serial: Text(dir, "serial"), Names: []string{Text(dir, "manufacturer"), Text(dir, "product")}}
		for _, child := range Children(dir) { // 2-3:1.0 is its first interface
			if class := Text(dir, child, "bInterfaceClass"); class != "" {
				u.Interfaces = append(u.Interfaces, strings.ToLower(class+Text(dir, child, "bInterfaceSubClass")+Text(dir, child, "bInterfaceProtocol")))
			}
		}
		return u
	}
	return USB{}
}

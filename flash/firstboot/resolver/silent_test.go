package resolver

import "testing"

func TestTheSwitchesOfNamesAreRead(t *testing.T) {
	for text, want := range map[string]nss{
		"passwd: files\nhosts:  files mdns4_minimal [NOTFOUND=return] dns\n": {line: "files mdns4_minimal [NOTFOUND=return] dns", mdns: true, minimal: true, four: true},
		"#hosts: mdns\nhosts: files dns # mdns\n":                            {line: "files dns"},
		"hosts: mymachines resolve [!UNAVAIL=return] files mdns4":            {line: "mymachines resolve [!UNAVAIL=return] files mdns4", mdns: true, resolve: true, four: true},
		"hosts: mdns4_minimal mdns\n":                                        {line: "mdns4_minimal mdns", mdns: true, minimal: true},
		"hosts: files mdns6_minimal mdns4 x\n":                               {line: "files mdns6_minimal mdns4 x", mdns: true, minimal: true},
		"":                                                                   {},
	} {
		if got := parseSwitches(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func TestMulticastDNSNeedsTheGlobalSettingAndALink(t *testing.T) {
	for text, want := range map[string]bool{
		"Global: yes\nLink 2 (eth0): yes\n": true, "Global: yes\nLink 2 (eth0): no\n": false,
		"Global: no\nLink 2 (eth0): yes\n": false, "Global: resolve\nLink 2 (eth0): resolve\n": true, "": false,
	} {
		if asks(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

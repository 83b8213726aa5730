package xdg

import "testing"

func TestTheFoldersAreThoseOfTheSpecification(t *testing.T) {
	for _, c := range []struct{ home, value, data, state string }{
		{"/home/me", "", "/home/me/.local/share", "/home/me/.local/state"},
		{"/home/me", "/data", "/data", "/data"},
		{"/home/me", "relative", "/home/me/.local/share", "/home/me/.local/state"},
		{"", "/data", "/data", "/data"},
		{"", "relative", "", ""},
	} {
		t.Setenv("HOME", c.home)
		t.Setenv("XDG_DATA_HOME", c.value)
		t.Setenv("XDG_STATE_HOME", c.value)
		data, err := Data()
		state, bad := State()
		if data != c.data || state != c.state || (err == nil) != (data != "") || (bad == nil) != (state != "") {
			t.Errorf("%+v: %q (%v), %q (%v)", c, data, err, state, bad)
		}
	}
}

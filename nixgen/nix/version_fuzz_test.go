package nix

import "testing"

func FuzzVersion(f *testing.F) {
	for _, s := range []string{"nix (Nix) 2.26.3", "nix (Lix, like Nix) 2.91.1", "nix (x) 99999999.1", "nix () 2.35.0pre\x1b[31m", "bash: nix"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseVersion(s)
		if err == nil && (v.Before(v) || v.Major < 0 || v.Major > 999999 || v.Minor > 999999 || v.Patch > 999999) {
			t.Fatalf("%q is %v", s, v)
		}
		if err != nil {
			unsafe(t, err.Error(), s)
		}
		if _, headline := Unreachable(t.Context(), s, nil); headline == "" {
			t.Fatalf("%q has no headline", s)
		}
	})
}

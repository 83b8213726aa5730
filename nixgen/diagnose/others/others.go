// Package others has the failures of other computers that should build, and of
// the way to them.
package others

import (
	"regexp"
	"slices"
	"strings"

	"piwiz/nixgen/diagnose/row"
)

// Rows are the computers that should build: which of them may, and which
// answers. What ssh says comes before what Nix makes of it.
var Rows = []row.Row{{
	Name: "builders-not-trusted", Nix: noBuilder, With: []string{`ignoring the client-specified setting '(?:builders|max-jobs|builders-use-substitutes)'`}, When: chosen,
	Headline: "Nix does not let you choose another computer for building: it does not trust you yet.",
	Why:      "Only a trusted user may.",
	Page:     "check", Do: trustMe,
}, {
	Name: "not-trusted", Nix: platform, With: []string{`ignoring the client-specified setting 'extra-platforms'`},
	Headline: "Nix does not let you build for the Raspberry Pi's processor: it does not trust you yet.",
	Why:      "Only a trusted user may add a processor (extra-platforms); the settings of Nix can add one for everybody.",
	Page:     "check", Do: allow,
}, {
	Name: "builder-host-key", Nix: noBuilder, With: slices.Concat(keyUnknown, keyChanged),
	Headline: "BUILDER is not known to the Nix service.",
	Why:      "The service runs as root: the host key must be in root's known_hosts, not in yours.",
	Page:     "check", Do: []string{"Log in once as root and check the key: sudo ssh USER@HOST true"},
}, {
	Name: "builder-login", Nix: noBuilder, With: refused,
	Headline: "BUILDER refuses the Nix service's key.",
	Why:      "The service runs as root, without your agent: it needs a key of its own, without a passphrase.",
	Page:     "check", Do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST true"},
}, {
	Name: "builder-unreachable", Nix: noBuilder, With: slices.Concat(unreachable, noName),
	Headline: "BUILDER does not answer.",
	Why:      "ssh could not reach it.",
	Page:     "check", Do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST true"},
}, {
	Name: "builder-no-ssh", Nix: []string{`(?:unable to execute|executing) ['"]ssh['"]: No such file`},
	Headline: "Nix finds no ssh on this computer, and needs it to reach BUILDER.",
	Why:      "The Nix service has a PATH of its own.",
	Page:     "check", Do: []string{"See whether it is there: sudo which ssh", "Install it. Debian and Ubuntu: sudo apt-get install openssh-client", "Then: sudo systemctl restart nix-daemon"},
}, {
	Name: "builder-lost", Nix: slices.Concat(row.HungUp, []string{`^(?:writing to|reading from) file: (?:Broken pipe|Connection reset by peer)`}), With: []string{`(?m)^(?:error: )?builder for '[^']+\.drv' failed with exit code 1`, `Cannot build '[^']+\.drv'\.\s+Reason: builder failed with exit code 1`},
	Headline: "The connection to BUILDER broke off in the middle of a step.",
	Why:      "It was switched off or restarted, its Nix was stopped, or the network was gone for a moment.",
	Page:     "check", Do: []string{"See whether it answers: sudo ssh -o BatchMode=yes USER@HOST nix --version", row.Again},
}, {
	Name: "builder-ssh", Nix: noBuilder, With: []string{`failed to start SSH connection to`, `cannot build on '`},
	Headline: "BUILDER cannot be used.",
	Why:      "Nix could not start a session with it.",
	Page:     "check", Do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version"},
}, {
	Name: "builder-system", Nix: noBuilder, With: []string{machinesAsked}, When: lacksARM,
	Headline: "BUILDER is not listed as one for the Raspberry Pi's processor (aarch64).",
	Why:      "Nix asks only computers whose entry names the system aarch64-linux.",
	Page:     "check", Do: []string{"Choose it with: --builder ssh://USER@HOST", "Or add aarch64-linux to its entry in /etc/nix/machines: ssh-ng://USER@HOST aarch64-linux"},
}, {
	Name: "builder-foreign", Nix: noBuilder, With: []string{`(?m)^required \(system, features\): \(([^,\s]+),`}, When: lacksSystem,
	Headline: "A step of the build needs a type of computer ($1) that none of the builders is.",
	Why:      "Nix builds nothing on this computer while only others are chosen.",
	Page:     "check", Do: []string{"If this computer is of that type, let it build as well: --builder ssh://USER@HOST,local", "Or take out of configuration.nix what needs it."},
}, {
	Name: "builder-feature", Nix: noBuilder, With: []string{machinesAsked}, When: machinesLackFeature,
	Headline: "BUILDER does not offer the features that a step of the build needs: $1.",
	Why:      "Nix asks only computers whose entry names all of them.",
	Page:     "preview", Do: []string{"Take out of configuration.nix what needs them, or add them to the computer's entry in /etc/nix/machines."},
}, {
	Name: "builder-none", Nix: noBuilder, With: []string{`Failed to find a machine for remote build`},
	Headline: "BUILDER took no step of the build.",
	Why:      "It is listed, but Nix got no session with it: it did not answer, or refused the key of the Nix service, which runs as root.",
	Page:     "check", Do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version"},
}, {
	Name: "builder-idle", Nix: slices.Concat(noJobs, platform), When: func(s row.Statement) bool { return !s.There && len(s.Where.Hosts) > 0 && !s.Where.Mixed },
	Headline: "BUILDER took no step of the build.",
	Why:      "Nix builds nothing here. The other computer did not answer, or it does not offer what a step needs: a system, or a feature such as big-parallel or kvm. Or the Nix service does not trust you, and takes no computers from you.",
	Page:     "check", Do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version", "See what it offers: ssh USER@HOST nix --extra-experimental-features nix-command config show system-features", "See whether the service trusts you: nix --extra-experimental-features nix-command store info"},
}, {
	Name: "missing-feature", When: lacksFeature, Verbatim: true,
	Nix:      []string{`^an? '.* with features .* is required to build`, `Reason: required system or feature not available`, `Reason: missing system features`},
	Headline: "A step of the build needs a feature that Nix does not have here.",
	Why:      "An SD card image needs none: something in configuration.nix does.",
	Page:     "preview", Do: []string{"Take it out, or see what Nix has: nix --extra-experimental-features nix-command config show system-features"},
	Boxed: &row.Instead{Do: []string{"Take out of configuration.nix what needs it."}},
}, {
	Name: "platform", Side: row.Builds, Nix: platform,
	Headline: "Nix does not want to build for the Raspberry Pi's processor (aarch64) on COMPUTER.",
	Why:      "It was not told that COMPUTER can run such programs.",
	Page:     "check", Do: allow,
}, {
	Name: "no-jobs", Nix: noJobs,
	Headline: "Nix is told to build nothing on this computer, and has no other.",
	Why:      "Its setting max-jobs is 0.",
	Page:     "check", Do: []string{"Put into /etc/nix/nix.conf: max-jobs = auto", "sudo systemctl restart nix-daemon"},
}}

var (
	platform = []string{
		`^an? 'aarch64-linux' with features .* is required to build`,
		`(?s)Reason: required system or feature not available\nRequired system: 'aarch64-linux'`,
		`(?s)Reason: platform mismatch\nRequired system: 'aarch64-linux'`,
	}
	noJobs = []string{`(?i)^unable to start any build`, `local builds are disabled \(max-jobs = 0\)`}
	// Of any system: the computers are those that Nix was given.
	noBuilder = slices.Concat(platform, noJobs, []string{
		`^failed to start SSH connection to`, `^an? '\S+' with features .* is required to build`,
		`Reason: (?:required system or feature not available|platform mismatch|missing system features)`,
	})
	trustMe = []string{"Add to /etc/nix/nix.conf: extra-trusted-users = $USER", "sudo systemctl restart nix-daemon", "On NixOS instead: nix.settings.trusted-users = [ \"@wheel\" ];"}
	allow   = []string{"Add to /etc/nix/nix.conf: extra-platforms = aarch64-linux", "sudo systemctl restart nix-daemon", "On NixOS instead: boot.binfmt.emulatedSystems = [ \"aarch64-linux\" ];"}
)

// machinesAsked is Nix's list of what a step wants and what there is. Source:
// NixOS/nix src/build-remote/build-remote.cc.
const machinesAsked = `(?s)Failed to find a machine for remote build!\nderivation: \S+\nrequired \(system, features\): \(\S+, \[?([^\])]*)\]?\)\n\d+ available machines:\n\(systems, maxjobs, supportedFeatures, mandatoryFeatures\)\n`

var (
	asked   = regexp.MustCompile(`(?m)^required \(system, features\): \(([^,\s]+), \[?([^\])]*)\]?\)$`)
	machine = regexp.MustCompile(`(?m)^\((?:\[([^\]]*)\]|([^,]*)), \d+, (?:\[([^\]]*)\]|(.*?)), (?:\[[^\]]*\])?\)$`)
)

// chosen says whether other computers were chosen, as far as that is known: where
// Nix refuses a platform as well, that alone is the cause of a build on this one.
func chosen(s row.Statement) bool {
	return len(s.Where.Hosts) > 0 || !strings.Contains(s.Rest, "client-specified setting 'extra-platforms'")
}

// lacksARM is lacksSystem for a step that is for the Pi.
func lacksARM(s row.Statement) bool {
	want := asked.FindStringSubmatch(s.Rest)
	return want != nil && want[1] == "aarch64-linux" && lacksSystem(s)
}

// lacksSystem says whether no machine was listed for the system of the step.
func lacksSystem(s row.Statement) bool {
	want := asked.FindStringSubmatch(s.Rest)
	if want == nil {
		return false
	}
	for _, m := range machine.FindAllStringSubmatch(s.Rest, -1) {
		if has(m[1]+m[2], want[1]) {
			return false
		}
	}
	return true
}

// machinesLackFeature says whether none of these has all features of the step.
func machinesLackFeature(s row.Statement) bool {
	want := asked.FindStringSubmatch(s.Rest)
	if want == nil || strings.TrimSpace(want[2]) == "" {
		return false
	}
	for _, m := range machine.FindAllStringSubmatch(s.Rest, -1) {
		all := has(m[1]+m[2], want[1])
		for f := range strings.SplitSeq(want[2], ",") {
			all = all && has(m[3]+m[4], f)
		}
		if all {
			return false
		}
	}
	return true
}

// has says whether a list with commas has the word.
func has(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(w) == strings.TrimSpace(word) {
			return true
		}
	}
	return false
}

var (
	askedLocal  = regexp.MustCompile(`(?s)^an? .* with features \{([^}]*)\} is required to build .* with features \{([^}]*)\}`)
	askedSystem = regexp.MustCompile(`(?s)Required system: .* with features \{([^}]*)\}.*Current system: .* with features \{([^}]*)\}`)
)

// lacksFeature says whether a feature (kvm, big-parallel) is what is missing,
// and not the platform. Before 2.34 one message served both.
func lacksFeature(s row.Statement) bool {
	cause := s.Cause
	for _, re := range []*regexp.Regexp{askedLocal, askedSystem} {
		m := re.FindStringSubmatch(cause)
		if m == nil {
			continue
		}
		have := " " + strings.ReplaceAll(m[2], ",", " ") + " "
		for want := range strings.FieldsFuncSeq(m[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			if !strings.Contains(have, " "+want+" ") {
				return true
			}
		}
		return false
	}
	return true // from 2.34 on it says so
}

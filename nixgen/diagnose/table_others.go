package diagnose

import (
	"regexp"
	"slices"
	"strings"
)

// others are the computers that should build: which of them may, and which
// answers. What ssh says comes before what Nix makes of it.
var others = []row{{
	name: "builders-not-trusted", nix: noBuilder, with: []string{`ignoring the client-specified setting '(?:builders|max-jobs|builders-use-substitutes)'`}, when: chosen,
	headline: "Nix does not let you choose another computer for building: it does not trust you yet.",
	why:      "Only a trusted user may.",
	page:     "check", do: trustMe,
}, {
	name: "not-trusted", nix: platform, with: []string{`ignoring the client-specified setting 'extra-platforms'`},
	headline: "Nix does not let you build for the Raspberry Pi's processor: it does not trust you yet.",
	why:      "Only a trusted user may add a processor (extra-platforms); the settings of Nix can add one for everybody.",
	page:     "check", do: allow,
}, {
	name: "builder-host-key", nix: noBuilder, with: slices.Concat(keyUnknown, keyChanged),
	headline: "BUILDER is not known to the Nix service.",
	why:      "The service runs as root: the host key must be in root's known_hosts, not in yours.",
	page:     "check", do: []string{"Log in once as root and check the key: sudo ssh USER@HOST true"},
}, {
	name: "builder-login", nix: noBuilder, with: refused,
	headline: "BUILDER refuses the Nix service's key.",
	why:      "The service runs as root, without your agent: it needs a key of its own, without a passphrase.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST true"},
}, {
	name: "builder-unreachable", nix: noBuilder, with: slices.Concat(unreachable, noName),
	headline: "BUILDER does not answer.",
	why:      "ssh could not reach it.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST true"},
}, {
	name: "builder-no-ssh", nix: []string{`(?:unable to execute|executing) ['"]ssh['"]: No such file`},
	headline: "Nix finds no ssh on this computer, and needs it to reach BUILDER.",
	why:      "The Nix service has a PATH of its own.",
	page:     "check", do: []string{"See whether it is there: sudo which ssh", "Install it. Debian and Ubuntu: sudo apt-get install openssh-client", "Then: sudo systemctl restart nix-daemon"},
}, {
	name: "builder-lost", nix: slices.Concat(hungUp, []string{`^(?:writing to|reading from) file: (?:Broken pipe|Connection reset by peer)`}), with: []string{`(?m)^(?:error: )?builder for '[^']+\.drv' failed with exit code 1`, `Cannot build '[^']+\.drv'\.\s+Reason: builder failed with exit code 1`},
	headline: "The connection to BUILDER broke off in the middle of a step.",
	why:      "It was switched off or restarted, its Nix was stopped, or the network was gone for a moment.",
	page:     "check", do: []string{"See whether it answers: sudo ssh -o BatchMode=yes USER@HOST nix --version", again},
}, {
	name: "builder-ssh", nix: noBuilder, with: []string{`failed to start SSH connection to`, `cannot build on '`},
	headline: "BUILDER cannot be used.",
	why:      "Nix could not start a session with it.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version"},
}, {
	name: "builder-system", nix: noBuilder, with: []string{machinesAsked}, when: lacksARM,
	headline: "BUILDER is not listed as one for the Raspberry Pi's processor (aarch64).",
	why:      "Nix asks only computers whose entry names the system aarch64-linux.",
	page:     "check", do: []string{"Choose it with: --builder ssh://USER@HOST", "Or add aarch64-linux to its entry in /etc/nix/machines: ssh-ng://USER@HOST aarch64-linux"},
}, {
	name: "builder-foreign", nix: noBuilder, with: []string{`(?m)^required \(system, features\): \(([^,\s]+),`}, when: lacksSystem,
	headline: "A step of the build needs a type of computer ($1) that none of the builders is.",
	why:      "Nix builds nothing on this computer while only others are chosen.",
	page:     "check", do: []string{"If this computer is of that type, let it build as well: --builder ssh://USER@HOST,local", "Or take out of configuration.nix what needs it."},
}, {
	name: "builder-feature", nix: noBuilder, with: []string{machinesAsked}, when: machinesLackFeature,
	headline: "BUILDER does not offer the features that a step of the build needs: $1.",
	why:      "Nix asks only computers whose entry names all of them.",
	page:     "preview", do: []string{"Take out of configuration.nix what needs them, or add them to the computer's entry in /etc/nix/machines."},
}, {
	name: "builder-none", nix: noBuilder, with: []string{`Failed to find a machine for remote build`},
	headline: "BUILDER took no step of the build.",
	why:      "It is listed, but Nix got no session with it: it did not answer, or refused the key of the Nix service, which runs as root.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version"},
}, {
	name: "builder-idle", nix: slices.Concat(noJobs, platform), when: func(s statement) bool { return !s.there && len(s.where.Hosts) > 0 && !s.where.Mixed },
	headline: "BUILDER took no step of the build.",
	why:      "Nix builds nothing here. The other computer did not answer, or it does not offer what a step needs: a system, or a feature such as big-parallel or kvm. Or the Nix service does not trust you, and takes no computers from you.",
	page:     "check", do: []string{"Try it: sudo ssh -o BatchMode=yes USER@HOST nix --version", "See what it offers: ssh USER@HOST nix --extra-experimental-features nix-command config show system-features", "See whether the service trusts you: nix --extra-experimental-features nix-command store info"},
}, {
	name: "missing-feature", when: lacksFeature, verbatim: true,
	nix:      []string{`^an? '.* with features .* is required to build`, `Reason: required system or feature not available`, `Reason: missing system features`},
	headline: "A step of the build needs a feature that Nix does not have here.",
	why:      "An SD card image needs none: something in configuration.nix does.",
	page:     "preview", do: []string{"Take it out, or see what Nix has: nix --extra-experimental-features nix-command config show system-features"},
	boxed: &instead{do: []string{"Take out of configuration.nix what needs it."}},
}, {
	name: "platform", side: builds, nix: platform,
	headline: "Nix does not want to build for the Raspberry Pi's processor (aarch64) on COMPUTER.",
	why:      "It was not told that COMPUTER can run such programs.",
	page:     "check", do: allow,
}, {
	name: "no-jobs", nix: noJobs,
	headline: "Nix is told to build nothing on this computer, and has no other.",
	why:      "Its setting max-jobs is 0.",
	page:     "check", do: []string{"Put into /etc/nix/nix.conf: max-jobs = auto", "sudo systemctl restart nix-daemon"},
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
func chosen(s statement) bool {
	return len(s.where.Hosts) > 0 || !strings.Contains(s.rest, "client-specified setting 'extra-platforms'")
}

// lacksARM is lacksSystem for a step that is for the Pi.
func lacksARM(s statement) bool {
	want := asked.FindStringSubmatch(s.rest)
	return want != nil && want[1] == "aarch64-linux" && lacksSystem(s)
}

// lacksSystem says whether no machine was listed for the system of the step.
func lacksSystem(s statement) bool {
	want := asked.FindStringSubmatch(s.rest)
	if want == nil {
		return false
	}
	for _, m := range machine.FindAllStringSubmatch(s.rest, -1) {
		if has(m[1]+m[2], want[1]) {
			return false
		}
	}
	return true
}

// machinesLackFeature says whether none of these has all features of the step.
func machinesLackFeature(s statement) bool {
	want := asked.FindStringSubmatch(s.rest)
	if want == nil || strings.TrimSpace(want[2]) == "" {
		return false
	}
	for _, m := range machine.FindAllStringSubmatch(s.rest, -1) {
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

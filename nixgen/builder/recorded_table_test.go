package builder

// judged is what a scenario of .ci/failures must be explained as. It was written
// from what was done to bring it about, and is the same for every Nix.
type judged struct {
	rows  []string // that may explain it, "" for no advice
	where string   // far: on the other computer; here: on this one; "" for either
	says  string   // part of it, "" for any; STEP is the derivation
}

var (
	unexplained = judged{rows: []string{""}, says: "Building STEP failed."}
	untouched   = judged{rows: []string{""}, says: "Nix stopped without saying why."} // it goes on, or has no time for a word
)

// failures are the judgements by scenario, or by way/scenario where the way is
// part of the cause.
var failures = map[string]judged{
	"build-ok": untouched, "build-cached": untouched, "build-odd-log-bytes": untouched, "build-waits-for-lock": untouched,
	"build-fail-exit": unexplained, "build-fail-30": unexplained, "build-fail-no-output": unexplained, "log-mentions-full": unexplained,
	"build-killed-137": {[]string{"killed"}, "far", ""}, "build-killed-sigkill": {[]string{"killed"}, "far", ""},
	"build-timeout": {[]string{"timeout"}, "far", ""}, "build-silent-timeout": {[]string{"silent", "timeout"}, "far", ""}, // 2.34 says no more

	"log-full": {[]string{"disk-full"}, "far", ""}, "log-offline": {[]string{"step-offline"}, "far", ""},
	"log-certificate": {[]string{"step-certificate"}, "far", ""}, "log-damaged": {[]string{"damaged-archive"}, "", ""},
	"hash-mismatch": {[]string{"hash-mismatch"}, "", ""}, "interpreter": {[]string{"emulator-outside"}, "far", ""},
	"offline": {[]string{"step-offline", "offline"}, "here", ""}, "feature": {[]string{"missing-feature"}, "", ""},
	"remote/feature": {[]string{"builder-feature", "builder-idle"}, "", ""}, "remote-daemon/feature": {[]string{"builder-feature", "builder-idle"}, "", ""},

	"interrupt-int": {[]string{"interrupted"}, "here", ""}, "interrupt-term": {[]string{"interrupted"}, "here", ""},
	"interrupt-int-group": {[]string{"interrupted"}, "here", ""}, "interrupt-kill": untouched,

	"substitute-then-build": untouched, "substitute-untrusted-key": untouched, "substituter-down": untouched,
	"substituter-offline": untouched, "substituter-bad-signature": untouched,
	"substituter-404": {[]string{"not-found", "download", "fetch-failed"}, "here", ""}, "substituter-corrupt": {[]string{"damaged-download"}, "here", ""},
	"substituter-changed": {[]string{"damaged-download"}, "here", ""}, "substituter-short": {[]string{"damaged-download", "broken-off"}, "here", ""},
	"builder-substitute-then-build": untouched, "builder-substitute-untrusted-key": untouched, "builder-substituter-down": untouched,
	"builder-substituter-offline": untouched, "builder-substituter-bad-signature": untouched,
	"builder-substituter-404": {[]string{"not-found", "download", "fetch-failed"}, "", ""}, "builder-substituter-corrupt": {[]string{"damaged-download"}, "", ""},
	"builder-substituter-changed": {[]string{"damaged-download"}, "", ""}, "builder-substituter-short": {[]string{"damaged-download", "broken-off"}, "", ""},

	"eval-unknown-option": {[]string{"no-option"}, "here", "configuration.nix"}, "eval-unknown-suboption": {[]string{"no-option"}, "here", "configuration.nix"},
	"eval-wrong-type": {[]string{"wrong-type"}, "here", "configuration.nix"}, "eval-syntax-error": {[]string{"syntax"}, "here", "configuration.nix"},
	"eval-undefined-variable": {[]string{"undefined-variable"}, "here", "configuration.nix"}, "eval-no-such-host": {[]string{"no-host"}, "here", ""},
	"eval-throw":        {[]string{""}, "here", "configuration.nix"}, // in the words of whoever wrote it
	"input-unreachable": {[]string{"offline"}, "here", ""}, "input-tarball-sized": untouched,

	"disk-full-nix": {[]string{"disk-full"}, "far", ""}, "disk-full-builder": {[]string{"disk-full"}, "far", ""},
	"disk-full-here": {[]string{"disk-full"}, "here", ""},

	"no-emulation-platform-not-allowed": {[]string{"platform"}, "far", ""}, "no-emulation-not-registered": {[]string{"not-registered"}, "far", ""},
	"user-not-trusted-extra-platforms": {[]string{"not-trusted", "platform"}, "here", ""},                   // 2.8 does not tell of the refused setting
	"user-not-trusted-builders":        {[]string{"builders-not-trusted", "builder-idle"}, "", "trust you"}, // 2.8 does not tell of the refused setting
	"user-build-fail-exit":             unexplained,

	"daemon-dies-mid-build": {[]string{"daemon-died"}, "here", ""}, "daemon-not-running": {[]string{"daemon-down"}, "here", ""},
	"daemon-refuses-connections": {[]string{"daemon-down"}, "here", ""}, "daemon-not-running-auto": {[]string{"daemon-missing"}, "here", ""},
	"daemon-hangs-up-on-root": {[]string{"daemon-hangs-up"}, "here", ""}, "daemon-user-not-allowed": {[]string{"daemon-hangs-up"}, "here", ""},
	"daemon-socket-not-permitted": {[]string{"daemon-refuses"}, "here", ""},
	"daemon-hangs":                {[]string{"interrupted", ""}, "here", ""}, // until somebody ends Nix

	// Through a daemon the words of ssh go into its journal: the advice is the command that shows them.
	"builder-host-key": {[]string{"builder-host-key"}, "", ""}, "builder-login": {[]string{"builder-login", "builder-ssh"}, "", ""},
	"builder-down":        {[]string{"builder-unreachable", "builder-ssh"}, "", ""},
	"builder-daemon-dies": {[]string{"builder-lost"}, "", ""}, "builder-line-cut": {[]string{"builder-lost"}, "", ""},
	"builder-foreign": {[]string{"builder-foreign"}, "", ""},
	"nix-copy-ssh":    untouched, "nix-copy-ssh-ng": untouched,
}

// elsewhereCalled are the scenarios of testdata/logs that are the same as another
// one in a certain way.
var elsewhereCalled = map[string]string{
	"daemon-build-ok": "daemon/build-ok", "daemon-interrupt-int": "daemon/interrupt-int", "daemon-client-sigkill": "daemon/interrupt-kill",
	"daemon-fail30": "daemon/build-fail-30", "remote-builder": "remote/build-ok", "daemon-remote-down": "remote-daemon/builder-down",
	"daemon-remote-down-alone": "remote-daemon/builder-down", "offline-inside-builder": "daemon/log-offline",
}

// doesNotApply says why a scenario of testdata/logs is not recorded in a way, of
// any Nix.
var doesNotApply = map[string]map[string]string{
	"daemon-not-running": inContainer, "daemon-not-running-auto": onlyHere, "daemon-socket-not-permitted": onlyHere,
	"daemon-user-not-allowed": onlyHere, "daemon-dies-mid-build": inContainer,
	"user-not-trusted-extra-platforms":  {"container": "Nix is root in there, and trusted", "remote": "is user-not-trusted-builders: the same refusal, of other settings"},
	"no-emulation-platform-not-allowed": {"container": "piwiz always allows the platform, and root in there is trusted"},
	"chroot-nosandbox":                  {"daemon": "a service has its store at /nix", "remote": "a service has its store at /nix", "container": "its store is at /nix"},
	"nix-copy-ssh":                      sends, "nix-copy-ssh-ng": sends,
}

var (
	inContainer = map[string]string{"container": "no service runs in there: Nix is process 1"}
	onlyHere    = map[string]string{"container": inContainer["container"], "remote": "Nix says it before it has read of another computer, as recorded through the service"}
	sends       = map[string]string{"container": "the Nix of this computer sends", "daemon": "is no build: Nix reads the store and speaks ssh itself"}
)

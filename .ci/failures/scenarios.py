"""What goes wrong, and how it is brought about: a step of a build for nix build
--expr, or a host's configuration.nix."""

ZEROS = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
FIXED = f'outputHash = "{ZEROS}"; outputHashMode = "flat"; outputHashAlgo = "sha256";'
WAITS = "echo on; sleep 30; echo done > $out"
CACHE = "http://127.0.0.1:8080/"


def step(text="exit 1", options=(), act=None, **more):
    """A step whose builder runs text. act is done to it once it has said "on"."""
    return dict(text=text, options=list(options), act=act, **more)


def cache(kind, *options):
    """A step that a cache has, or pretends to have: its folder is that of the
    scenario, and kind what is wrong with it."""
    return step(CACHED, ["substituters", CACHE + kind, "trusted-public-keys", "KEY", *options], kind=kind)


CACHED = "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done > $out"

# Steps that fail, or not, wherever they run.
STEPS = {
    "build-ok": step("echo hello; echo done > $out"),
    "build-cached": step("echo hello; echo done > $out", name="build-ok"),
    "build-fail-exit": step('echo one; echo "x.c:3:1: error: expected expression"; exit 2'),
    "build-fail-30": step('for i in 0 1 2; do for j in 0 1 2 3 4 5 6 7 8 9; do echo "line $i$j"; done; done; exit 1'),
    "build-fail-no-output": step("true"),
    "build-killed-137": step("exit 137"),
    "build-killed-sigkill": step(WAITS, act="kill-builder"),
    "build-odd-log-bytes": step(r"printf 'progress 10%%\rprogress 100%%\n\303\251 \033[31mred\033[0m \377 bad\tend\n'; printf 'no newline'; echo done > $out"),
    "build-waits-for-lock": step("echo on; sleep 4; echo done > $out", act="second"),
    "log-full": step('echo "cp: error writing /build/x: No space left on device"; exit 1'),
    "log-mentions-full": step('echo "ok 1 - No space left on device"; echo "not ok 2 - adds"; exit 1'),
    "log-offline": step('echo "curl: (6) Could not resolve host: example.org"; echo "error: cannot download x.tar.gz from any mirror"; exit 1'),
    "log-certificate": step('echo "curl: (60) SSL certificate problem: unable to get local issuer certificate"; exit 60'),
    "log-damaged": step('echo "xz: (stdin): Compressed data is corrupt"; echo "tar: Child returned status 1"; exit 2'),
    "hash-mismatch": step("echo x > $out", more=FIXED),
    "interpreter": step(builder='"${tools}/script"'),
    "feature": step(more='requiredSystemFeatures = [ "no-such-feature" ];'),
}

# What the one that started the build does to it.
INTERRUPTS = {
    "interrupt-int": step(WAITS, act="INT"),
    "interrupt-term": step(WAITS, act="TERM"),
    "interrupt-kill": step(WAITS, act="KILL"),
    "interrupt-int-group": step(WAITS, act="INT-group"),
}

# Limits of the client do not reach another computer; what Nix itself downloads
# is not given to one.
HERE = {
    "build-timeout": step("while :; do echo on; sleep 1; done", ["timeout", "3"]),
    "build-silent-timeout": step("sleep 60", ["max-silent-time", "3"]),
    "offline": step(builder='"builtin:fetchurl"', system="builtin", args="", more=f'url = "https://cache.example.invalid/x"; {FIXED}'),
}

CACHES = {
    "substitute-then-build": cache("good"),
    "substitute-untrusted-key": cache("good", "trusted-public-keys", ""),
    "substituter-down": dict(cache("good"), options=["substituters", "http://127.0.0.1:9", "download-attempts", "2"]),
    "substituter-offline": dict(cache("good"), options=["substituters", "https://cache.example.invalid", "download-attempts", "2"]),
    "substituter-bad-signature": cache("bad-signature"),
    "substituter-404": cache("lost", "download-attempts", "2"),
    "substituter-corrupt": cache("corrupt"),
    "substituter-changed": cache("changed"),
    "substituter-short": cache("short"),
}


def host(text, attribute="nixosConfigurations.bach.config.system.build.sdImage", **more):
    return dict(configuration=text, attribute=attribute, **more)


EVALUATION = {
    "eval-unknown-option": host("  services.avahi.enabel = true;"),
    "eval-unknown-suboption": host("  users.users.pi.openssh.authorizedKeys.keyss = [ ];"),
    "eval-wrong-type": host("  time.timeZone = 5;"),
    "eval-syntax-error": host("  networking.hostName = ;"),
    "eval-undefined-variable": host("  environment.systemPackages = [ undefinedVariable ];"),
    "eval-throw": host('  time.timeZone = throw "piwiz: you forgot the time zone";'),
    "eval-no-such-host": host("", "nixosConfigurations.nobody.config.system.build.sdImage"),
    "input-unreachable": host("", nixpkgs=""),
    "input-tarball-sized": host("", "lib.version", nixpkgs="http://127.0.0.1:8080/nixpkgs.tar.gz"),
}

# On a store of 20 MiB.
SMALL = {
    "disk-full-nix": step(more='big = builtins.path { path = BIG; name = "big"; };'),
    "disk-full-builder": step("dd if=/dev/zero of=$out bs=1M count=40"),
}

# Of the Nix service on this computer.
SERVICE = {
    "daemon-dies-mid-build": step(WAITS, act="kill-daemon"),
    "daemon-not-running": step(),
    "daemon-refuses-connections": step(),
    "daemon-hangs": step(),
    "daemon-hangs-up": step(),
}

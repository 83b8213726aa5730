# Packages whose builders are arm64 programs, so that building them is the proof
# of the emulation.
let
  tools = builtins.path { name = "aarch64-tools"; path = ./aarch64-tools; };
  run = name: script: env: derivation (env // {
    inherit name tools;
    system = "aarch64-linux";
    builder = "${tools}/bin/busybox";
    args = [ "sh" "-eu" ./setup.sh script ];
  });
  named = name: { ${builtins.head (builtins.split "-[0-9]" name)} = run name ./stub.sh { }; };
in
{ inherit run; } // builtins.foldl' (all: name: all // named name) { } [
  "coreutils-9.8" "gnugrep-3.12" "util-linux-2.41" "git-2.52" "htop-3.4" "vim-9.1"
]

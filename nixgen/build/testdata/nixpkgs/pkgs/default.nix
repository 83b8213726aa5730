# A package set of one function: run NAME ENV SCRIPT = an aarch64 derivation built by busybox.
{ system }:
let
  # Debian arm64 binaries, put beside this file by the test harness (not committed).
  tools = builtins.path { name = "aarch64-tools"; path = ./aarch64-tools; };
  busybox = "${tools}/bin/busybox";
in
rec {
  inherit system tools;
  run = name: env: script: derivation ({
    inherit name tools;
    system = "aarch64-linux";
    builder = busybox;
    args = [ "sh" "-eu" ./setup.sh script ];
  } // env);
  coreutils = run "coreutils" { } (builtins.toFile "empty.sh" "mkdir $out");
  gnugrep = run "gnugrep" { } (builtins.toFile "empty.sh" "mkdir $out");
  writeText = name: text: run name { inherit text; passAsFile = [ "text" ]; } (builtins.toFile "write-text.sh" "cp $textPath $out");
  blob = name: kib: salt: run name { kib = toString kib; inherit salt; } ./blob.sh;
  hello = run "hello" { } (builtins.toFile "hello.sh" "uname -m > $out");
}

# Packages of one kind of computer. Their builders are its programs: that arm64
# ones run is the proof of the emulation.
{ system, overlays ? [ ] }:
let
  lib = import ../lib;
  folder = { aarch64-linux = ./aarch64-tools; x86_64-linux = ./x86_64-tools; }.${system};
  tools = builtins.path { name = baseNameOf folder; path = folder; };
  stub = name: { ${builtins.head (builtins.split "-[0-9]" name)} = set.run name ./stub.sh { }; };

  set = {
    inherit lib;
    callPackage = lib.callPackageWith pkgs;
    buildPackages = pkgs; # nothing is made for another kind here

    # mkDerivation has one command, or phases that the command itself tells of.
    stdenv = {
      buildPlatform = { inherit system; };
      hostPlatform = { inherit system; };
      mkDerivation = { name, buildCommand, nativeBuildInputs ? [ ], ... }@env: derivation (env // {
        inherit system tools nativeBuildInputs;
        passAsFile = [ "buildCommand" ] ++ env.passAsFile or [ ];
        builder = "${tools}/bin/busybox";
        args = [ "sh" "-eu" ./setup.sh ];
      });
    };
    stdenvNoCC = pkgs.stdenv;
    inherit pkgs;

    run = name: script: env: pkgs.stdenv.mkDerivation (env // { inherit name; buildCommand = ". ${script}"; });
    writeScript = name: script: set.run name ./script.sh { inherit script; };
    writeText = builtins.toFile;
    # What a cache would have: the computer that evaluates makes it.
    payload = number: (import ./. { system = builtins.currentSystem or "x86_64-linux"; }).run "payload-${number}" ./payload.sh { inherit number; };
    closureInfo = { rootPaths }: set.run "closure-info" ./closure-info.sh {
      exportReferencesGraph = lib.concatLists (lib.imap0 (i: path: [ "closure-${toString i}" path ]) rootPaths);
    };
  }
  # All that packs images is in one folder.
  // lib.genAttrs [ "dosfstools" "e2fsprogs" "fakeroot" "libfaketime" "mtools" "perl" "util-linux" "zstd" ]
    (name: { inherit name; type = "derivation"; outPath = "${tools}"; })
  // lib.optionalAttrs (system == "aarch64-linux") (builtins.foldl' (all: name: all // stub name) { } [
    "coreutils-9.8" "gnugrep-3.12" "util-linux-2.41" "git-2.52" "htop-3.4" "vim-9.1"
  ])
  // lib.optionalAttrs (system == "x86_64-linux") { pkgsStatic.qemu-user = import ./qemu-user.nix; };

  pkgs = builtins.foldl' (all: overlay: all // overlay pkgs all) set overlays;
in
pkgs

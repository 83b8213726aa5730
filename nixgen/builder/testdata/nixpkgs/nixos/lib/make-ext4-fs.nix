# The root file system of a card; arguments and what it says as in NixOS/nixpkgs
# nixos/lib/make-ext4-fs.nix.
{ pkgs
, lib
, storePaths
, compressImage ? false
, populateImageCommands ? ""
, volumeLabel
, uuid ? "44444444-4444-4444-8888-888888888888"
, e2fsprogs
, libfaketime
, perl
, fakeroot
, zstd
}:
let
  closureInfo = pkgs.buildPackages.closureInfo { rootPaths = storePaths; };
in
pkgs.stdenv.mkDerivation {
  name = "ext4-fs.img" + lib.optionalString compressImage ".zst";
  nativeBuildInputs = [ e2fsprogs libfaketime perl fakeroot ] ++ lib.optional compressImage zstd;
  inherit closureInfo populateImageCommands volumeLabel uuid;
  compress = if compressImage then "yes" else "";
  buildCommand = ". ${./make-ext4-fs.sh}";
}

# The packages that modules get as pkgs.
{ config, lib, ... }:
{
  options.nixpkgs = {
    hostPlatform = lib.mkOption { type = lib.types.str; };
    overlays = lib.mkOption { type = lib.types.listOf lib.types.raw; default = [ ]; };
  };
  config._module.args.pkgs =
    if config.nixpkgs.hostPlatform != "aarch64-linux"
    then throw "the fixture builds for aarch64-linux only, not for ${config.nixpkgs.hostPlatform}"
    else import ../../pkgs { system = config.nixpkgs.hostPlatform; inherit (config.nixpkgs) overlays; };
}

# What U-Boot reads; names of NixOS/nixpkgs
# nixos/modules/system/boot/loader/generic-extlinux-compatible.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.boot.loader.generic-extlinux-compatible;
  # One for the Pi, which runs it at each switch, and one for who packs the image.
  builder = pkgs: import ./extlinux-conf-builder.nix { inherit lib pkgs; };
  arguments = "-g ${toString cfg.configurationLimit} -t 5";
in
{
  options.boot.loader.generic-extlinux-compatible = {
    enable = mkOption { type = types.bool; default = false; };
    configurationLimit = mkOption { type = types.int; default = 20; };
    populateCmd = mkOption { type = types.str; };
  };
  config = {
    boot.loader.generic-extlinux-compatible.populateCmd = "${builder pkgs.buildPackages} ${arguments}";
    system.build = lib.mkIf cfg.enable { installBootLoader = "${builder pkgs} ${arguments} -c"; };
  };
}

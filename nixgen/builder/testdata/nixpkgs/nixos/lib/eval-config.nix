# A NixOS system: its configuration, its packages, and what makes another of it.
{ lib }:
{ modules, specialArgs ? { } }:
let
  withPackages = system: system // {
    inherit (system.config._module.args) pkgs;
    extendModules = more: withPackages (system.extendModules more);
  };
in
withPackages (lib.evalModules {
  modules = [ ../modules/options.nix ../modules/extlinux.nix ../modules/nixpkgs.nix ] ++ modules;
  specialArgs = { modulesPath = toString ../modules; } // specialArgs;
})

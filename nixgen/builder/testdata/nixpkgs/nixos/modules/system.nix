# The system that the card holds.
{ config, lib, pkgs, ... }:
let
  pace = toString config.fixture.pace;

  # Everything that was configured, read in full: no mistake stays unseen. What
  # is made of the system cannot be in it.
  settings = builtins.toJSON (removeAttrs config [ "_module" "system" ] // {
    nixpkgs = removeAttrs config.nixpkgs [ "overlays" ];
    boot = config.boot // { loader.generic-extlinux-compatible = removeAttrs config.boot.loader.generic-extlinux-compatible [ "populateCmd" ]; };
    sdImage = removeAttrs config.sdImage [ "storePaths" "rootFilesystemCreator" "rootFilesystemImage" "populateFirmwareCommands" "populateRootCommands" ];
  });

  kernel = pkgs.run "linux-6.18.2" ./installer/sd-card/kernel.sh {
    inherit pace;
    inherit (config.fixture) fail;
    megabytes = toString config.fixture.megabytes;
  };
  payload = map (number: pkgs.payload (toString number)) (lib.genList (n: n) config.fixture.payload);
in
{
  system.build.toplevel = pkgs.run "nixos-system-${config.networking.hostName}-${lib.version}" ./installer/sd-card/toplevel.sh {
    inherit pace settings kernel payload;
    hostName = config.networking.hostName;
    stateVersion = config.system.stateVersion;
    kernelParams = config.boot.kernelParams;
    installBootLoader = config.system.build.installBootLoader or "";
    users = builtins.attrNames config.users.users;
    keys = map (u: builtins.toFile "keys" (lib.concatStringsSep "\n" u.openssh.authorizedKeys.keys)) (builtins.attrValues config.users.users);
    passAsFile = [ "settings" ];
  };
}

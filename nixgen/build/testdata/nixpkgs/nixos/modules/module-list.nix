# The options piwiz's generated module may set, with NixOS's own names and types.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  opt = type: default: mkOption { inherit type default; };
in
{
  options = {
    system.build = opt (types.attrsOf types.raw) { };
    system.stateVersion = mkOption { type = types.str; };
    nixpkgs.hostPlatform = mkOption { type = types.str; };
    nixpkgs.buildPlatform = opt types.str "";
    networking.hostName = opt types.str "nixos";
    networking.useDHCP = opt types.bool true;
    networking.wireless.enable = opt types.bool false;
    networking.wireless.interfaces = opt (types.listOf types.str) [ ];
    networking.wireless.secretsFile = opt (types.nullOr types.path) null;
    networking.wireless.extraConfig = opt types.str "";
    networking.wireless.networks = opt (types.attrsOf (types.submodule {
      psk = opt (types.nullOr types.str) null;
      pskRaw = opt (types.nullOr types.str) null;
      hidden = opt types.bool false;
      priority = opt (types.nullOr types.int) null;
      authProtocols = opt (types.listOf (types.enum [ "WPA-PSK" "WPA-EAP" "SAE" "FT-PSK" "FT-EAP" "FT-SAE" "OWE" "NONE" ])) [ "WPA-PSK" "SAE" ];
    })) { };
    networking.wireless.iwd.enable = opt types.bool false;
    services.openssh.enable = opt types.bool false;
    services.openssh.hostKeys = opt (types.listOf types.anything) [ ];
    services.openssh.settings = opt (types.attrsOf types.anything) { };
    services.avahi = {
      enable = opt types.bool false;
      nssmdns4 = opt types.bool false;
      openFirewall = opt types.bool true;
      publish.enable = opt types.bool false;
      publish.addresses = opt types.bool false;
      publish.workstation = opt types.bool false;
    };
    users.mutableUsers = opt types.bool true;
    users.users = opt (types.attrsOf (types.submodule ({ name }: {
      name = opt types.str name;
      isNormalUser = opt types.bool false;
      extraGroups = opt (types.listOf types.str) [ ];
      hashedPassword = opt (types.nullOr types.str) null;
      openssh.authorizedKeys.keys = opt (types.listOf types.str) [ ];
    }))) { };
    time.timeZone = opt (types.nullOr types.str) null;
    i18n.defaultLocale = opt types.str "en_US.UTF-8";
    hardware.enableRedistributableFirmware = opt types.bool false;
    environment.systemPackages = opt (types.listOf types.package) [ ];
    boot.supportedFilesystems = opt types.anything { };
    boot.kernelParams = opt (types.listOf types.str) [ ];
    fileSystems = opt (types.attrsOf (types.submodule { options = opt (types.listOf types.str) [ ]; })) { };
    systemd.services = opt (types.attrsOf (types.submodule {
      description = opt types.str "";
      wantedBy = opt (types.listOf types.str) [ ];
      wants = opt (types.listOf types.str) [ ];
      before = opt (types.listOf types.str) [ ];
      after = opt (types.listOf types.str) [ ];
      unitConfig = opt (types.attrsOf types.anything) { };
      serviceConfig = opt (types.attrsOf types.anything) { };
      path = opt (types.listOf types.package) [ ];
      script = opt types.lines "";
    })) { };
    security.sudo.wheelNeedsPassword = opt types.bool true;
    zramSwap.enable = opt types.bool false;
    documentation.nixos.enable = opt types.bool true;
    console.keyMap = opt types.str "us";
    nix.settings = opt (types.attrsOf types.anything) { };
  };
}

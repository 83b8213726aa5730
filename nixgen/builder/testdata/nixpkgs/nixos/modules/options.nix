# The options that generated hosts set, with the names and types of nixpkgs 26.05.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  opt = type: default: mkOption { inherit type default; };
  must = type: mkOption { inherit type; };
  off = opt types.bool false;
  on = opt types.bool true;
  strings = opt (types.listOf types.str) [ ];
  units = opt (types.listOf types.unitName) [ ];
  text = opt types.lines "";
  protocols = [
    "WPA-PSK" "WPA-EAP" "IEEE8021X" "NONE" "WPA-NONE" "FT-PSK" "FT-EAP" "FT-EAP-SHA384" "WPA-PSK-SHA256"
    "WPA-EAP-SHA256" "SAE" "FT-SAE" "WPA-EAP-SUITE-B" "WPA-EAP-SUITE-B-192" "OSEN" "FILS-SHA256"
    "FILS-SHA384" "FT-FILS-SHA256" "FT-FILS-SHA384" "OWE" "DPP"
  ];
in
{
  options = {
    _module.args = opt (types.attrsOf types.raw) { };
    system.build = opt (types.attrsOf types.raw) { };
    system.stateVersion = must types.release;
    image.baseName = opt types.str "nixos-image-sd-card-${lib.version}-aarch64-linux";
    boot = {
      supportedFilesystems = opt (types.either (types.listOf types.str) (types.attrsOf types.bool)) { };
      kernelParams = strings;
      tmp.cleanOnBoot = off;
    };
    fileSystems = opt (types.attrsOf (types.submodule {
      device = opt (types.nullOr types.str) null;
      fsType = must types.str;
      options = must (types.nonEmptyListOf types.str);
    })) { };

    networking = {
      hostName = opt types.hostName "nixos";
      useDHCP = on;
      firewall.enable = on;
      firewall.allowedTCPPorts = opt (types.listOf types.int) [ ];
      wireless = {
        enable = off;
        interfaces = strings;
        secretsFile = opt (types.nullOr types.path) null;
        extraConfigFiles = opt (types.listOf types.path) [ ];
        extraConfig = opt types.str "";
        networks = opt (types.attrsOf (types.submodule (name: {
          ssid = opt types.str name;
          psk = opt (types.nullOr types.str) null;
          pskRaw = opt (types.nullOr types.pskRaw) null;
          authProtocols = opt (types.listOf (types.enum protocols)) [ "WPA-PSK" "WPA-EAP" "SAE" "FT-PSK" "FT-EAP" "FT-SAE" ];
          hidden = off;
          priority = opt (types.nullOr types.int) null;
          extraConfig = opt types.str "";
        }))) { };
      };
    };
    hardware.enableRedistributableFirmware = off;
    zramSwap.enable = off;

    time.timeZone = opt (types.nullOr types.noSpaces) null;
    i18n.defaultLocale = opt types.str "en_US.UTF-8";
    console.keyMap = opt (types.either types.str types.path) "us";
    documentation.enable = on;
    documentation.nixos.enable = on;

    systemd.services = opt (types.attrsOf (types.submodule {
      enable = on;
      description = opt types.singleLineStr "";
      wantedBy = units;
      requiredBy = units;
      wants = units;
      requires = units;
      before = units;
      after = units;
      unitConfig = opt (types.attrsOf types.setting) { };
      serviceConfig = opt (types.attrsOf types.setting) { };
      environment = opt (types.attrsOf types.atom) { };
      path = opt (types.listOf (types.either types.package types.str)) [ ];
      script = text;
    })) { };
    services.openssh = {
      enable = off;
      openFirewall = on;
      hostKeys = opt (types.listOf (types.attrsOf types.atom)) [ ];
      settings = opt (types.freeSubmodule types.setting {
        PasswordAuthentication = opt (types.nullOr types.bool) true;
        KbdInteractiveAuthentication = opt (types.nullOr types.bool) true;
        PermitRootLogin = opt (types.nullOr (types.enum [ "yes" "without-password" "prohibit-password" "forced-commands-only" "no" ])) "prohibit-password";
      }) { };
    };
    services.avahi = {
      enable = off;
      nssmdns4 = off;
      nssmdns6 = off;
      openFirewall = on;
      publish = { enable = off; addresses = off; workstation = off; domain = off; userServices = off; };
    };
    services.journald.storage = opt (types.enum [ "persistent" "volatile" "auto" "none" ]) "persistent";

    users.mutableUsers = on;
    users.users = opt (types.attrsOf (types.submodule (name: {
      name = opt types.str name;
      description = opt types.str "";
      isNormalUser = off;
      extraGroups = strings;
      hashedPassword = opt (types.nullOr types.str) null;
      openssh.authorizedKeys.keys = opt (types.listOf types.singleLineStr) [ ];
    }))) { };
    security.sudo.wheelNeedsPassword = on;
    environment.systemPackages = opt (types.listOf types.package) [ ];
    nix.settings = opt (types.freeSubmodule types.setting {
      trusted-users = opt (types.listOf types.str) [ "root" ];
    }) { };

    # Not of NixOS: how the tests make a build slow or make it fail.
    fixture.pace = opt types.int 0; # seconds per step
    fixture.fail = opt (types.enum [ "" "exit" "hang" "hostile" "space" "nothing" ]) "";
    fixture.megabytes = opt types.int 0; # more in the root file system, incompressible
    fixture.payload = opt types.int 0; # so many MiB of packages, 1 MiB in 26 files each
  };
}

{
  description = "A stand-in for nixpkgs: strict options, a real SD image, no network";

  outputs = { self }:
    let lib = import ./lib;
    in {
      lib = lib // {
        nixosSystem = { modules, specialArgs ? { } }:
          let
            system = lib.evalModules {
              modules = [ ./nixos/modules/options.nix ] ++ modules;
              specialArgs = {
                pkgs = import ./pkgs;
                modulesPath = toString ./nixos/modules;
              } // specialArgs;
            };
          in
          system;
      };
      legacyPackages.aarch64-linux = import ./pkgs;
      legacyPackages.x86_64-linux.pkgsStatic.qemu-user = import ./pkgs/qemu-user.nix;
    };
}
